"""The tables of the reports that take more than one `measure`: one function per element, named by its id."""

from .activity import (
    actions_over_time,
    activity,
    alone,
    index_vs_results,
    kind_metrics,
    learn_from,
    managers_over_time,
    sensitivity,
    week_pattern,
    weights,
)
from .changes import changes, known_since
from .deals import (
    deals,
    kinds,
    lead_metrics,
    loss_reasons,
    losses_by_manager,
    losses_by_stage,
    new_repeat,
    sources,
    status,
)
from .forgotten import forgotten_by, forgotten_deals, forgotten_nights, leads, silence, thresholds
from .funnel import funnel, narrow_places, stage_conversion
from .stages import stage_matrix, time_by_manager, time_in_stage

__all__ = [
    "actions_over_time", "activity", "alone", "changes", "deals", "forgotten_by", "forgotten_deals", "forgotten_nights", "funnel",
    "index_vs_results", "kind_metrics", "kinds", "known_since", "lead_metrics", "leads", "learn_from", "loss_reasons", "losses_by_manager", "losses_by_stage",
    "managers_over_time", "narrow_places", "new_repeat", "sensitivity", "silence", "sources", "stage_conversion", "stage_matrix", "status",
    "thresholds", "time_by_manager", "time_in_stage", "week_pattern", "weights",
]  # fmt: skip
