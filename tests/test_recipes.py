"""What docs/analyst.md tells an analyst to do works, top to bottom, as it stands there."""

import re
from pathlib import Path

import pandas as pd
import pytest

from crm_reports.elements import ELEMENTS
from crm_reports.look import page
from crm_reports.measures import load
from crm_reports.metrics import METRICS
from crm_reports.settings import Settings
from march import DEALS, HISTORY
from reports import elements
from stores import make_store

TEXT = (Path(__file__).parents[1] / "docs" / "analyst.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A cell after another run in an analyst's folder: what each name is in the end, and what was shown."""
    settings, bundles = make_store(tmp_path, deals=DEALS, stage_history=HISTORY), []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
    monkeypatch.setattr(load.Settings, "read", classmethod(lambda cls, *_given: settings))
    monkeypatch.setitem(METRICS, "large_wins", None)
    monkeypatch.setitem(ELEMENTS, "money_by_source", None)
    del METRICS["large_wins"], ELEMENTS["money_by_source"]
    names = {}
    for source in blocks("python"):
        # The invented company's March; whoever reads the recipe has deals of late.
        exec(source.replace('period="last_3_months"', 'period="2025-03", as_of="2025-04-01"'), names)
    page.forget()
    return names, elements(bundles)


def test_every_cell_runs_and_shows_what_it_promises(desk):
    names, shown = desk
    assert list(shown) == ["header", "loss_reasons", "by_source", "by_source_chart", "large", "money_by_source"]
    assert names["table"]["won"].iloc[-1] == 3
    assert shown["by_source"]["finding"] == "What each source brings"
    assert sum(row["large_wins"] or 0 for row in shown["large"]["rows"]) == 0  # of 1 000, 900 and 0
    assert shown["money_by_source"]["finding"].endswith("brings most")
    assert names["by_month"]["won"].sum() == 3
    assert len(pd.read_parquet("deals.parquet")) == 6


def test_every_line_for_reports_toml_is_understood(tmp_path):
    path = tmp_path / "reports.toml"
    path.write_text("\n".join(['source = "demo"', *blocks("toml")]))
    settings = Settings.read(path)
    assert settings.own.tiles == ("large_wins",)
    assert settings.presets[0].report == "weekly"
    assert list(settings.fields) == ["region"]
