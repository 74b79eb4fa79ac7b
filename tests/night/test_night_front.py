"""What the front door says before the list of pages: the overview's numbers and what needs somebody."""

import json
import re

from crm_reports.look import templates
from crm_reports.night.front import front
from crm_reports.night.pages import Page

WON = {"metric": "won", "value": 18.0, "previous": 20.0, "change": -0.1, "may_be_chance": True, "spark": [], "note": ""}
NEED = {"text": "<b>5 of 9</b> are forgotten", "report": "forgotten_deals", "element": "deals"}
TOLD = {
    "currency": "EUR", "words": [{"label": "Period", "text": "March 2025"}],
    "elements": {
        "tiles": {"rows": [WON | {"metric": "won_money", "value": 4_100_000.0, "may_be_chance": False}, WON, WON | {"metric": "gone"}]},
        "needs_you": {"rows": [NEED, NEED | {"report": "sales_dynamics"}]},
    },
}  # fmt: skip
PAGES = [
    Page("Overview", "overview", "complete", files=("2025-04-01/overview.html", "2025-04-01/overview.json")),
    Page("Forgotten", "forgotten_deals", "complete", files=("2025-04-01/forgotten.html",)),
]


def written(folder, text):
    (folder / "2025-04-01").mkdir()
    (folder / "2025-04-01/overview.json").write_text(text, encoding="utf-8")
    return front(PAGES, folder)


def test_the_front_door_has_the_overview_s_numbers_in_its_currency_and_its_period(tmp_path):
    said = written(tmp_path, json.dumps(TOLD))
    assert said.words == "March 2025"
    assert [(tile["title"], tile["number"], tile["unit"]) for tile in said.tiles] == [
        ("Won money", "4.1", "M\N{NO-BREAK SPACE}€"),
        ("Won", "18", ""),
    ]
    assert said.tiles[1]["verdict"] == "flat"


def test_what_needs_somebody_leads_to_the_page_that_proves_it_where_there_is_one(tmp_path):
    needs = written(tmp_path, json.dumps(TOLD)).needs
    assert [proof for _text, proof in needs] == ["2025-04-01/forgotten.html#deals", ""]


def test_without_an_overview_that_can_be_read_the_front_door_is_the_list_of_pages(tmp_path):
    assert front(PAGES, tmp_path) is None
    assert front(PAGES[1:], tmp_path) is None
    assert written(tmp_path, "<html>") is None


def test_the_index_begins_with_the_front_and_a_hostile_sentence_is_only_text(tmp_path):
    said = written(tmp_path, json.dumps(TOLD))
    html = templates.render(
        "night.html.j2", front=said, latest=None, wholes=[], slices=[], here=str, is_company=True, script="", css="",
        policy="", language="en", zone=None,
    )  # fmt: skip
    assert "In short: March 2025" in html
    assert "<b>5 of 9" not in html
    assert re.search(r'href="2025-04-01/forgotten.html#deals">&lt;b&gt;5 of 9&lt;/b&gt; are forgotten', html)
