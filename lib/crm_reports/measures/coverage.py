"""What the source holds and what it lacks, from when on it is known, and what of it could not be read."""

from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property

import pandas as pd

from ..metrics.registry import TROUBLES
from ..store import FILLED
from ..words.texts import N_, _
from . import own_fields
from .plans import LACK, Plan
from .scope import Scope, to_pandas

LACKING = {
    "amount": N_("The source has no amounts."),
    "created_at": N_("The source does not say when deals were created."),
    "closing": N_("The source does not say when deals were closed."),
    "customer": N_("The source has no customers."),
    "stage_history": N_("The source has no stage history."),
    "stage_order": N_("The source does not say in which order the stages come."),
    "activities": N_("The source has no activities."),
    "comments": N_("The source has no comments."),
    "leads": N_("The source has no leads."),
    "manager": N_("The source does not say who is responsible for the deals."),
    "department": N_("The source does not say who works in which department."),
    "source": N_("The source does not say where deals came from."),
    "stage": N_("The source does not say on which stages deals stand."),
    "stage_entry": N_("The source does not say since when deals stand on their stages."),
    "loss_reason": N_("The source does not say why deals were lost."),
    "author": N_("The source does not say who did what."),
    "deal_activities": N_("The source does not say on which deals people acted."),
    "plans": N_("The source has no planned activities."),
    "planned_dates": N_("The source does not say when deals in work are planned to be closed."),
    "plan": LACK,
    "product_rows": N_("The source has no product rows."),
    "lead_created_at": N_("The source does not say when leads came."),
    "lead_closing": N_("The source does not say when leads were closed."),
}

# Numbers about what a filter leaves out would only repeat the filter.
IN_WORK_ONLY = N_(
    "Only the deals in work on a stage are here: nothing among them was won or lost. Take that filter away to see the rest."
)
LOST_ONLY = N_(
    "Only the deals lost for a reason are here: nothing among them was won or is in work. Take that filter away to see the rest."
)
NOTHING_LEFT = N_("A stage keeps deals in work, a reason lost ones: no deal is both. Take one of the two filters away.")
NO_LEADS = N_(
    "Leads stand on no stage of deals and are lost for none of their reasons: take that filter away to see them."
)


def explained(lacks: Mapping[str, str], names: Set[str]) -> str:
    """A sentence for each of these that the page lacks, each once; "" when it lacks none."""
    return " ".join(dict.fromkeys(lacks[name] for name in sorted(names & set(lacks))))


@dataclass(frozen=True, eq=False)
class Coverage:
    """How far the data go, said with no more about other people than the page may say."""

    scope: Scope

    @cached_property
    def lacks(self) -> dict[str, str]:
        """What the page can't tell, of all that a metric may ask: its name and a sentence for the page."""
        return self._left_out | self._absent

    @property
    def _left_out(self) -> dict[str, str]:
        """What says nothing of deals that stand on one stage, or were lost for one reason."""
        stage, reason = self.scope.filters.stage, self.scope.filters.loss_reason
        if not stage and not reason:
            return {}
        names = (*(("losses",) if stage else ()), *(("work",) if reason else ()), "outcomes")
        words = NOTHING_LEFT if stage and reason else IN_WORK_ONLY if stage else LOST_ONLY
        return dict.fromkeys(names, _(words)) | {"leads": _(NO_LEADS)}

    @property
    def _absent(self) -> dict[str, str]:
        """What the source does not have."""
        store, has = self.scope.store, self._content
        is_files = store.last_sync["source"] == "files"
        presence = {
            "amount": has["amount"],
            "created_at": has["created_at"],
            "closing": has["closed_at"] or has["moved_at"] or store.has("stage_history") or not has["closed"],
            "customer": has["company_id"] or has["contact_id"],
            "stage_history": store.has("stage_history"),
            "stage_order": bool(self.scope.names.stages["position"].notna().any()),
            "activities": store.has("activities"),
            "comments": store.has("comments") or has["comment"],
            "leads": store.has("leads"),
            "manager": has["manager_id"],
            "department": has["manager_id"] and has["department_id"],
            "source": has["source_id"],
            "stage": has["stage_id"],
            "stage_entry": has["moved_at"] or store.has("stage_history"),
            "loss_reason": has["loss_reason"] or has["stage_id"],
            "author": has["author"] or not has["any_activity"],
            # In a portal nothing done, or nothing planned, on any deal is a fact; in files it is a column that is not there.
            "deal_activities": has["deal_activity"] or not has["any_activity"] or not is_files,
            "plans": has["plan"] or not has["any_activity"] or not is_files,
            "planned_dates": has["planned_close"] or not has["in_work"],
            "plan": Plan(self.scope).exists,
            "lead_created_at": has["lead_created_at"],
            "lead_closing": has["lead_closing"],
        }
        lacking = {name: _(LACKING[name]) for name, is_there in presence.items() if not is_there} | self._without_leads
        # A portal without a single deal lacks nothing: its zeros are true.
        is_empty = bool(lacking) and not is_files and self.scope.count(self.scope.people)["deals"] == 0
        sold = {} if store.has("product_rows") else {"product_rows": _(LACKING["product_rows"])}
        return sold if is_empty else lacking | sold

    @property
    def _without_leads(self) -> dict[str, str]:
        """Leads, where deals are asked for by a field that they do not have."""
        asked = self.scope.asked_of_deals_alone
        words = N_("Leads have no field {label}, which is one of deals: take that filter away to see them.")
        return {"leads": _(words, label=asked[0].label)} if asked else {}

    @property
    def _content(self) -> dict[str, bool]:
        """Whether any deal has an amount, a creation date, …"""
        store, deals = self.scope.store, self.scope.traceable
        if deals.conditions:
            return store.now.query(f"{FILLED} where {deals.inside}", *deals.ids).to_pylist()[0]
        return store.memo.once("filled", lambda: store.now.query("from filled").to_pylist()[0])

    @cached_property
    def holes(self) -> list[str]:
        """What could not be read, and data that end before the report's instant: said at the top of the page."""
        ends_early = self.scope.store.synced_at < self.scope.filters.as_of
        end = _("The data end before the report's instant: the last sync was earlier. Run `crm-reports sync`.")
        unused = [_("Not used, mend it: {problem}", problem=problem) for problem in TROUBLES]
        unreadable = own_fields.unreadable(self.scope.names.own)
        return [*self._holes_of_source(), *([end] if ends_early else []), *unused, *unreadable]

    def _holes_of_source(self) -> list[str]:
        """What the last sync could not read. A hole may count rows of anybody's: a page about people leaves those out."""
        holes = [*self.scope.store.last_sync["holes"], *self._differences()]
        if not self.scope.filters.is_about_people:
            return [hole["text"] for hole in holes]
        general = [hole["text"] for hole in holes if hole.get("is_general")]
        if len(general) == len(holes) or self.scope.traceable.conditions:
            return general
        return [*general, _("Rows of the source were left out or are doubtful: the company's page counts them.")]

    def _differences(self) -> list[dict[str, object]]:
        """What is here and not in the CRM's own counters, or the other way round."""
        receipt = self.scope.store.receipt
        return [{"text": text, "is_general": False}] if receipt and (text := receipt.warning()) else []

    @property
    def receipt(self) -> dict[str, object] | None:
        """What was compared with the portal's own counters, for the page: words, when, and each difference on a page of all."""
        receipt = self.scope.store.receipt
        if receipt is None:
            return None
        differences = [] if self.scope.filters.is_about_people else [asdict(each) for each in receipt.differences]
        return {
            "text": receipt.words(),
            "short": receipt.in_short(),
            "at": datetime.fromisoformat(receipt.at),
            "differences": differences,
        }

    @cached_property
    def stages_known_since(self) -> pd.Timestamp | None:
        """The first entry of the stage history; None without any."""
        deals, sql = self.scope.traceable, "select min(entry.at) as at from stage_history as entry"
        if deals.conditions:
            sql += f" where deal_id in (select deal_id from deal_facts where {deals.inside})"
        first = to_pandas(deals.query(sql, *deals.ids))["at"].iloc[0]
        return None if pd.isna(first) else first

    @property
    def amounts_known_since(self) -> pd.Timestamp:
        """From when on amounts, owners and plans are as they were that night; before it, those of that sync stand in."""
        return pd.Timestamp(self.scope.store.versions_since or self.scope.store.synced_at)
