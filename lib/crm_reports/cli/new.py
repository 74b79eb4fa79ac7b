"""Files to begin with: a metric, an element, a report of one's own, each small, working and commented."""

import keyword
from pathlib import Path

from ..errors import ReportError
from ..settings import Settings
from ..words.texts import _

METRIC = '''"""{title}: a metric of our own. Every report knows it: crm.measure(ds, ["{name}"], by="manager")."""

import crm_reports as crm


# on="events": a row per deal that was created, won or lost in the period; `crm-reports glossary` lists all rows and fields.
# unit: count, money, share, days, index or number. good: which way is good, "up", "down" or "none".
@crm.metric(title="{title}", ru="{title}", unit="count", good="up", on="events", formula="won deals of 100 000 and more")
def {name}(events):
    """How many large deals were won in the period."""
    return (events["won_money"] >= 100_000).sum()
'''

ELEMENT = '''"""{title}: an element of our own. A notebook shows it with crm.show(crm.elements.{name}(ds))."""

import crm_reports as crm


# Without `chart` the table itself is shown. What is made is an ordinary DataFrame.
@crm.element(title="{title}", ru="{title}", chart=lambda table: crm.bars(table, x="source", y="won"))
def {name}(ds):
    """Won deals by source."""
    return crm.measure(ds, ["won", "won_money", "conversion"], by="source")


@{name}.finding
def in_a_sentence(table):
    """The heading: what the table says, in one sentence; "" for nothing."""
    return f"{{table.loc[table['won'].idxmax(), 'source']}} brings the most" if len(table) else ""
'''

PARAMETERS = """period: str = "last_month"  # 2025-03, 2025-Q1, last_month, last_90_days, ytd
pipeline: list = []  # empty for all
department: list = []  # empty for all
manager: list = []  # empty for all
source: list = []  # empty for all
stage: list = []  # the deals in work on these; empty for all
loss_reason: list = []  # the deals lost for these; empty for all
fields: dict = {}  # by the company's own fields ([fields] in reports.toml): {"region": ["North"]}
comparison: str = "previous"  # previous, year_ago or none
as_of: str = ""  # as known then; empty for the last sync
language: str = ""  # en or ru; empty for what reports.toml says"""
LOAD = """import crm_reports as crm

given = {"pipeline": pipeline, "department": department, "manager": manager, "source": source, "fields": fields}
standing = {"stage": stage, "loss_reason": loss_reason}
ds = crm.load(period=period, comparison=comparison, as_of=as_of, language=language, **given, **standing)"""
CELLS = (
    ("markdown", "# {title}\n\nWhat is asked here, and for whom.", ""),
    ("code", PARAMETERS, "parameters"),
    ("code", LOAD, "setup"),
    ("code", 'crm.header(ds, report="{name}")', "nbval-ignore-output"),  # says when it was made
    ("markdown", "## How are we doing?", ""),
    ("code", 'crm.show(crm.elements.tiles(ds, ["won", "won_money", "conversion"]))', ""),
    ("markdown", "## Who brings the money?", ""),
    ("code", "crm.show(crm.elements.managers(ds))", ""),
    ("code", "crm.glossary(ds)", ""),
)
# As JupyterLab writes it: opening and saving the notebook changes nothing.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
PLACES = {"metric": "metrics/{name}.py", "element": "elements/{name}.py", "report": "notebooks/{name}.ipynb"}


def new(kind: str, name: str, settings: Settings) -> Path:
    """The file that was written; one that is there already stays as it is, which is a ReportError."""
    _check(kind, name)
    path = settings.home / PLACES[kind].format(name=name)
    if path.exists():
        raise ReportError(_("{path} is there already and was left as it is; give another name", path=_short(path)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_content(kind, name), encoding="utf-8")
    return path


def _check(kind: str, name: str) -> None:
    """ReportError: no such kind of thing, a name that Python does not take, or one of the product's own."""
    from .. import elements, metrics

    if kind not in PLACES:
        raise ReportError(_("{kind!r} can't be begun; there are: {kinds}", kind=kind, kinds=", ".join(PLACES)))
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or name != name.lower():
        text = _("{name!r} is no name for it; use small Latin letters, digits and _, such as big_wins", name=name)
        raise ReportError(text)
    if name in {"metric": metrics.METRICS, "element": elements.ELEMENTS}.get(kind, ()):
        raise ReportError(_("{name!r} is the product's own; give yours another name", name=name))


def _short(path: Path) -> str:
    return "/".join(path.parts[-2:])


def _content(kind: str, name: str) -> str:
    words = {"name": name, "title": name.replace("_", " ").capitalize()}
    return _notebook(words) if kind == "report" else {"metric": METRIC, "element": ELEMENT}[kind].format(**words)


def _notebook(words: dict[str, str]) -> str:
    import nbformat

    makers = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    cells = []
    for number, (kind, source, tag) in enumerate(CELLS):
        text = source.replace("{title}", words["title"]).replace("{name}", words["name"])
        metadata = {"tags": [tag]} if tag else {}
        cells.append(makers[kind](text, id=f"cell-{number}", metadata=metadata))
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=METADATA)) + "\n"
