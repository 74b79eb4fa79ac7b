"""The wiki of all numbers: what each means, its formula, where it comes from down to the CRM's API, and its code.

One HTML page and one Markdown file per language, made of the same entries as tooltips and headers, so that nothing in it
can differ from what is computed. An anchor is the metric's name and never changes.
"""

import inspect
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..elements import ELEMENTS
from ..elements.element import needs_of_names
from ..measures import frames
from ..measures.coverage import LACKING
from ..metrics import METRICS, own
from ..metrics.origins import Origin, origins
from ..metrics.registry import COLUMNS, Metric, column
from ..metrics.rows import Ratio, Sample
from ..store.disk import write_whole
from ..words.texts import LANGUAGES, N_, _, language, speaking
from ..words.units import FEW
from . import page, templates, uses

SECTIONS = {
    "deals": N_("Deals"), "stages": N_("The funnel and time in stages"), "activity": N_("What people do"),
    "forgotten": N_("Forgotten deals and silence"), "leads": N_("Leads"), "products": N_("What was sold"), "plans": N_("Plan"), "forecast": N_("Forecast"), "pushed": N_("Pushed and passed dates"),
    "velocity": N_("Sales velocity"), "answers": N_("First answer"),
}  # fmt: skip
UNITS = {
    "count": N_("how many"), "money": N_("money in the base currency"), "share": N_("share, 0–100 %"),
    "days": N_("calendar days"), "index": N_("from 0 to 10"), "number": N_("points, or a quantity"),
}  # fmt: skip
GOOD = {"up": N_("more is better"), "down": N_("less is better"), "none": N_("neither more nor less is better")}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Entry:
    """One number in the reader's language; `name` is its column in tables, JSON and Excel, and its anchor."""

    name: str
    title: str
    of: str
    meaning: str
    formula: str
    unit: str
    good: str
    certainty: str
    caveats: str
    missing: tuple[str, ...]
    origins: tuple[Origin, ...]
    shown_in: tuple[tuple[str, str], ...]  # the elements: id and title
    place: str
    code: str
    rows_code: str


def write(folder: Path) -> list[Path]:
    """The wiki in every language: glossary.LANGUAGE.html and glossary.LANGUAGE.md in `folder`; the files written."""
    paths = []
    for code in LANGUAGES:
        with speaking(code):
            texts = {"html": html(), "md": markdown()}
        for ending, text in texts.items():
            path = folder / f"glossary.{code}.{ending}"
            write_whole(path, text)
            paths.append(path)
    return paths


def sections() -> list[tuple[str, list[Entry]]]:
    """All numbers in the reader's language, by the part of the library that defines them."""
    is_own = {name: metric.module.startswith(own.PACKAGE) for name, metric in METRICS.items()}
    ours = [metric for name, metric in METRICS.items() if not is_own[name]]
    theirs = [_entry(metric) for name, metric in METRICS.items() if is_own[name]]
    parts = [
        (_(title), [_entry(metric) for metric in ours if metric.module.rpartition(".")[2] == module])
        for module, title in SECTIONS.items()
    ]
    return [*parts, *([(_("Of this company's own"), theirs)] if theirs else [])]


def _entry(metric: Metric) -> Entry:
    words = column(metric.name)
    module = metric.compute.__module__.rpartition(".")[2]
    return Entry(
        metric.name, words.title, words.of, words.meaning, words.formula, _(UNITS[metric.unit]), _(GOOD[metric.good]),
        _certainty(metric), words.caveats, tuple(_(LACKING[name]) for name in metric.needs), tuple(origins(metric)),
        tuple(dict.fromkeys((entry.id, _(entry.title)) for entry in uses.entries_of(metric.name))), f"metrics/{module}.py", _code(metric.compute), _code(frames.FRAMES[metric.on]),
    )  # fmt: skip


def _certainty(metric: Metric) -> str:
    """What is said beside the number of how many cases it is."""
    kind = inspect.signature(metric.compute).return_annotation
    if kind is Ratio:
        return _(
            "Shown as k of n with Wilson's 95 % interval; fewer than {few} cases are greyed and not ranked. By manager it "
            "is also said whether somebody differs from the rest of the team (Fisher's exact test, Holm's correction).",
            few=FEW,
        )
    if kind is Sample:
        return _("Shown with n, the number of cases; fewer than {few} are greyed and not ranked.", few=FEW)
    return ""


def _code(function: object) -> str:
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    return source[source.index("def ") :].rstrip()


@dataclass(frozen=True)
class Part:
    """One element of the reports in the reader's language; `missing` says what it needs of the source, `metrics` its numbers."""

    id: str
    title: str
    measured: str
    missing: tuple[str, ...]
    metrics: tuple[tuple[str, str], ...]  # name and title


def elements() -> list[Part]:
    """What the reports show, each element once."""
    entries = {entry.id: entry for entry in reversed(ELEMENTS.values())}
    return [
        Part(
            entry.id,
            _(entry.title),
            _(entry.measured),
            tuple(_(LACKING[name]) for name in sorted(needs_of_names(entry.needs) & set(LACKING))),
            _titled(uses.metrics_of(entry)),
        )
        for entry in reversed(entries.values())
    ]


def fields() -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """The fields of the CRM's API, each with the names and titles of the numbers that may change with it."""
    return [(api, _titled(metrics)) for api, metrics in uses.fields().items()]


def _titled(metrics: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, column(name).title) for name in metrics)


def words() -> list[tuple[str, str, str]]:
    """The columns that are no metrics: name, title, meaning."""
    return [(name, column(name).title, column(name).meaning) for name in COLUMNS]


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def html() -> str:
    """The page, complete in itself: it asks nobody for anything and runs nothing."""
    return templates.render(
        "wiki.html.j2",
        language=language(),
        others=[other for other in LANGUAGES if other != language()],
        policy=POLICY,
        css=page.css() + templates.read("page.css"),
        sections=sections(),
        elements=elements(),
        fields=fields(),
        words=words(),
    )


# ── Markdown ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def markdown() -> str:
    """The same as one Markdown file, for a wiki that people already have."""
    parts = [f"# {_('What every number means')}"]
    for title, entries in sections():
        parts += [f"## {title}", *(_as_markdown(entry) for entry in entries)]
    rows = [f"| `{name}` | {_escape(title)} | {_escape(meaning)} |" for name, title, meaning in words()]
    head = f"| {_('Name')} | {_('Title')} | {_('Meaning')} |\n| --- | --- | --- |"
    parts += [f"## {_('What the reports show')}", *(_part_as_markdown(entry) for entry in elements())]
    parts += [f"## {_('Fields of the CRM')}", *(f"- `{api}`: {_linked(metrics)}" for api, metrics in fields())]
    return "\n\n".join([*parts, f"## {_('Other columns')}", "\n".join([head, *rows])]) + "\n"


def _part_as_markdown(part: Part) -> str:
    missing = f"{_('Missing when')}: {' '.join(part.missing)}" if part.missing else ""
    facts = " ".join(_escape(text) for text in (part.measured, missing) if text)
    numbers = f" {_('Numbers')}: {_linked(part.metrics)}" if part.metrics else ""
    return f"- **{_escape(part.title)}** (`{part.id}`)" + (f": {facts}" if facts else "") + numbers


def _linked(metrics: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"[{_escape(title)}](#{name})" for name, title in metrics)


def _as_markdown(entry: Entry) -> str:
    facts = {
        _("Name"): f"`{entry.name}`", _("Formula"): entry.formula, _("Unit"): f"{entry.unit}; {entry.good}",
        _("How sure"): entry.certainty, _("Keep in mind"): entry.caveats, _("Missing when"): " ".join(entry.missing),
        _("Shown in"): ", ".join(title for _id, title in entry.shown_in),
    }  # fmt: skip
    title = f"{entry.title} ({entry.of})" if entry.of else entry.title
    rows = [
        f"| `{origin.column}` | {_escape(origin.meaning)} | {f'`{origin.api}`' if origin.api else ''} |"
        for origin in entry.origins
    ]
    table = "\n".join([f"| {_('Column')} | {_('Meaning')} | {_('Bitrix24')} |", "| --- | --- | --- |", *rows])
    items = "\n".join(f"- **{name}**: {_escape(text)}" for name, text in facts.items() if text)
    return "\n\n".join([
        f'### <a id="{entry.name}"></a>{title}', _escape(entry.meaning), items, f"**{_('Where it comes from')}**", table,
        f"**{_('Code')}**: `{entry.place}`", f"```python\n{entry.code}\n```",
    ])  # fmt: skip


def _escape(text: str) -> str:
    """A text whose signs mean nothing to Markdown."""
    return text.replace("|", "\\|").replace("<", "&lt;")
