"""One company's page, measured in a process of its own: `python -m tests.benchmarks.page_run FOLDER DEALS`."""

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import nbformat
import pandas as pd
from nbconvert import HTMLExporter
from playwright.sync_api import sync_playwright

import bitrix24_demo as demo
from crm_reports.look import publish, scripts, templates
from crm_reports.runs import cells, execution, preparation, proof, run
from crm_reports.settings import Settings
from crm_reports.sources.bitrix24.pace import ENTERPRISE
from crm_reports.store.sync import sync

from . import size_store

TODAY = date(2025, 6, 2)
DEMO = 10_000  # as many deals as the invented portal is asked for; more are made in the store
BEFORE, PERIOD = "2024-Q4", "2025-01..2025-05"


def main() -> None:
    """Make the page twice, of two periods, and print what the second took."""
    folder, deals = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    settings = company(folder, deals)
    os.environ |= {"CRM_REPORTS_CONFIG": str(folder / "reports.toml"), "CRM_REPORTS_DATA": str(settings.data)}
    _page(settings, BEFORE, {})
    used: dict[str, float] = {}
    record, notebook = _page(settings, PERIOD, used)
    listed = next(each for each in run.elements_of(notebook) if each["id"] == "deals")
    weights = {path.suffix[1:]: path.stat().st_size for path in record.files}
    weights["html, scripts inside"] = len(publish.html(notebook).encode())
    plain = _plain(listed, notebook, used, settings.home / "out" / "plain.html")
    scripts.assets(settings.home / "out" / "assets")
    ours = next(path for path in record.files if path.suffix == ".html")
    seen = {"ours": _seen(ours), "nbconvert": _seen(settings.home / "out" / "plain.html")}
    print(json.dumps({"cpu": used, "bytes": weights | plain, "listed": len(listed["rows"]), "seen": seen}))


def company(folder: Path, deals: int) -> Settings:
    """The invented company in a store of its own, made unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    made = (folder / "store.duckdb").exists()
    (folder / "reports.toml").write_text('time_zone = "UTC"\n', encoding="utf-8")
    if deals > DEMO:
        return Settings(home=folder, data=folder, time_zone="UTC") if made else size_store.make(folder, deals)
    settings = Settings.read(folder / "reports.toml", folder)
    if not made:
        with demo.serve(demo.invent(deals=deals, months=24, seed=1, today=TODAY), rate=demo.UNLIMITED) as served:
            sync(settings, webhook=served.webhook, portal_url="https://demo.bitrix24.example", pace=ENTERPRISE)
    return settings


@contextmanager
def _timed(used: dict[str, float], name: str) -> Iterator[None]:
    started = time.process_time()
    yield
    used[name] = used.get(name, 0) + time.process_time() - started


def _page(settings: Settings, period: str, used: dict[str, float]):
    """The page's four files, made as a night makes them, and the notebook they are made of."""
    with _timed(used, "whole"):
        plan = preparation.prepare("sales_dynamics", {"period": period}, settings=settings)
        with _timed(used, "cells"):
            executed = execution.execute_here(plan)
        with _parts(used):
            record = run.complete(executed, settings=settings, out=settings.home / "out", assets="assets")
    cells.forget()
    if record.error:
        raise SystemExit(record.error)
    return record, executed.notebook


@contextmanager
def _parts(used: dict[str, float]) -> Iterator[None]:
    """While the files are written, what each of them takes is noted."""
    makers = {"html": (publish, "html"), "xlsx": (run.workbook, "workbook"), "json": (run, "as_json")}
    usual = {name: getattr(*maker) for name, maker in makers.items()}
    for name, (module, attribute) in makers.items():
        setattr(module, attribute, _noting(used, name, usual[name]))
    yield
    for name, (module, attribute) in makers.items():
        setattr(module, attribute, usual[name])


def _noting(used: dict[str, float], name: str, make: Callable) -> Callable:
    def noted(*given: object, **named: object) -> object:
        with _timed(used, name):
            return make(*given, **named)

    return noted


# When a tile and a chart first stood on the page, in ms since it was asked for.
WATCH = """window.firsts = {};
const note = () => { for (const [name, what] of [["tile", "a.tile"], ["chart", ".main-svg"]])
  if (!(name in firsts) && document.querySelector(what)) firsts[name] = Math.round(performance.now()); };
new MutationObserver(note).observe(document, {subtree: true, childList: true});"""


def _seen(path: Path) -> dict[str, int]:
    """The page's height in px at a laptop's width, and ms to its first tile and chart; {} without a Chromium."""
    if not proof.browser():
        return {}
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=proof.browser(), args=[*proof.SILENT])
        opened = browser.new_page(viewport={"width": 1280, "height": 800})
        opened.add_init_script(WATCH)
        opened.goto(path.resolve().as_uri(), timeout=120_000)
        opened.wait_for_timeout(8_000)
        firsts = opened.evaluate("firsts")
        seen = {"height": opened.evaluate("document.documentElement.scrollHeight"), **firsts}
        browser.close()
    return seen


def _plain(listed: dict, notebook: nbformat.NotebookNode, used: dict[str, float], path: Path) -> dict[str, int]:
    """Bytes of the list by pandas alone, and of the notebook by nbconvert alone, whose page is written to `path`."""
    frame = pd.DataFrame(listed["rows"])
    with _timed(used, "plain pandas"):
        html = frame.to_html()
        frame.to_excel(io.BytesIO(), engine="xlsxwriter")
        frame.to_json()
    with _timed(used, "plain nbconvert"):
        plain, _resources = HTMLExporter(exclude_input=True).from_notebook_node(notebook)
    path.write_text(plain, encoding="utf-8")
    return {"plain pandas": len(html.encode()), "plain nbconvert": len(plain.encode())}


if __name__ == "__main__":
    templates.compile_all()
    main()
