"""The tables of `fields` from the typed files of one export. Names serve as ids."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from .cells import nothing
from .layout import FILES


def _stage_ids(pipeline: pd.Series, stage: pd.Series) -> pd.Series:
    """One id per pipeline and stage: PIPELINE/STAGE, where a "/" of the pipeline's own name is %2F."""
    return pipeline.str.replace("%", "%25").str.replace("/", "%2F") + "/" + stage


def is_done(activities: pd.DataFrame) -> pd.Series:
    """Finished, as the file says; where it says nothing at all it is a record of what was done. Comments always are."""
    is_complete = activities["completed"].fillna(activities["completed"].isna().all()).astype(bool)
    return is_complete | (activities["kind"] == "comment")


def is_undated(activities: pd.DataFrame) -> bool:
    """Whether something was done, and the whole file says of nothing when it was."""
    return bool(is_done(activities).any() and activities["at"].isna().all())


def _most_frequent(rows: pd.DataFrame, of: list[str], value: str) -> pd.DataFrame:
    """For each `of` the `value` that most rows hold; of equals the one that is there last."""
    rows = rows[[*of, value]].dropna(subset=value).reset_index(drop=True)
    counts = rows.assign(place=rows.index).groupby([*of, value])["place"].agg(["size", "max"]).reset_index()
    return counts.sort_values(["size", "max"]).drop_duplicates(of, keep="last")[[*of, value]]


def _names(*columns: pd.Series) -> pd.Series:
    """Every name in the columns once, in the order of appearance."""
    return pd.concat(columns).dropna().drop_duplicates().reset_index(drop=True)


def _name_table(key: str, names: pd.Series) -> pd.DataFrame:
    """A table of names that are their own ids."""
    return pd.DataFrame({key: names, "name": names})


@dataclass(frozen=True)
class Export:
    """The typed files of one folder, and the tables they make."""

    files: dict[str, pd.DataFrame]
    base: str

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that the files can honestly fill, by the names of `fields.TABLES`."""
        tables = {"deals": self.deals, "currencies": self.currencies}
        optional = {
            "pipelines": self.pipelines,
            "stages": self.stages,
            "sources": _name_table("source_id", _names(*self._deals_and_leads("source"))),
            "companies": _name_table("company_id", _names(*self._deals_and_leads("company"))),
            "contacts": _name_table("contact_id", _names(*self._deals_and_leads("contact"))),
            "managers": self.managers,
            "departments": self.departments,
            "manager_departments": self.manager_departments,
        }
        tables |= {name: table for name, table in optional.items() if len(table)}
        events = {"stage_history", "activities", "leads"} & self.files.keys()
        if is_undated(self._file("activities")):
            events -= {"activities"}
        tables |= {name: getattr(self, name) for name in sorted(events)}
        if "product_rows" in self.files:
            tables |= {"product_rows": self.product_rows, "products": self.products}
            tables |= {"sections": _name_table("section_id", _names(self._file("product_rows")["section"]))}
        return tables | ({"lead_stages": self.lead_stages} if "leads" in self.files else {})

    def _file(self, name: str) -> pd.DataFrame:
        if name in self.files:
            return self.files[name]
        return pd.DataFrame({column.name: nothing(column.kind, 0) for column in FILES[name]})

    def _deals_and_leads(self, column: str) -> Iterable[pd.Series]:
        """That column of the deals and of the leads."""
        return (self._file("deals")[column], self._file("leads")[column])

    @cached_property
    def _pipeline_of(self) -> pd.Series:
        """Each deal's pipeline. No name is the unnamed pipeline "", not an absent one: its stages make a funnel too."""
        return self._file("deals")["pipeline"].fillna("")

    @property
    def deals(self) -> pd.DataFrame:
        file = self._file("deals")
        rows = file.rename(columns={"id": "deal_id", "manager": "manager_id", "source": "source_id"})
        rows = rows.rename(columns={"company": "company_id", "contact": "contact_id"})
        return rows.assign(
            pipeline_id=self._pipeline_of,
            stage_id=_stage_ids(self._pipeline_of, file["stage"]),
            # The store has one date of closing, as the CRM has: of a deal in work it is the planned one.
            closed_at=file["planned_close_on"].where(file["outcome"] == "open").fillna(file["closed_at"]),
        )

    @cached_property
    def pipelines(self) -> pd.DataFrame:
        names = _names(self._file("stages")["pipeline"], self._file("deals")["pipeline"], self._history["pipeline"])
        names = names[names != ""].reset_index(drop=True)
        return _name_table("pipeline_id", names).assign(position=range(len(names)))

    @cached_property
    def _history(self) -> pd.DataFrame:
        """The history's file with every entry's pipeline: its own, else its deal's."""
        file = self._file("stage_history")
        homes = pd.Series(self._pipeline_of.to_numpy(), index=self._file("deals")["id"].to_numpy(), dtype="str")
        pipeline = file["pipeline"].fillna(file["deal_id"].map(homes).astype("str")).fillna("")
        return file.assign(pipeline=pipeline)

    @cached_property
    def _listed_stages(self) -> pd.DataFrame:
        """The stages' file. A row without pipeline is of every pipeline; without positions the rows' order counts."""
        file = self._file("stages")
        if file["position"].isna().all():
            file = file.assign(position=range(len(file)))
        pipelines = _names(file["pipeline"], self._pipeline_of, self._history["pipeline"])
        spread = file[file["pipeline"].isna()].drop(columns="pipeline").merge(pipelines.rename("pipeline"), how="cross")
        return pd.concat([file[file["pipeline"].notna()], spread], ignore_index=True)

    @cached_property
    def stages(self) -> pd.DataFrame:
        """The listed stages, then those that only deals or history name: these have no position."""
        deals = self._file("deals").assign(pipeline=self._pipeline_of)
        stages = pd.concat([self._listed_stages, deals[["pipeline", "stage"]], self._history[["pipeline", "stage"]]])
        stages = stages.dropna(subset="stage").drop_duplicates(["pipeline", "stage"])
        outcomes = _most_frequent(deals.dropna(subset="stage"), ["pipeline", "stage"], "outcome")
        stages = stages.merge(outcomes.rename(columns={"outcome": "seen"}), on=["pipeline", "stage"], how="left")
        return pd.DataFrame(
            {
                "stage_id": _stage_ids(stages["pipeline"], stages["stage"]),
                "pipeline_id": stages["pipeline"],
                "name": stages["stage"],
                "position": stages["position"],
                "outcome": stages["outcome"].fillna(stages["seen"]).fillna("open"),
            }
        )

    @property
    def stage_history(self) -> pd.DataFrame:
        file = self._history
        stage_id = _stage_ids(file["pipeline"], file["stage"])
        outcome = stage_id.map(self.stages.set_index("stage_id")["outcome"])
        return file.assign(
            history_id=range(1, len(file) + 1), stage_id=stage_id, pipeline_id=file["pipeline"], outcome=outcome
        )

    @property
    def activities(self) -> pd.DataFrame:
        """What was done and what is planned; an activity of no deal of ours counts for its author."""
        file, is_complete = self._file("activities"), is_done(self._file("activities"))
        comes_in = file["direction"] == "in"
        is_incoming = (file["kind"] == "email") & comes_in
        is_ours = file["deal_id"].isin(self._file("deals")["id"])
        return pd.DataFrame(
            {
                "activity_id": file["id"].fillna("#" + pd.Series(range(1, len(file) + 1), dtype="str")),
                "owner_type": pd.Series(np.where(is_ours, "deal", "other"), dtype="str"),
                "owner_id": file["deal_id"],
                "manager_id": file["author"],
                "kind": file["kind"],
                "is_done": is_complete,
                "is_action": is_complete & ~is_incoming,
                "is_incoming": is_incoming,
                # A message that came in, a missed call or a comment is nobody's next step.
                "is_plan": (file["kind"] != "comment") & ~comes_in,
                "created_at": file["created_at"],
                "at": file["at"].where(is_complete),
                "deadline_at": file["deadline"].fillna(file["at"].mask(is_complete)),
            }
        )

    @property
    def product_rows(self) -> pd.DataFrame:
        """What each deal sells, as one text of all its rows; of an empty cell null."""
        file = self._file("product_rows").assign(name=lambda rows: rows["product"])
        lines = file[["product", "name", "quantity", "price", "discount"]].astype(object)
        records = lines.where(lines.notna(), None).to_dict("records")
        baskets: dict[str, list[dict[str, object]]] = {}
        for deal, line in zip(file["deal_id"], records, strict=True):
            baskets.setdefault(deal, []).append(line)
        texts = [json.dumps(basket, ensure_ascii=False) for basket in baskets.values()]
        return pd.DataFrame({"deal_id": list(baskets), "lines": texts})

    @property
    def products(self) -> pd.DataFrame:
        """Each product once, in the section that most of its rows name."""
        file = self._file("product_rows")
        homes = _most_frequent(file, ["product"], "section").rename(columns={"section": "section_id"})
        rows = _name_table("product_id", _names(file["product"]))
        return rows.merge(homes, left_on="product_id", right_on="product", how="left")

    @property
    def leads(self) -> pd.DataFrame:
        names = {"id": "lead_id", "stage": "stage_id"}
        return self._file("leads").rename(
            columns=names | {name: f"{name}_id" for name in ("manager", "source", "company", "contact")}
        )

    @property
    def lead_stages(self) -> pd.DataFrame:
        outcomes = _most_frequent(self._file("leads").dropna(subset="stage"), ["stage"], "outcome")
        return outcomes.assign(stage_id=outcomes["stage"], name=outcomes["stage"])

    @cached_property
    def managers(self) -> pd.DataFrame:
        file = self._file("managers")
        names = _names(file["name"], *self._deals_and_leads("manager"), self._file("activities")["author"])
        rows = _name_table("manager_id", names).merge(
            file[["name", "active", "job_title", "email"]], on="name", how="left"
        )
        return rows.assign(is_active=rows["active"].fillna(True))

    @cached_property
    def manager_departments(self) -> pd.DataFrame:
        """Whose department is which: as the managers' file says, else the one that most of their deals name."""
        file = self._file("managers").rename(columns={"name": "manager"})
        deals = self._file("deals").dropna(subset="manager").sort_values("created_at", na_position="first")
        homes = pd.concat(
            [file[["manager", "department"]].dropna(), _most_frequent(deals, ["manager"], "department")]
        ).drop_duplicates("manager")
        return homes.rename(columns={"manager": "manager_id", "department": "department_id"}).assign(position=0)

    @cached_property
    def departments(self) -> pd.DataFrame:
        file = self._file("departments")
        deals, managers = self._file("deals"), self._file("managers")
        names = _names(file["name"], file["parent"], managers["department"], deals["department"])
        rows = _name_table("department_id", names).merge(file, on="name", how="left")
        return rows.rename(columns={"parent": "parent_id", "head": "head_id"})

    @property
    def currencies(self) -> pd.DataFrame:
        file = self._file("currencies")
        base = pd.DataFrame({"currency": [self.base], "rate": [1.0]})
        rows = pd.concat([base, file[file["currency"] != self.base]], ignore_index=True)
        return rows.assign(is_base=rows["currency"] == self.base)
