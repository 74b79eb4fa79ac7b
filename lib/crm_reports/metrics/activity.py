"""What people did. `actions` holds one row per action of the period, `team` one row per manager of the period."""

from ..words.texts import N_
from .registry import metric
from .rows import Rows


@metric(
    title=N_("Calls"),
    unit="count",
    good="up",
    on="actions",
    formula=N_("completed calls in both directions; failed and missed ones are left out"),
    needs=["activities"],
    caveats=N_("Only what telephony or people enter into the CRM is known."),
)
def calls(actions: Rows) -> float:
    """Calls that took place, by the day they ended."""
    return actions["is_call"].sum()


@metric(
    title=N_("Meetings"),
    unit="count",
    good="up",
    on="actions",
    formula=N_("completed meetings, video calls and recorded visits included"),
    needs=["activities"],
)
def meetings(actions: Rows) -> float:
    """Meetings that took place, by the day they ended."""
    return actions["is_meeting"].sum()


@metric(
    title=N_("E-mails"),
    unit="count",
    good="up",
    on="actions",
    formula=N_("e-mails sent by the manager; incoming ones are left out"),
    needs=["activities"],
    caveats=N_("Only letters sent through the CRM are known."),
)
def emails(actions: Rows) -> float:
    """Letters the manager wrote."""
    return actions["is_email"].sum()


@metric(
    title=N_("CRM activities"),
    unit="count",
    good="up",
    on="actions",
    formula=N_("to-dos, tasks, outgoing messages and the rest that a person completed; robots are left out"),
    needs=["activities"],
    caveats=N_("The instant is the last change; an edited one looks later than it was done."),
)
def crm_activities(actions: Rows) -> float:
    """Everything else a person completed in the CRM."""
    return actions["is_crm_activity"].sum()


@metric(
    title=N_("Comments"),
    unit="count",
    good="up",
    on="actions",
    formula=N_("comments written on deals, leads, contacts and companies"),
    needs=["comments"],
)
def comments(actions: Rows) -> float:
    """What the manager noted down."""
    return actions["is_comment"].sum()


@metric(
    title=N_("Stage moves"),
    unit="count",
    good="up",
    on="actions",
    formula=N_(
        "every stage entry but a deal's first; the history names no author, so it counts for the deal's manager"
    ),
    needs=["stage_history"],
    caveats=N_("Robots move deals too, and the history does not tell them apart."),
)
def stage_moves(actions: Rows) -> float:
    """How often the manager's deals moved, forward or back."""
    return actions["is_stage_move"].sum()


@metric(
    title=N_("Actions"),
    unit="count",
    good="up",
    on="actions",
    formula=N_("calls + meetings + e-mails + CRM activities + comments + stage moves"),
    needs=["activities"],
)
def actions(actions: Rows) -> float:
    """Everything the manager did."""
    return actions["is_action"].sum()


@metric(
    title=N_("Activity index"),
    unit="index",
    good="up",
    on="team",
    formula=N_(
        "10 × points per working day ÷ those of the best manager of the company; points = Σ weight × actions; "
        "a team's index is the median of its managers'"
    ),
    needs=["activities"],
    caveats=N_("It depends on the weights, which somebody chose; see whether the ranking survives other ones."),
)
def activity_index(team: Rows) -> float:
    """How much a manager does beside the most active one; it says nothing of what comes out of it."""
    return team["index"].median()


@metric(
    title=N_("Points per working day"),
    unit="number",
    good="up",
    on="team",
    formula=N_("Σ weight × actions ÷ working days of the period; a team's is the median of its managers'"),
    needs=["activities"],
    caveats=N_(
        "Working days are the country's, public holidays and moved days included (`country`, `days_off` in reports.toml); leave is not known."
    ),
)
def activity_points(team: Rows) -> float:
    """What the index is made of, before it is set against the best manager."""
    return team["points_a_day"].median()
