"""One function makes an element of a report: its table, and beside it all that page, workbook, JSON, mail and wiki say."""

import json

import numpy as np
import openpyxl
import pandas as pd
import pytest

import crm_reports as crm
from crm_reports.elements import ELEMENTS, Element, Entry, element
from crm_reports.look import page, wiki
from crm_reports.mail import content
from crm_reports.runs.run import run
from crm_reports.settings import Settings
from notebooks import write
from stores import at, dataset, deal, make_store

WINS = '''
@crm.element(title="Wins by source", measured="Deals won in the period.", needs=["won"], mail=("won", "won_money"))
def wins_by_source(ds):
    """What each source brought."""
    return crm.measure(ds, ["won", "won_money"], by="source", total=True)

@wins_by_source.finding
def all_wins(table):
    return f"{int(table['won'].iloc[-1])} wins in all"
'''
ENDED = {"stage_id": "WON", "outcome": "won", "closed_at": at("2025-03-20")}
WON = [deal(1, "2025-03-02", **ENDED), deal(2, "2025-03-03", source_id="CALL", **ENDED)]


@pytest.fixture
def registry():
    """The elements as they are after the test."""
    before = dict(ELEMENTS)
    yield
    ELEMENTS.clear()
    ELEMENTS.update(before)


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: the data of each element."""
    bundles = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle[page.ELEMENT]))
    yield bundles
    page.forget()


def test_an_element_added_as_one_function_is_in_page_workbook_json_mail_and_wiki(tmp_path, registry):
    (tmp_path / "reports.toml").write_text('time_zone = "UTC"')
    make_store(tmp_path / "data", deals=WON)
    write(tmp_path / "notebooks" / "mine.ipynb", "# Mine", "crm.header(ds, report='mine')", WINS, "crm.show(wins_by_source(ds))",
          "crm.glossary(ds)")  # fmt: skip
    settings = Settings.read(tmp_path / "reports.toml", tmp_path / "data")
    record = run("mine", {}, settings=settings, out=tmp_path / "out")
    assert record.error == ""
    _notebook, html, workbook, data = record.files
    assert '<h2 id="wins_by_source-h">2 wins in all</h2>' in html.read_text("utf-8")
    assert "Wins by source" in openpyxl.load_workbook(workbook).sheetnames
    held = json.loads(data.read_text("utf-8"))
    assert [row["won"] for row in held["elements"]["wins_by_source"]["rows"]] == [1, 1, 2]
    assert all(f'id="word-{name}"' in html.read_text("utf-8") for name in ("won", "won_money"))
    exec(WINS, {"crm": crm})  # mail and wiki are made by another process
    (bars,) = content.read(held, name="Mine").bars
    assert (bars.heading, bars.columns, len(bars.rows)) == ("2 wins in all", ("Won", "Won money"), 2)
    assert 'id="element-wins_by_source">Wins by source' in wiki.html()
    assert "- **Wins by source** (`wins_by_source`): Deals won in the period." in wiki.markdown()


def test_a_table_and_a_figure_can_be_changed_before_they_are_shown(tmp_path, shown):
    reasons = crm.elements.loss_reasons(dataset(tmp_path, deals=[deal(1, "2025-03-01", outcome="lost", stage_id="DEAR",
                                                                      closed_at=at("2025-03-05"))]))  # fmt: skip
    assert isinstance(reasons.table, pd.DataFrame)
    reasons.table = reasons.table.assign(loss_reason="Another word")
    assert reasons.figure.update_layout(height=700) is reasons.figure
    crm.show(reasons)
    assert shown[0]["rows"][0]["loss_reason"] == "Another word"
    assert shown[0]["finding"].startswith("Another word")
    assert reasons.figure.layout.height == 700


def test_a_table_of_ones_own_under_the_id_of_an_element_has_its_words_and_not_its_finding(shown):
    crm.show(pd.DataFrame([{"source": "Web", "won": 5}]), "sources")
    assert (shown[0]["title"], shown[0]["finding"]) == ("Sources", "")


def test_every_element_has_a_title_and_a_docstring():
    assert [entry.id for entry in ELEMENTS.values() if not (entry.title and entry.make.__doc__)] == []


def test_what_an_element_leads_to_is_an_element():
    ids = {entry.id for entry in ELEMENTS.values()}
    assert {entry.leads_to for entry in ELEMENTS.values()} - {""} <= ids


# ── Absent is not nothing ────────────────────────────────────────────────────────────────────────────────────────────


class Poor:
    """A dataset whose source has no amounts."""

    lacks = {"amount": "The source has no amounts."}  # noqa: RUF012


TABLE = pd.DataFrame({"source": ["Web"], "won": [5], "won_money": [0.0]})


def test_a_column_that_the_source_lacks_is_blank_and_the_note_says_why():
    made = Element(Entry("mine", "Mine"), Poor(), TABLE)
    assert made.table["won"].tolist() == [5]
    assert np.isnan(made.table["won_money"]).all()
    assert (made.missing, made.note) == ("", "The source has no amounts.")


def test_a_finding_that_reads_what_the_source_lacks_says_nothing():
    entry = Entry("mine", "Mine")
    entry.finding(lambda table: f"{table['won_money'].sum()} in all")
    assert Element(entry, Poor(), TABLE).finding == ""
    entry.finding(lambda table: f"{table['won'].sum()} won")
    assert Element(entry, Poor(), TABLE).finding == "5 won"


def test_a_finding_that_names_a_column_nobody_has_is_a_mistake_and_not_hidden():
    entry = Entry("mine", "Mine")
    entry.finding(lambda table: table["no_such"].sum())
    with pytest.raises(KeyError, match="no_such"):
        _ = Element(entry, Poor(), TABLE).finding


def test_what_an_element_needs_and_the_source_lacks_is_one_sentence_in_its_place(registry):
    @element(title="Money", needs=["won_money"])
    def money_of_mine(ds):
        raise AssertionError("there is nothing to measure")

    made = money_of_mine(Poor())
    assert (made.missing, made.finding, made.note) == ("The source has no amounts.", "", "")
    assert made.table.empty
    assert made.figure is None


def test_a_table_of_nothing_but_what_the_source_lacks_is_missing():
    assert (
        Element(Entry("mine", "Mine"), Poor(), TABLE[["source", "won_money"]]).missing == "The source has no amounts."
    )
