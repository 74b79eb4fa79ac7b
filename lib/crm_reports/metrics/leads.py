"""What comes in before it is a deal. `lead_events` holds one row per lead received, converted or lost in the period,
`open_leads` one row per lead that is in work at the report's instant. Leads stand in no pipeline.
"""

from ..words.texts import N_
from .registry import metric
from .rows import Ratio, Rows


@metric(
    title=N_("Leads received"),
    unit="count",
    good="up",
    on="lead_events",
    formula=N_("leads whose creation falls into the period"),
    needs=["leads", "lead_created_at"],
    caveats=N_("Leads stand in no pipeline, so a pipeline filter does not narrow them."),
)
def leads_received(lead_events: Rows) -> float:
    """New leads of the period, whatever became of them."""
    return lead_events["is_received"].sum()


@metric(
    title=N_("Leads converted"),
    unit="count",
    good="up",
    on="lead_events",
    formula=N_("leads that were converted in the period"),
    needs=["leads", "lead_closing"],
    caveats=N_("Leads have no stage history here: the day is the CRM's closing date of the lead."),
)
def leads_converted(lead_events: Rows) -> float:
    """Leads that became a deal or a customer in the period, whenever they came."""
    return lead_events["is_converted"].sum()


@metric(
    title=N_("Leads lost"),
    unit="count",
    good="down",
    on="lead_events",
    formula=N_("leads that were closed as junk or lost in the period"),
    needs=["leads", "lead_closing"],
)
def leads_lost(lead_events: Rows) -> float:
    """Leads that came to nothing in the period."""
    return lead_events["is_lead_lost"].sum()


@metric(
    title=N_("Lead conversion"),
    unit="share",
    good="up",
    on="lead_events",
    of=N_("of the leads received in the period"),
    formula=N_("of the leads received in the period, the share converted by the report's instant"),
    needs=["leads", "lead_created_at"],
    caveats=N_("Young leads have not had their time yet."),
)
def lead_conversion(lead_events: Rows) -> Ratio:
    """How many of the leads that came in the period were worth a deal."""
    return Ratio(lead_events["is_won_lead_cohort"].sum(), lead_events["is_received"].sum())


@metric(
    title=N_("Leads in work"),
    unit="count",
    on="open_leads",
    formula=N_("leads that are neither converted nor lost at the report's instant"),
    needs=["leads"],
)
def leads_in_work(open_leads: Rows) -> float:
    """Leads that wait for somebody."""
    return open_leads["is_open_lead"].sum()


@metric(
    title=N_("Leads forgotten"),
    unit="count",
    good="down",
    on="open_leads",
    formula=N_("leads in work whose last action, comment or incoming message is at least N whole days old"),
    needs=["leads", "activities", "lead_created_at"],
    caveats=N_("A lead's stage moves are not known here, so moving it alone is no sign of life."),
)
def leads_forgotten(open_leads: Rows) -> float:
    """Leads in work that nobody has touched for N days; N is the report's parameter."""
    return open_leads["is_forgotten_lead"].sum()


@metric(
    title=N_("Leads forgotten, share"),
    unit="share",
    good="down",
    on="open_leads",
    of=N_("of the leads in work"),
    formula=N_("forgotten leads ÷ leads in work"),
    needs=["leads", "activities", "lead_created_at"],
)
def leads_forgotten_share(open_leads: Rows) -> Ratio:
    """How much of what came in has been left lying."""
    return Ratio(open_leads["is_forgotten_lead"].sum(), open_leads["is_open_lead"].sum())
