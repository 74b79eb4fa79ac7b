"""What things are called: managers, departments, pipelines, sources, stages, and which stage comes after which.

An absent id is "": its own row in every table.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pandas as pd

from ..filters import Choice, Choices, Cut
from ..settings import OwnField
from ..sources.fields import TABLES
from ..store import Store
from ..words.texts import N_, _, language
from . import own_fields
from .own_fields import Own, Values

CUSTOMER_KINDS = {"new": N_("new"), "repeat": N_("repeat"), "none": N_("no customer")}


class Rung(NamedTuple):
    """A stage's place in the funnel of its pipeline, from 0, and what comes after it; "" after the last.

    Several won stages are one step: what leads to them leads to all, by the names and ids of all.
    """

    pipeline: str
    pipeline_id: str
    step: int
    stage: str
    stage_id: str
    to_stage: str
    to_stage_id: str


def _once(make: Callable[["Names"], Any]) -> property:
    """A property that is worked out once per store and language: names are the same whatever the filters."""

    def value(self: "Names") -> Any:
        return self.store.memo.once((make.__name__, language()), lambda: make(self))

    return property(value, doc=make.__doc__)


@dataclass(frozen=True)
class Names:
    """The names that a store knows, in the reader's language: a table for each kind of thing, by id."""

    store: Store = field(repr=False)
    fields: Mapping[str, OwnField] = field(default_factory=dict, repr=False)

    @property
    def own(self) -> tuple[Own, ...]:
        """The company's own fields that reports.toml names."""
        key = ("own", tuple(self.fields.items()))
        return self.store.memo.once(key, lambda: own_fields.known(self.store, self.fields))

    @property
    def own_of_deals(self) -> tuple[Own, ...]:
        """Those that deals have, themselves or by their customers."""
        return tuple(own for own in self.own if own.entity != "lead")

    def values(self, own: Own) -> Values:
        """What one of them holds anywhere, and what that is called."""
        return Values.of(self.store, own, self.managers["manager"].to_dict())

    @_once
    def managers(self) -> pd.DataFrame:
        """manager_id → manager (name), department_id, is_active; whoever is named anywhere, known to the CRM or not."""
        homes = sorted(self._rows("manager_departments"), key=lambda row: (row["manager_id"], *_last(row["position"])))
        first = {row["manager_id"]: row["department_id"] for row in reversed(homes)}
        people = self._rows("managers")
        people += self._strangers("manager", people)
        return _distinct(
            [row | {"department_id": first.get(row["manager_id"])} for row in people],
            {"manager": _("no manager"), "department_id": None},
        )

    @property
    def leavers(self) -> set[str]:
        """The managers who the CRM says have left; of a stranger it says nothing."""
        return {id for id, is_active in self.managers["is_active"].items() if pd.notna(is_active) and not is_active}

    @_once
    def homes(self) -> dict[str, str]:
        """manager_id → department_id: the first one in the CRM."""
        return self.managers["department_id"].fillna("").to_dict()

    @_once
    def departments(self) -> pd.DataFrame:
        """department_id → department (name), parent_id."""
        return _distinct(self._rows("departments"), {"department": _("no department")})

    @_once
    def pipelines(self) -> pd.DataFrame:
        """pipeline_id → pipeline (name), in the CRM's order."""
        rows = sorted(self._rows("pipelines"), key=lambda row: (*_last(row["position"]), row["pipeline_id"]))
        return _distinct(rows, {"pipeline": _("no pipeline")})

    @_once
    def sources(self) -> pd.DataFrame:
        """source_id → source (name)."""
        return _distinct(self._rows("sources"), {"source": _("no source")})

    @_once
    def products(self) -> pd.DataFrame:
        """product_id → product (name): what the catalogue calls it, else what product rows do."""
        return _distinct(self.store.now.query("from products_named").to_pylist(), {"product": _("no product")})

    @_once
    def sections(self) -> pd.DataFrame:
        """section_id → section of the catalogue (name)."""
        return _distinct(self._rows("sections"), {"section": _("no section")})

    @_once
    def stages(self) -> pd.DataFrame:
        """stage_id → stage (name), pipeline_id, pipeline, position, outcome; in the order of pipelines and stages.

        A stage that history names and the CRM has deleted is there under its id.
        """
        rows, pipelines = self._rows("stages"), self.pipelines["pipeline"].to_dict()
        strangers = self._strangers("stage", rows)
        places = {pipeline: number for number, pipeline in enumerate(pipelines)}
        rows = [row | {"is_deleted": False} for row in rows] + [row | {"is_deleted": True} for row in strangers]
        rows.sort(key=lambda row: (*_last(places.get(row["pipeline_id"])), *_last(row["position"])))
        named_rows = [
            row
            | {
                "stage": _("deleted stage {id}", id=row["stage_id"]) if row["name"] is None else row["name"],
                "pipeline": pipelines.get(row["pipeline_id"]),
            }
            for row in rows
        ]
        unknown = {"stage": _("unknown stage"), "pipeline": None, "outcome": "open", "is_deleted": False}
        return _by_id(named_rows, unknown, "stage")

    @_once
    def stage_names(self) -> dict[str, str]:
        """stage_id → stage."""
        return self.stages["stage"].to_dict()

    @_once
    def ladder(self) -> dict[str, Rung]:
        """stage_id → its place in the funnel of its pipeline."""
        names, pipelines = self.stage_names, self.pipelines["pipeline"].to_dict()
        rungs = [_rung(row, names, pipelines) for row in self.store.now.query("from funnel").to_pylist()]
        return {rung.stage_id: rung for rung in rungs}

    @property
    def customer_kinds(self) -> pd.DataFrame:
        """customer_kind_id → customer_kind: whether the customer of a deal had bought before."""
        return pd.DataFrame({"customer_kind": {id: _(name) for id, name in CUSTOMER_KINDS.items()}})

    def by_id(self, dimension: str) -> pd.Series:
        """The names of one dimension (manager, stage …), by id."""
        own = [own for own in self.own if own.name == dimension]
        return self.values(own[0]).series if own else getattr(self, f"{dimension}s")[dimension]

    def columns(self, frame: pd.DataFrame, dimensions: Sequence[str]) -> dict[str, pd.Series]:
        """The names of these dimensions for the ids in each row of the frame; the id itself where it has none."""
        return {name: look_up(frame[f"{name}_id"], self.by_id(name), frame[f"{name}_id"]) for name in dimensions}

    @property
    def choices(self) -> Choices:
        """What a filter may name: of stages those of deals in work, of reasons those that deals were lost for."""
        key = ("choices", language(), tuple(self.fields.items()))
        return self.store.memo.once(key, self._all_choices)

    def _all_choices(self) -> Choices:
        parents = {row["department_id"]: row["parent_id"] or "" for row in self._rows("departments")}
        homes = look_up(self.managers["department_id"], self.by_id("department"))
        departments, managers = self._choices("department"), self._choices("manager")
        return Choices(
            pipeline=self._choices("pipeline"),
            department=tuple(replace(choice, parent_id=parents.get(choice.id, "")) for choice in departments),
            manager=tuple(replace(choice, hint=homes.get(choice.id, "")) for choice in managers),
            source=self._choices("source"),
            stage=self._stage_choices(),
            loss_reason=self.loss_reasons(),
            own=self.cuts(),
        )

    def cuts(self, managers: Sequence[str] | None = None) -> tuple[Cut, ...]:
        """The company's own dimensions; of what people type themselves only that of deals of these managers, where they are named."""
        values = [self.values(own) for own in self.own if own.is_dimension]
        return tuple(each.cut if managers is None else each.cut_to(self.store, managers) for each in values)

    def loss_reasons(self, managers: Sequence[str] | None = None) -> tuple[Choice, ...]:
        """What deals, of these managers or of all, were lost for, by name; of more than a header can offer the most frequent."""
        key = ("loss_reasons", language(), None if managers is None else tuple(managers))
        return self.store.memo.once(key, lambda: _reasons(self._losses(managers), self.stage_names))

    def _losses(self, managers: Sequence[str] | None) -> list[dict[str, Any]]:
        """How often deals were lost for each reason on each stage."""
        whose = "" if managers is None else f" and manager_id in ({', '.join('?' * len(managers)) or 'null'})"
        sql = f"select loss_reason, stage_id, count(*) as deals from deals where outcome = 'lost'{whose} group by all"
        return self.store.now.query(sql, *(managers or ())).to_pylist()

    def _stage_choices(self) -> tuple[Choice, ...]:
        """The stages on which deals in work stand, each with its pipeline."""
        rows = self.stages[(self.stages["outcome"] == "open") & ~self.stages["is_deleted"].astype(bool)]
        return tuple(
            Choice(id, name, hint=pipeline or "")
            for id, name, pipeline in zip(rows.index, rows["stage"], rows["pipeline"], strict=True)
            if id
        )

    def _choices(self, dimension: str) -> tuple[Choice, ...]:
        return tuple(Choice(id, name) for id, name in self.by_id(dimension).items() if id)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return self.store.rows(table).to_pylist()

    def _strangers(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """A row for every id that the store has somewhere and not among the known rows."""
        key = f"{name}_id"
        ids = sorted(self.store.ids(key) - {row[key] for row in rows})
        return [dict.fromkeys(TABLES[f"{name}s"].columns) | {key: id} for id in ids]


MOST_REASONS = 1000  # where each is typed by hand nobody looks for one in a list


def _reasons(losses: Sequence[Mapping[str, Any]], stages: Mapping[str, str]) -> tuple[Choice, ...]:
    """The reasons under their own texts: what the CRM says, else the name of the lost stage."""
    counts: Counter[str] = Counter()
    for row in losses:
        if reason := row["loss_reason"] or stages.get(row["stage_id"] or "", ""):
            counts[reason] += row["deals"]
    return tuple(Choice(reason, reason) for reason in sorted(dict(counts.most_common(MOST_REASONS)), key=str.casefold))


def _rung(row: Mapping[str, Any], names: Mapping[str, str], pipelines: Mapping[str, str]) -> Rung:
    pipeline, id = row["pipeline_id"], row["stage_id"]
    next_names = " / ".join(names.get(next_id, next_id) for next_id in row["to_stage_ids"])
    return Rung(
        pipelines.get(pipeline, ""), pipeline, row["step"], names.get(id, id), id, next_names, row["to_stage_id"]
    )


def look_up(ids: pd.Series, values: pd.Series | Mapping[str, Any], instead: pd.Series | str = "") -> pd.Series:
    """The value of each id; `instead` where there is none. As objects: of nothing found pandas makes numbers."""
    table = {id: value for id, value in values.items() if not pd.isna(value)}
    defaults = [instead] * len(ids) if isinstance(instead, str) else instead.tolist()
    cells = [table.get(id, default) for id, default in zip(ids.tolist(), defaults, strict=True)]
    return pd.Series(cells, index=ids.index, dtype=object)


def _last(place: float | None) -> tuple[bool, float]:
    """What to sort by, so that those without a place come last."""
    return place is None, place or 0


def _distinct(rows: Sequence[Mapping[str, Any]], nobody: Mapping[str, Any]) -> pd.DataFrame:
    """Names made distinct (two of one name carry their ids), an unknown one shown by its id, and `nobody` for none.

    The first word of `nobody` says what is named.
    """
    kind = next(iter(nobody))
    key = f"{kind}_id"
    names = [row["name"] if (row["name"] or "").strip() else row[key] for row in rows]
    counts = Counter(names)
    distinct = [
        row | {kind: f"{name} ({row[key]})" if counts[name] > 1 else name}
        for row, name in zip(rows, names, strict=True)
    ]
    return _by_id(distinct, nobody, kind)


def _by_id(rows: Sequence[Mapping[str, Any]], nobody: Mapping[str, Any], kind: str) -> pd.DataFrame:
    """The rows under their ids, then `nobody` under ""; the columns of the table are there however few the rows."""
    key = f"{kind}_id"
    rows = [*rows, {key: "", **nobody}]
    columns = dict.fromkeys([*TABLES[f"{kind}s"].columns, *(column for row in rows for column in row)])
    cells = {column: [row.get(column) for row in rows] for column in columns if column not in (key, "name")}
    return pd.DataFrame(cells, index=pd.Index([row[key] for row in rows], name=key, dtype=object), dtype=object)
