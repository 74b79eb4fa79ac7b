"""The wiki: every number with its words, its source down to the API, and its code; in both languages, and as text only."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from crm_reports.cli import app
from crm_reports.errors import MetricError
from crm_reports.look import wiki
from crm_reports.look.wiki import html, markdown, sections, words, write
from crm_reports.metrics import METRICS, origins
from crm_reports.metrics.registry import column
from crm_reports.sources.fields import TABLES
from crm_reports.words.texts import LANGUAGES, speaking

LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


class Page(HTMLParser):
    """What a browser would make of it: ids, links, what is fetched, and the text."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.fetched, self.tags, self.text = [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        held = dict(attrs)
        self.tags.append(tag)
        self.ids += [held["id"]] if "id" in held else []
        self.links += [held["href"]] if tag == "a" else []
        self.fetched += [held[name] for name in ("src", "srcset", "data") if name in held] + [tag] * (tag == "link")

    def handle_data(self, data):
        self.text += data


@LANGUAGE
def test_every_number_has_a_place_that_a_link_can_lead_to(language):
    with speaking(language):
        page = Page(html())
    assert set(METRICS) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


@LANGUAGE
def test_the_page_asks_nobody_for_anything_and_runs_nothing(language):
    with speaking(language):
        page = Page(html())
    assert page.fetched == []
    assert not {"script", "iframe", "img"} & set(page.tags)
    assert [link for link in page.links if "://" in link] == []


@LANGUAGE
def test_an_entry_says_all_there_is_to_say(language):
    with speaking(language):
        entries = [entry for _title, listed in sections() for entry in listed]
    assert sorted(entry.name for entry in entries) == sorted(METRICS)
    for entry in entries:
        assert entry.title
        assert entry.meaning
        assert entry.formula
        assert entry.unit
        assert entry.origins
        assert f"def {entry.name}(" in entry.code
        assert "def " in entry.rows_code


def test_the_russian_wiki_has_no_english_sentence():
    with speaking("ru"):
        said = [entry for _title, listed in sections() for entry in listed]
        texts = [meaning for _name, _title, meaning in words()]
    names = ("title", "of", "meaning", "formula", "unit", "good", "certainty", "caveats")
    texts += [getattr(entry, name) for entry in said for name in names]
    texts += [each.meaning for entry in said for each in entry.origins] + [
        text for entry in said for text in entry.missing
    ]
    assert [text for text in texts if text and not re.search("[А-Яа-я]", text)] == []


def test_a_number_is_followed_down_to_the_field_of_the_api():
    told = {each.column: each.api for each in origins.origins(METRICS["won_money"])}
    assert told["deals.amount"] == "crm.deal.list OPPORTUNITY"
    assert told["stage_history.at"] == "crm.stagehistory.list CREATED_TIME"
    assert told["currencies.rate"] == "crm.currency.list AMOUNT, AMOUNT_CNT"
    assert "activities.at" not in told


@pytest.mark.parametrize("name", list(METRICS))
def test_what_a_number_comes_from_is_in_the_store_and_in_the_api(name):
    for each in origins.origins(METRICS[name]):
        table, field = each.column.split(".")
        assert field in TABLES[table].columns
        assert re.match(r"(crm\.[\w.]+|user\.get|department\.get) \S", each.api) or table in (
            "done_seen",
            "deals_versions",
            "plan_lines",
            "dated_notes",
        )


def test_a_field_that_nobody_can_trace_is_a_mistake(monkeypatch):
    monkeypatch.setitem(origins.ORIGINS, "visits", {})
    with pytest.raises(MetricError, match="is_visited"):
        origins.origins(METRICS["visited"])


@LANGUAGE
def test_a_row_of_a_markdown_table_has_three_cells(language):
    with speaking(language):
        lines = [line for line in markdown().splitlines() if line.startswith("| `")]
    assert len(lines) > 100
    assert [line for line in lines if len(re.findall(r"(?<!\\)\|", line)) != 4] == []


def test_what_a_definition_holds_is_text_and_no_markup(monkeypatch):
    def evil(events):
        """<script>alert(1)</script> & so on."""
        return events["is_won"].sum()  # "</code><img src=x>"

    evil.__module__ = "crm_reports.metrics.test_wiki"  # one of the product's own definitions
    hostile = replace(METRICS["won"], title="<b>Won</b>", formula="</dd><img src=x>", compute=evil)
    monkeypatch.setattr(wiki, "SECTIONS", {"test_wiki": "Here"})
    monkeypatch.setitem(METRICS, "won", hostile)
    page = Page(html())
    assert not {"script", "img", "b"} & set(page.tags)
    assert "<script>alert(1)</script>" in page.text


def test_the_command_writes_both_languages_as_page_and_as_markdown(tmp_path):
    done = CliRunner().invoke(app, ["glossary", "--out", str(tmp_path)])
    assert done.exit_code == 0
    names = ["glossary.en.html", "glossary.en.md", "glossary.ru.html", "glossary.ru.md"]
    assert [line.rsplit("/", 1)[-1] for line in done.stdout.splitlines()] == names
    assert "Что значит каждое число" in (tmp_path / "glossary.ru.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_writing_again_changes_nothing(tmp_path):
    before = {path.name: path.read_bytes() for path in write(tmp_path)}
    assert {path.name: path.read_bytes() for path in write(tmp_path)} == before


# ── Alternatives of one number are never mixed ───────────────────────────────────────────────────────────────────────


@LANGUAGE
def test_no_two_numbers_are_called_alike(language):
    with speaking(language):
        titles = [column(name).title.casefold() for name in METRICS]
    assert sorted({title for title in titles if titles.count(title) > 1}) == []


@LANGUAGE
def test_every_share_names_its_denominator_and_nothing_else_has_one(language):
    with speaking(language):
        shares = {name: column(name).of for name, entry in METRICS.items() if entry.unit == "share"}
        others = [column(name).of for name, entry in METRICS.items() if entry.unit != "share"]
    assert [name for name, of in shares.items() if not of] == []
    assert set(others) == {""}


@LANGUAGE
def test_no_two_numbers_have_the_same_formula(language):
    with speaking(language):
        formulas = [column(name).formula for name in METRICS]
    assert len(set(formulas)) == len(formulas)


@LANGUAGE
def test_a_mean_and_a_median_say_which_they_are(language):
    words = {"en": ("average", "mean"), "ru": ("средн",)}[language]
    with speaking(language):
        for mean in ("average_check", "cycle_days", "stage_days"):
            median = column({"average_check": "median_check"}.get(mean, f"median_{mean}"))
            assert any(word in f"{column(mean).title} {column(mean).formula}".casefold() for word in words)
            assert {"en": "median", "ru": "медиан"}[language] in median.title.casefold()


@LANGUAGE
def test_a_number_leads_to_what_shows_it_and_a_field_of_the_crm_to_its_numbers(language):
    with speaking(language):
        text, plain = html(), markdown()
    entry = text[text.index('<article id="won_money">') :].partition("</article>")[0]
    assert 'href="#element-managers"' in entry
    field = text[text.index("<code>crm.deal.list OPPORTUNITY</code></dt>") :].partition("</dd>")[0]
    assert 'href="#won_money"' in field
    assert 'href="#win_rate"' not in field
    line = next(line for line in plain.splitlines() if line.startswith("- `crm.deal.list OPPORTUNITY`"))
    assert "(#won_money)" in line
