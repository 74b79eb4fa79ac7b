import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from crm_reports import charts, elements, metrics  # noqa: F401  (importing metrics registers them)
from crm_reports.elements import ELEMENTS
from crm_reports.filters import Choice
from crm_reports.look import page, plain
from crm_reports.look.mime import FIGURE
from crm_reports.words import context, units
from stores import dataset, deal

HOSTILE = "<script>alert(1)</script>"
NAN = float("nan")


@dataclass
class Dataset:
    currency: str = "RUB"
    synced_at: datetime = datetime(2025, 3, 12, 21, 5, tzinfo=UTC)
    size: int = 2252
    total: int = 2611
    portal_url: str = "javascript:alert(1)"
    holes: tuple = ("The comments could not be read.",)
    quality: tuple = (SimpleNamespace(code="unpriced", count=6, text=f"6 deals {HOSTILE} are not priced"),)
    names: object = field(default_factory=lambda: SimpleNamespace(managers=pd.DataFrame(index=["3"])))
    filters: object = field(default_factory=lambda: SimpleNamespace(
        zone=ZoneInfo("Europe/Moscow"), as_of=datetime(2025, 3, 12, 21, tzinfo=UTC), as_json=lambda: {"pipeline": []}, ids=lambda name: (),
        words=lambda: [("Period", "March", False), ("Pipeline", HOSTILE, True)]))  # fmt: skip


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: one mime bundle per element."""
    bundles = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
    yield bundles
    units.use()
    charts.use_managers([])


def element(bundle):
    json.dumps(bundle[page.ELEMENT], allow_nan=False)  # every element can be written as JSON
    return bundle[page.ELEMENT]


TILES = pd.DataFrame([
    {"metric": "won", "value": 39.0, "previous": 33.0, "change": 0.18, "k": None, "n": None, "spark": [1.0, NAN, 3.0]},
    {"metric": "lost", "value": 12.0, "previous": 10.0, "change": 0.2, "k": None, "n": None, "spark": []},
    {"metric": "conversion", "value": None, "previous": None, "change": None, "k": 0, "n": 0, "spark": None},
])  # fmt: skip


def test_a_header_says_what_is_in_and_out_and_what_to_know_first(shown):
    page.header(Dataset(), report="sales_dynamics")
    html, about = shown[0]["text/html"], element(shown[0])
    assert f"{units.write(2252, 'count')} of {units.write(2611, 'count')} deals" in html
    assert "the filters leave out 359" in html
    assert 'class="chip hot"><i>Pipeline</i>' in html
    assert 'class="chip"><i>Period</i>March' in html
    assert "The comments could not be read." in html
    assert "<script>" not in html
    assert (about["kept"], about["total"], about["currency"], about["as_of"]) == (
        2252, 2611, "RUB", "2025-03-12T21:00:00+00:00",
    )  # fmt: skip
    assert about["quality"][0]["code"] == "unpriced"
    assert about["portal_url"] == ""


def test_managers_have_their_colours_by_their_place_among_all_of_the_company(tmp_path):
    deals = [deal(n, "2025-03-01", manager_id=id) for n, id in enumerate(("3", "20", "100"))]
    ds = dataset(tmp_path, deals=deals, managers=None)
    page.use(ds)
    assert context.current().manager_ids == ("3", "20", "100")
    page.use(replace(ds, filters=replace(ds.filters, manager=(Choice("20", "20"),))))
    assert charts.colour_of("20") == charts.PALETTE[1][0]


IDLE = "Nothing was created, won or lost in January 2020; the first deal is of 1 Mar 2025, the last of 3 Mar 2025."


def test_a_period_in_which_nothing_happened_is_said_once_and_each_element_is_one_line(tmp_path, shown):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01"), deal(2, "2025-03-03")], period="2020-01")
    page.header(ds)
    page.show(elements.tiles(ds, ["created", "in_work"]))
    page.show(elements.loss_reasons(ds))
    page.show(elements.managers(ds))
    header, tiles, reasons, managers = (bundle["text/html"] for bundle in shown)
    assert header.count(IDLE) == 1
    assert re.findall(r'data-metric="(\w+)"', tiles) == ["in_work"]
    assert "Nothing in this period" in reasons
    assert "<table" not in reasons
    assert page.FIGURE not in shown[2]
    assert re.findall(r'data-name="(\w+)"', managers) == ["manager", "in_work", "in_work_money"]
    assert [column["name"] for column in element(shown[3])["columns"]].count("won") == 1  # workbook and JSON have all


def test_a_period_in_which_one_deal_came_is_not_said_to_be_empty(tmp_path, shown):
    page.header(dataset(tmp_path, deals=[deal(1, "2025-03-01")]))
    assert "Nothing was created" not in shown[0]["text/html"]


def test_filters_that_no_deal_fits_are_said_to_fit_none(tmp_path, shown):
    page.header(
        dataset(
            tmp_path, deals=[deal(1, "2025-03-01")], source=["CALL"], sources=[{"source_id": "CALL", "name": "Call"}]
        )
    )
    assert "Nothing was created, won or lost in March 2025: no deal fits the filters." in shown[0]["text/html"]


def test_after_the_header_money_and_instants_are_written_as_the_dataset_has_them(shown):
    page.header(Dataset())
    assert units.write(5, "money") == f"5{units.SPACE}₽"
    assert units.write("2025-03-12T21:00:00Z", "instant") == "13 Mar 2025, 00:00"


def test_a_tile_has_its_number_its_change_and_the_deals_behind_it(shown):
    page.show(TILES, "tiles")
    html = shown[0]["text/html"]
    assert html.count('class="tile') == 3 + 1  # three tiles in one grid
    assert 'data-link="deals:lost" data-counts="lost" data-value="12.0" data-metric="lost"' in html
    assert "▲" in html
    assert "was 33" in html
    assert 'class="chg bad">▲' in html  # more lost is not good


def test_a_missing_number_is_a_dash_on_the_tile_and_null_in_the_data(shown):
    page.show(TILES, "tiles")
    assert '<span class="num">—</span>' in shown[0]["text/html"]
    assert element(shown[0])["rows"][2]["value"] is None
    assert element(shown[0])["rows"][0]["spark"] == [1.0, None, 3.0]


def test_a_table_carries_its_columns_and_raw_rows(shown):
    frame = pd.DataFrame([{"source": "Web", "won": 5, "conversion": 0.5, "start": date(2025, 3, 1),
                           "created_at": pd.Timestamp("2025-03-01", tz="UTC"), "is_total": False}])  # fmt: skip
    page.show(frame, "sources", finding="The web brings most")
    found = element(shown[0])
    assert found["columns"][1] == {"name": "won", "title": "Won", "unit": "count"}
    assert found["rows"] == [{"source": "Web", "won": 5, "conversion": 0.5, "start": "2025-03-01",
                              "created_at": "2025-03-01T00:00:00+00:00", "is_total": False}]  # fmt: skip
    assert (found["kind"], found["title"], found["finding"]) == ("table", "Sources", "The web brings most")


def test_a_finding_is_the_heading_and_the_title_what_is_measured(shown):
    page.show(pd.DataFrame([{"source": "Web", "won": 5}]), "sources", finding=f"Most {HOSTILE}")
    html = shown[0]["text/html"]
    assert '<h2 id="sources-h">Most &lt;script&gt;' in html
    assert "Sources. Where deals came from" in html


def test_a_chart_comes_with_its_figure_and_its_data_beneath(shown):
    frame = pd.DataFrame([{"source": "Web", "won": 5}])
    figure = charts.bars(frame, x="source", y="won")
    page.show(figure, "sources", data=frame, finding="The web brings most")
    bundle = shown[0]
    assert bundle[page.FIGURE]["layout"]["title"]["text"] == "The web brings most"
    assert bundle[page.FIGURE]["data"][0]["type"] == "bar"
    assert page.HERE in bundle["text/html"]
    assert "<details>" in bundle["text/html"]
    assert element(bundle)["rows"] == [{"source": "Web", "won": 5}]
    assert figure.layout.title.text is None  # the analyst's figure is left alone


def test_what_the_source_has_no_data_for_says_so_and_shows_no_zeros(shown):
    page.show(None, "leads", missing="The portal has no leads.")
    assert element(shown[0])["rows"] == []
    assert element(shown[0])["missing"] == "The portal has no leads."
    assert '<p class="missing">The portal has no leads.</p>' in shown[0]["text/html"]


def test_an_analysts_own_element_needs_no_entry(shown):
    page.show(pd.DataFrame([{"source": "Web", "won": 5}]), "my_own", title="My own table")
    assert element(shown[0])["title"] == "My own table"


def test_what_needs_you_is_a_list_of_sentences_that_lead_into_reports(shown):
    page.show(
        pd.DataFrame([{"priority": 1, "text": HOSTILE, "report": "forgotten_deals", "element": "deals"}]), "needs_you"
    )
    assert '<a data-link="report:forgotten_deals" data-at="deals">&lt;script&gt;' in shown[0]["text/html"]


def test_the_glossary_lists_each_number_once_in_the_order_of_the_page(shown):
    context.use(metrics=("won", "conversion"))
    page.glossary(Dataset())
    assert [row["name"] for row in element(shown[0])["rows"]] == ["won", "conversion"]
    assert "won in the period ÷ created in the period" in shown[0]["text/html"]


def test_a_verdict_is_a_sentence_of_its_own(shown):
    page.verdict(f"48 {HOSTILE}")
    assert element(shown[0])["kind"] == "text"
    assert "&lt;script&gt;" in shown[0]["text/html"]


def test_every_element_of_the_product_has_words():
    assert all(entry.title for entry in ELEMENTS.values())


def test_the_style_stays_inside_our_elements():
    rules = page.css().replace("\n", "").split("}")
    selectors = [rule.split("{")[0].split("*/")[-1] for rule in rules if "{" in rule and "@" not in rule]
    assert all(part.strip().startswith((".crm", ":where(.crm)")) for each in selectors for part in each.split(","))


def test_a_share_s_change_is_in_points_and_one_that_chance_explains_is_grey(shown):
    rows = [
        {"metric": "conversion", "value": 0.124, "previous": 0.085, "change": 0.46, "may_be_chance": False},
        {"metric": "won", "value": 18.0, "previous": 20.0, "change": -0.1, "may_be_chance": True},
    ]
    page.show(pd.DataFrame(rows), "tiles")
    html = shown[-1]["text/html"].replace(units.SPACE, " ")
    assert '<span class="chg good">▲ 3.9 pp' in html
    assert '<span class="chg flat">▼ 10 %' in html


@pytest.mark.parametrize(
    "figure",
    [
        charts.bars(pd.DataFrame({"manager": ["Anna <b>", "Boris"], "won": [3, 5]}), x="manager", y="won"),
        go.Figure(go.Scatter(x=[1, 2], y=[3.5, NAN])),
        go.Figure(go.Bar(x=pd.to_datetime(["2025-03-12", "2025-03-13"]), y=np.array([1, 2]))),
        go.Figure(go.Bar(x=[1], y=[2]), frames=[go.Frame(data=[go.Bar(x=[1], y=[3])], name="next")]),
    ],
    ids=["ours", "with a gap", "with arrays", "with frames"],
)
def test_a_figure_is_shown_as_plotly_itself_writes_it(shown, figure):
    page.show(figure, "mine", title="Mine")
    drawn, plotlys = shown[0][FIGURE], json.loads(figure.to_json())
    assert drawn["layout"].pop("title")["text"] == "Mine"
    drawn["layout"] |= drawn.pop("in_page", {})  # JupyterLab has its title in it, and is told to draw it taller
    plotlys["layout"].pop("title", None)
    assert drawn == plotlys


def test_a_figure_that_is_changed_after_it_was_shown_was_shown_as_it_was(shown):
    figure = go.Figure(go.Bar(x=[1], y=[2]))
    page.show(figure, "mine", title="Mine")
    figure.data[0].name = "later"
    assert "name" not in shown[0][FIGURE]["data"][0]


def test_our_own_figures_need_no_copy_by_plotly(shown, monkeypatch):
    """What `_figure_json` uses of plotly's insides: a figure's _data and _layout, as plain as they came."""
    monkeypatch.setattr(go.Figure, "to_json", lambda figure: pytest.fail("plotly copied it"))
    page.show(charts.bars(pd.DataFrame({"manager": ["Anna"], "won": [3]}), x="manager", y="won"), "mine", title="Mine")
    assert shown[0][FIGURE]["data"][0]["type"] == "bar"


def test_instants_are_written_as_each_alone_with_a_fraction_where_there_is_one():
    texts = ["2025-03-12T21:00:00+00:00", "2025-03-12T21:00:00.250000+00:00", "1969-12-31T23:59:59.000001+00:00"]
    moments = pd.to_datetime(pd.Series([*texts, None], dtype=object), utc=True, format="ISO8601")
    assert plain.values(moments) == [*texts, None] == [plain.value(each) for each in moments]
    finest = pd.Series(pd.to_datetime(["2025-03-12T21:00:00.000000001Z"], utc=True))
    assert plain.values(finest) == ["2025-03-12T21:00:00.000000001+00:00"]
