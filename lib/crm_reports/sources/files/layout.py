"""Which files and columns an export may have: what docs/files.md says, as data."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "code", "number", "integer", "flag", "instant", "outcome", "action", "direction"]

WORDS: dict[Kind, tuple[str, ...]] = {
    "outcome": ("open", "won", "lost"),
    "action": ("call", "meeting", "email", "crm_activity", "comment"),
    "direction": ("in", "out"),
}
TRUE = ("1", "true", "yes", "y", "t", "да", "истина")
FALSE = ("0", "false", "no", "n", "f", "нет", "ложь")


@dataclass(frozen=True)
class Column:
    """One column of a file; one that `must` be filled has no empty cell."""

    name: str
    kind: Kind = "text"
    must: bool = False


def _columns(*texts: str, **kinds: Kind) -> tuple[Column, ...]:
    """Columns by name; a name that ends in "!" must be filled."""
    kind_of = [*((text, "text") for text in texts), *kinds.items()]
    return tuple(Column(name.rstrip("!"), kind, name.endswith("!")) for name, kind in kind_of)


FILES: dict[str, tuple[Column, ...]] = {
    "deals": _columns(
        "id!", "title", "pipeline", "stage", "manager", "department", "source", "company", "contact", "loss_reason",
        **{"outcome!": "outcome", "amount": "number", "currency": "code"},
        created_at="instant", closed_at="instant", planned_close_on="instant",
    ),
    "stages": _columns("pipeline", "stage!", position="integer", outcome="outcome"),
    "stage_history": _columns("deal_id!", "stage!", "pipeline", **{"at!": "instant"}),
    "activities": _columns(
        "id", "deal_id", "author",
        **{"kind!": "action", "at": "instant", "completed": "flag", "created_at": "instant", "deadline": "instant"},
        direction="direction",
    ),
    "leads": _columns(
        "id!", "title", "stage", "manager", "source", "company", "contact",
        **{"outcome!": "outcome", "created_at": "instant", "closed_at": "instant"},
    ),
    "product_rows": _columns(
        "deal_id!", "product!", "section", **{"quantity!": "number", "price!": "number", "discount": "number"}
    ),
    "managers": _columns("name!", "job_title", "email", "department", active="flag"),
    "departments": _columns("name!", "parent", "head"),
    "currencies": _columns(**{"currency!": "code", "rate!": "number"}),
}  # fmt: skip
# Other tables of a company's own that are read as such files are.
OWN: dict[str, tuple[Column, ...]] = {
    "plan": _columns(
        "period!", "metric", "manager", "department", "pipeline", **{"value!": "number", "currency": "code"}
    ),
    "notes": _columns("text!", "pipeline", "manager", **{"day!": "instant"}),
}
LAYOUTS = FILES | OWN
UNIQUE: dict[str, tuple[str, ...]] = {
    "deals": ("id",), "stages": ("pipeline", "stage"), "activities": ("id",), "leads": ("id",),
    "managers": ("name",), "departments": ("name",), "currencies": ("currency",),
}  # fmt: skip

# What a column names. Columns that name the same thing hold the same keys, in whatever file they stand.
_OF_FILE = {
    ("deals", "id"): "deal", ("leads", "id"): "lead", ("activities", "id"): "activity", ("leads", "stage"): "lead stage",
    ("managers", "name"): "manager", ("departments", "name"): "department",
}  # fmt: skip
_OF_COLUMN = {
    "deal_id": "deal", "author": "manager", "head": "manager", "parent": "department", "loss_reason": "loss reason",
    **{name: name for name in ("pipeline", "stage", "manager", "department", "source", "company", "contact", "product", "section")},
}  # fmt: skip


def names_what(file: str, column: str) -> str:
    """The kind of thing whose key the column holds; "" when it holds no key."""
    return _OF_FILE.get((file, column)) or _OF_COLUMN.get(column, "")
