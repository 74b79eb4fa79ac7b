"""Where portals are known to differ from each other, by age, plan and settings."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Quirks:
    """One way of being a portal; each switch is a behaviour that somebody has seen.

    The last group decides what traces a change leaves, and so must be set before the change.
    """

    # How values are written.
    stage_history_as_text: bool = False
    dates_at_utc_midnight: bool = True
    absent_id: Literal["as kept", "0", "null"] = "as kept"
    empty_is_null: bool = True
    absent_department: Literal["list", "false"] = "list"
    incoming_channel: Literal["marked", "calls too", "absent"] = "marked"
    semantics: Literal["both", "column", "extra"] = "both"
    stages_carry_prefix: bool = True
    comments_carry_files: bool = False
    byte_order_mark: bool = False

    # How much it works and says so.
    operating: Literal["always", "sometimes", "never"] = "sometimes"
    operating_reset_as_text: bool = False
    whole_seconds: bool = False
    batch_is_charged: bool = False

    # What it answers.
    errors: Literal["documented", "older"] = "documented"
    total_at_most: int | None = None
    lists_lack: frozenset[int] = frozenset()  # deals that counters count and lists leave out
    filters_last_activity: bool = True
    activities_repeat: bool = False
    user_zone_shift_hours: int = 0
    has_categories: bool = True
    has_mode: bool = True
    history_lacks_creation: bool = False
    history_lacks_old_pipelines: bool = False

    # What traces a change leaves.
    activities_stamp_deals: bool = False
    closing_keeps_planned_date: bool = False
    merging_stamps_deals: bool = False
