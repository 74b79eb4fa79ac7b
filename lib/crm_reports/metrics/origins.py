"""Where every number comes from: metric → columns of its frame → columns of the store → fields of the CRM's API."""

from dataclasses import dataclass
from itertools import chain

from ..errors import MetricError
from ..sources.fields import TABLES
from ..words import context
from ..words.texts import _
from .registry import Metric

EXISTS = ("deals.deal_id", "deals.created_at")
MOVES = (
    "stage_history.deal_id",
    "stage_history.at",
    "stage_history.history_id",
    "stage_history.stage_id",
    "stage_history.pipeline_id",
    "stage_history.outcome",
)
# The last entry says how a deal ended; where history does not know, the deal itself does.
ENDED = (*EXISTS, *MOVES, "deals.stage_id", "deals.pipeline_id", "deals.outcome", "deals.moved_at", "deals.closed_at")
MONEY = ("deals.amount", "deals.currency", "currencies.currency", "currencies.rate", "currencies.is_base")
CUSTOMER = ("deals.company_id", "deals.contact_id")
ACTIVITY = (
    "activities.activity_id",
    "activities.owner_type",
    "activities.owner_id",
    "activities.kind",
    "activities.at",
    "done_seen.activity_id",
    "done_seen.seen_at",
)
COMMENT = ("comments.owner_type", "comments.owner_id", "comments.at")
LIFE = (*ACTIVITY, "activities.is_action", "activities.is_incoming", *COMMENT)
PLAN = (*ACTIVITY, "activities.is_plan", "activities.is_done", "activities.created_at")
DEADLINE = (*PLAN, "activities.deadline_at")
PLANNED_DATE = (*ENDED, *(f"deals_versions.{name}" for name in ("deal_id", "outcome", "closed_at", "last_seen_at")))
FORGOTTEN = (*ENDED, *LIFE, *DEADLINE)
FUNNEL = (*ENDED, "stages.stage_id", "stages.pipeline_id", "stages.position", "stages.outcome")
STAY = (*ENDED, "stages.stage_id", "stages.outcome")
DONE = (*ACTIVITY, "activities.is_action", "activities.manager_id")
COMMENTED = ("comments.manager_id", "comments.at")
MOVED = (*ENDED, "deals.manager_id")
ANYTHING = (*DONE, *COMMENTED, *MOVED)
FORETOLD = (
    *ENDED,
    *MONEY,
    "stages.stage_id",
    "stages.outcome",
    "deals.manager_id",
    "managers.manager_id",
    "managers.is_active",
)
PLANNED = (
    *(f"plan_lines.{name}" for name in ("line_id", "period", "metric", "manager_id", "department_id", "pipeline_id", "value",
                                        "currency", "known_at")),
    "currencies.currency", "currencies.rate", "currencies.is_base",
)  # fmt: skip
LEAD = ("leads.lead_id", "leads.created_at", "leads.outcome", "leads.closed_at")

SOLD = (*ENDED, *MONEY[1:], "product_rows.deal_id", "product_rows.lines")

OWN = ("own_values.value",)  # what a field of the company's own is read from

# Per frame and column: every column of the store that may change it.
ORIGINS: dict[str, dict[str, tuple[str, ...]]] = {
    "events": {
        "is_created": EXISTS,
        "created_money": (*EXISTS, *MONEY),
        "is_won_cohort": ENDED, "is_lost_cohort": ENDED, "is_open_cohort": ENDED,
        "is_won": ENDED, "is_lost": ENDED, "is_closed": ENDED,
        "is_new": (*ENDED, *CUSTOMER), "is_repeat": (*ENDED, *CUSTOMER), "won_customer_id": (*ENDED, *CUSTOMER),
        "is_moneyless_win": (*ENDED, "deals.amount"),
        "won_money": (*ENDED, *MONEY), "lost_money": (*ENDED, *MONEY), "check": (*ENDED, *MONEY),
        "cycle_days": ENDED,
    },
    "open_deals": {
        "is_open": ENDED,
        "open_money": (*ENDED, *MONEY),
        "days_in_current_stage": ENDED,
        "days_silent": (*ENDED, *LIFE),
        "is_forgotten": FORGOTTEN,
        "forgotten_money": (*FORGOTTEN, *MONEY),
        "has_no_next_step": (*ENDED, *PLAN),
        "is_overdue": (*ENDED, *DEADLINE),
        **dict.fromkeys(("has_planned_date", "is_past_plan", "pushes", "pushed_days"), PLANNED_DATE),
    },
    "product_rows": dict.fromkeys(
        ("sold_money", "discount_money", "full_money", "sold_quantity", "sold_deal_id"), SOLD
    ),
    "turnover": {
        "is_open": ENDED, "is_won": ENDED, "is_closed": ENDED, "check": (*ENDED, *MONEY), "cycle_days": ENDED,
    },
    "forgotten_deals": {"money_at_risk": (*FORGOTTEN, *MONEY)},
    "steps": dict.fromkeys(
        ("is_reached", "went_on", "could_go_on", "visited_next", "lost_on_the_way", "on_the_way"), FUNNEL
    ),
    "cohort_steps": {"is_reached": FUNNEL},
    "visits": {"is_visited": ENDED},
    "stays": dict.fromkeys(("time", "finished_days", "has_ended", "still_runs"), STAY),
    "actions": {
        **dict.fromkeys(("is_call", "is_meeting", "is_email", "is_crm_activity"), DONE),
        "is_comment": COMMENTED, "is_stage_move": MOVED, "is_action": ANYTHING,
    },
    "team": dict.fromkeys(("index", "points_a_day"), (*ANYTHING, "managers.manager_id", "managers.is_active")),
    "cover": {"plan": PLANNED, "fact": (*ENDED, *MONEY), "closable_money": FORETOLD},
    "prospects": {
        "won_money": (*ENDED, *MONEY),
        **dict.fromkeys(("likely_money", "fresh_money", "variance", "shock_money", "ceiling_money", "is_known"), FORETOLD),
    },
    "plans": {
        **dict.fromkeys(("plan", "due"), PLANNED), "fact": (*ENDED, *MONEY),
        "days_gone": PLANNED, "days_left": PLANNED,
    },
    "answers": dict.fromkeys(
        ("hours", "is_answered", "is_answered_in_hour", "is_answered_in_day", "had_hour", "had_day"), (*ENDED, *LIFE, *LEAD)
    ),
    "lead_events": dict.fromkeys(("is_received", "is_won_lead_cohort", "is_converted", "is_lead_lost"), LEAD),
    "open_leads": {"is_open_lead": LEAD, "is_forgotten_lead": (*LEAD, *LIFE)},
}  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """One column of the store: what it means, and the method and field of the CRM's API that it is read from.

    `api` is empty where the store itself knows it (the first sync that saw something), or only files have it.
    """

    column: str
    meaning: str
    api: str


def origins(metric: Metric) -> list[Origin]:
    """Every column of the store that the metric may depend on, in the order of the store's tables."""
    columns = ORIGINS.get(metric.on, {})
    own = dict.fromkeys(context.current().own, OWN)
    unknown = [field for field in metric.fields if field not in columns and field not in own]
    if unknown:
        raise MetricError(f"metric {metric.name!r}: origins.ORIGINS does not say where {', '.join(unknown)} comes from")
    names = set(chain.from_iterable((own | columns)[field] for field in metric.fields))
    return [_origin(table, field) for table in TABLES for field in TABLES[table].columns if f"{table}.{field}" in names]


def _origin(table: str, name: str) -> Origin:
    field = next(column for column in TABLES[table].fields if column.name == name)
    words = field.crm.split(" ", 1)
    method = TABLES[table].fields[0].crm.split(" ")[0]
    api = "" if not field.crm else field.crm if "." in words[0] else f"{method} {field.crm}"
    return Origin(f"{table}.{name}", _(field.meaning), api)
