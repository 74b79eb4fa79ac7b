"""The Russian catalogue says everything that the product says, and nothing else."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from string import Formatter

import jinja2
import pytest
from babel.messages.plurals import get_plural

from catalogue import PACKAGE, Id, collected, forms, python_calls, russian, translations
from crm_reports.look import scripts
from crm_reports.look.publish import SAID_BY_SCRIPT
from crm_reports.metrics.registry import COLUMNS, METRICS, column
from crm_reports.words import texts, units
from crm_reports.words.texts import _, many, speaking

ENGLISH = collected()
RUSSIAN = translations(russian())
BOTH = {text: RUSSIAN[text].string for text in ENGLISH if text in RUSSIAN}
TEMPLATES = sorted((PACKAGE / "look" / "template").glob("*.j2"), key=str)
SAME_IN_BOTH = {"CSV", "Excel", "ID", "k"}


def differing(of: Callable[[str], object]) -> dict[Id, object]:
    """The texts of whose English and Russian forms `of` says different things."""
    pairs = {text: ({*map(of, forms(text))}, {*map(of, forms(said))}) for text, said in BOTH.items()}
    return {text: said for text, (meant, said) in pairs.items() if len(meant | said) > 1}


def placeholders(text: str) -> frozenset[str]:
    """What is filled in: {names} as they are written, and the _WORDS_ that DataTables knows."""
    filled = {f"{name}!{conversion or 's'}:{spec}" for _text, name, spec, conversion in Formatter().parse(text) if name}
    return frozenset(filled | set(re.findall(r"_[A-Z]+_", text)))


# ── The catalogue ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_text_is_in_the_catalogue():
    assert {text: where for text, where in ENGLISH.items() if text not in RUSSIAN} == {}


def test_the_catalogue_holds_no_text_that_is_said_nowhere():
    assert [text for text in RUSSIAN if text not in ENGLISH] == []
    assert list(russian().obsolete) == []


def test_every_text_is_translated_in_all_its_plural_forms():
    wanted = {text: 1 if isinstance(text, str) else 3 for text in RUSSIAN}
    given = {text: sum(bool(form.strip()) for form in forms(message.string)) for text, message in RUSSIAN.items()}
    assert {text: given[text] for text in RUSSIAN if given[text] != wanted[text]} == {}


def test_no_translation_is_a_guess():
    assert [text for text, message in RUSSIAN.items() if message.fuzzy] == []


def test_the_plural_rule_is_that_of_russian():
    kept, usual = russian(), get_plural("ru")
    assert (kept.num_plurals, kept.plural_expr) == (usual.num_plurals, usual.plural_expr)


def test_every_translation_fills_in_what_the_text_does():
    assert differing(placeholders) == {}


def test_headings_and_paragraphs_of_prose_stay_what_they_are():
    assert differing(lambda text: tuple(re.findall(r"^#+ |\n+|^- ", text, re.MULTILINE))) == {}


def test_texts_begin_and_end_alike_because_they_are_joined():
    assert differing(lambda text: re.search(r"^[;,]?\s*", text)[0]) == {}
    assert differing(lambda text: re.search(r"[.?!:]?\s*$", text)[0]) == {}


def test_no_translation_is_the_english_again():
    said = {form for message in RUSSIAN.values() for form in forms(message.string)}
    words = {re.sub(r"\{.*?\}|_[A-Z]+_", "", form).strip(" :") for form in said}
    assert {each for each in words if re.search("[A-Za-z]", each) and not re.search("[А-Яа-я]", each)} <= SAME_IN_BOTH


# ── Nothing is said past the catalogue ───────────────────────────────────────────────────────────────────────────────


class Words(HTMLParser):
    """The words of a template that would reach a reader as they are."""

    SAID = ("aria-label", "title", "alt", "placeholder", "data-tip", "value", "label")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        for name, value in attrs:
            if name in self.SAID:
                self._keep(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in not in ("style", "script"):
            self._keep(data)

    def _keep(self, text: str) -> None:
        self.found += re.findall(r"[^\W\d_]{2,}", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_words_of_its_own(path):
    tokens = jinja2.Environment().lex(path.read_text(encoding="utf-8"))
    words = Words()
    words.feed("".join(value for _line, kind, value in tokens if kind == "data"))
    assert words.found == []


def test_the_script_is_given_every_word_that_it_says():
    assert set(re.findall(r"\bpage\.texts\.(\w+)", scripts.script(scripts.PAGE))) == set(SAID_BY_SCRIPT)


@pytest.mark.parametrize("name", [*METRICS, *COLUMNS, "won_previous", "manager_id"])
def test_every_column_has_a_russian_title(name):
    with speaking("ru"):
        said = column(name)
    with speaking("en"):
        meant = column(name)
    assert (said.title != meant.title) or name in SAME_IN_BOTH
    assert (said.formula != meant.formula) == bool(meant.formula)
    assert (said.meaning != meant.meaning) == bool(meant.meaning)


# ── What is collected ────────────────────────────────────────────────────────────────────────────────────────────────


def test_marked_texts_are_collected_however_they_are_written(tmp_path):
    path = tmp_path / "marked.py"
    path.write_text(
        "_('a ' 'joined text')\n"
        "texts._('from the module')\n"
        "N_('later')\n"
        "f\"{_('inside a text')}\"\n"
        "many('{n} deal', '{n} deals', count)\n"
        "_(title)\n"
        "other('not ours')\n",
        encoding="utf-8",
    )
    with path.open("rb") as file:
        found = [(line, said) for line, _name, said, _comments in python_calls(file, (), (), {})]
    assert sorted(found) == [
        (1, ("a joined text", None)),
        (2, ("from the module", None)),
        (3, ("later", None)),
        (4, ("inside a text", None)),
        (5, ("{n} deal", "{n} deals", None, None)),
    ]


def test_templates_docstrings_of_metrics_and_prose_of_notebooks_are_collected_and_recipes_are_not():
    assert "{kept} of {total} deals" in ENGLISH
    assert METRICS["won"].meaning in ENGLISH
    assert any(text.startswith("# Overview") for text in ENGLISH if isinstance(text, str))
    assert not any("Things to try" in text for text in ENGLISH if isinstance(text, str))


# ── The language ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_russian_is_said_inside_the_block_and_the_language_before_it_after():
    with speaking("en"):
        with speaking("ru"):
            assert (texts.language(), _("Won"), _("{k} of {n}", k=5, n=48)) == ("ru", "Выиграно", "5 из 48")
        assert (texts.language(), _("Won"), _("{k} of {n}", k=5, n=48)) == ("en", "Won", "5 of 48")


def test_the_language_comes_back_after_a_mistake_in_the_block():
    before = texts.language()
    with pytest.raises(KeyError), speaking("ru"):
        raise KeyError
    assert texts.language() == before


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 сделок без суммы"), (1, "1 сделка без суммы"), (2, "2 сделки без суммы"), (5, "5 сделок без суммы"),
        (11, "11 сделок без суммы"), (12, "12 сделок без суммы"), (21, "21 сделка без суммы"),
        (104, "104 сделки без суммы"), (111, "111 сделок без суммы"),
    ],
)  # fmt: skip
def test_a_number_takes_its_plural(count, said):
    with speaking("ru"):
        assert many("{n} deal has no amount", "{n} deals have no amount", count) == said


def test_a_day_is_written_as_russians_write_it():
    with speaking("ru"):
        assert units.write("2025-03-07", "date") == "7 мар. 2025"


def test_a_text_that_the_catalogue_lacks_is_said_in_english():
    with speaking("ru"):
        assert _("no such text, {n}", n=3) == "no such text, 3"


@pytest.mark.parametrize("language", ["de", "", "RU"])
def test_an_unknown_language_is_refused(language):
    before = texts.language()
    with pytest.raises(ValueError, match="use one of en, ru"), speaking(language):
        pass
    assert texts.language() == before


def test_a_count_in_a_sentence_has_its_thousands_apart():
    assert texts.many("{n} deal", "{n} deals", 1285) == "1\N{NO-BREAK SPACE}285 deals"
