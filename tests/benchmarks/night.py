"""Pages a minute of a night, beside the two usual ways to make pages of the same notebooks with the same data.

naive: `papermill`, then `jupyter nbconvert`, a process each, as tutorials do. lean: papermill's own best, in processes
that stay: no save per cell, kernels ended at once, nbconvert as a library. All run the same number of pages at a time;
ours pays for its planning, its warm-up and its indexes. On a machine that others use too, the processors' seconds are to be
trusted more than the clock's.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import date
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path

import psutil

import bitrix24_demo as demo
from crm_reports.look.publish import REPORTS
from crm_reports.night import How, night
from crm_reports.settings import Preset, Settings, Source
from crm_reports.sources.bitrix24.pace import ENTERPRISE
from crm_reports.store.sync import sync

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
TODAY = date(2025, 6, 2)


@dataclass(frozen=True)
class Made:
    """A way of making pages: how many in how many seconds, by the clock and of processors; and the most memory, in MB."""

    way: str
    pages: int
    seconds: float
    busy: float
    memory: float

    @property
    def per_minute(self) -> float:
        return 60 * self.pages / self.seconds


def measured(way: str, make: Callable[[], int]) -> Made:
    """Time `make`, which gives how many pages it made, and watch its memory."""
    most, done = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(most, done))
    watcher.start()
    started, worked = time.perf_counter(), _worked()
    try:
        pages = make()
    finally:
        seconds, busy = time.perf_counter() - started, _worked() - worked
        done.set()
        watcher.join()
    return Made(way, pages, seconds, busy, most[0] / 2**20)


def _worked() -> float:
    """Seconds that processors worked for this process and for those it began and saw the end of."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _watch(most: list[float], done: threading.Event) -> None:
    """What is shared by forks is counted once: unique memory of each process."""
    me = psutil.Process()
    while not done.wait(0.5):
        held = 0
        for process in [me, *me.children(recursive=True)]:
            try:
                held += process.memory_full_info().uss
            except psutil.Error:
                continue
        most[0] = max(most[0], held)


# ── The usual ways ───────────────────────────────────────────────────────────────────────────────────────────────────


def tasks(pages: int, managers: list[str]) -> list[tuple[str, str]]:
    """Which report of which manager: all reports in turn."""
    return list(islice(((report, manager) for manager in cycle(managers) for report in REPORTS), pages))


def naive(task: tuple[str, str], folder: Path) -> None:
    report, manager = task
    out = Path(tempfile.mkdtemp(dir=folder)) / f"{report}.ipynb"
    tools = Path(sys.executable).parent
    given = ["-y", f"manager: ['{manager}']"]
    _quiet([tools / "papermill", NOTEBOOKS / f"{report}.ipynb", out, *given, "-k", "python3", "--no-progress-bar"])
    _quiet([tools / "jupyter", "nbconvert", "--to", "html", "--no-input", out])
    assert out.with_suffix(".html").stat().st_size > 10_000


def _quiet(command: list[object]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def lean(task: tuple[str, str], folder: Path) -> None:
    import papermill
    from nbconvert import HTMLExporter

    report, manager = task
    out = Path(tempfile.mkdtemp(dir=folder)) / f"{report}.ipynb"
    notebook = papermill.execute_notebook(
        str(NOTEBOOKS / f"{report}.ipynb"), str(out), parameters={"manager": [manager]}, kernel_name="python3",
        progress_bar=False, request_save_on_cell_execute=False, autosave_cell_every=0, shutdown_kernel="immediate",
    )  # fmt: skip
    html, _ = HTMLExporter(exclude_input=True).from_notebook_node(notebook)
    out.with_suffix(".html").write_text(html, encoding="utf-8")


def usual(way: str, task: Callable, pages: int, jobs: int, managers: list[str], folder: Path) -> Made:
    def make() -> int:
        if way == "naive":
            pool = ThreadPoolExecutor(jobs)
        else:
            pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
        with pool:
            return len(list(pool.map(task, tasks(pages, managers), [folder] * pages)))

    return measured(way, make)


# ── Ours ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ours(
    settings: Settings, periods: int, managers: list[str], jobs: int, folder: Path, *, proved: bool = False
) -> Made:
    settings = settings.model_copy(update={"presets": tuple(_presets(periods, managers))})

    def make() -> int:
        report = night(settings, out=folder, sync=lambda: None, how=How(jobs=jobs, proved=proved))
        assert report.is_whole, [page.error for page in report.failed][:3]
        return len(report.pages)

    return measured(f"night{', proved' if proved else ''}", make)


def _presets(periods: int, managers: list[str]) -> Iterator[Preset]:
    """Every report for each of the managers, over so many months and comparisons: pages as long as those of the usual ways."""
    first = TODAY.year * 12 + TODAY.month - 2
    for place in range(periods):
        month, comparison = first - place // 2, ("previous", "year_ago")[place % 2]
        period = f"{month // 12}-{month % 12 + 1:02}"
        for report in REPORTS:
            parameters = {"period": period, "comparison": comparison, "manager": managers}
            name = f"{report} {period} {comparison}"
            yield Preset(name=name, report=report, parameters=parameters, each=("manager",), whole=False)


# ── Told ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def demo_store(folder: Path, deals: int) -> Settings:
    """The demo company's store."""
    settings = Settings(home=folder, data=folder / "data", source=Source(demo={"deals": deals}))
    company = demo.invent(deals=deals, seed=1, months=26, today=TODAY)
    with demo.serve(company) as served:
        sync(settings, webhook=served.webhook, portal_url="https://demo.bitrix24.example", pace=ENTERPRISE)
    return settings


def table(rows: list[Made]) -> Iterator[str]:
    """A line for each way, and how many times it is the first."""
    yield f"{'way':<14}{'pages':>6}{'seconds':>9}{'pages/min':>11}{'times':>8}{'CPU s/page':>12}{'times':>8}{'MB':>7}"
    first = rows[0]
    for made in rows:
        times, work = made.per_minute / first.per_minute, made.busy / made.pages
        yield (f"{made.way:<14}{made.pages:>6}{made.seconds:>9.1f}{made.per_minute:>11.1f}{times:>7.1f}x"
               f"{work:>12.2f}{first.busy / first.pages / work:>7.1f}x{made.memory:>7.0f}")  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--deals", type=int, default=3000)
    asked.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--usual", type=int, default=8, help="pages made the usual ways")
    asked.add_argument("--periods", type=int, nargs="*", default=[1, 12, 30], help="of a night; 16 pages for each")
    asked.add_argument("--proved", action="store_true", help="with a browser looking at each page")
    said, _ = asked.parse_known_args()
    with tempfile.TemporaryDirectory() as home, redirect_stderr(open(os.devnull, "w")):
        folder = Path(home)
        settings = demo_store(folder, said.deals)
        os.environ["CRM_REPORTS_DATA"] = str(settings.data)
        managers = ["5", "7", "9", "11"]
        rows = [
            usual(way, task, said.usual, said.jobs, managers, folder)
            for way, task in (("naive", naive), ("lean", lean))
        ]
        for periods in said.periods:
            rows.append(ours(settings, periods, managers, said.jobs, folder / f"out{periods}"))
        if said.proved:
            rows.append(ours(settings, said.periods[0], managers, said.jobs, folder / "proved", proved=True))
        print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
