"""Whether names are known: stages, pipelines, kinds, currencies, columns; and whether counts are the CRM's own."""

from collections.abc import Iterator

from ...words.texts import N_, _
from .registry import Reading, Tonight, check

MOST = 5  # that a sentence names


@check(
    "receipt", title=N_("Counts that are not the CRM's own"), unit="count", limit=0, level="error", needs_past=False,
    remedy=N_("Look at the list at the top of the company's pages: it names the rows, as far as they can be found."),
)  # fmt: skip
def receipt(tonight: Tonight) -> Reading | None:
    """How many counts of the last sync are not the CRM's own, or the files', and are explained by nobody."""
    if tonight.receipt is None or tonight.receipt.problem:
        return None
    return Reading(len(tonight.receipt.unexplained), tonight.receipt.warning())


@check(
    "unknown", title=N_("New stages, pipelines, kinds, currencies"), unit="count", limit=0, level="warn",
    remedy=N_("Look whether they belong where the CRM has them: a new stage changes the funnel."),
)  # fmt: skip
def unknown(tonight: Tonight) -> Reading | None:
    """How many stages, pipelines, kinds of activity and currencies no earlier night had."""
    return _reading(
        tonight, [kind for kind in tonight.facts.names if kind not in ("columns", "sources")], is_both=False
    )


@check(
    "columns", title=N_("Changed columns"), unit="count", limit=0, level="warn",
    remedy=N_("Look whether the field was deleted in the CRM; after an upgrade of crm-reports it is as it should be."),
)  # fmt: skip
def columns(tonight: Tonight) -> Reading | None:
    """How many columns came or went since the last night."""
    return _reading(tonight, ["columns"], is_both=True)


def _reading(tonight: Tonight, kinds: list[str], *, is_both: bool) -> Reading | None:
    found = sorted(_changes(tonight, kinds, is_both=is_both))
    rest = ["…"] if len(found) > MOST else []
    return Reading(len(found), _("not as before: {names}", names=", ".join([*found[:MOST], *rest])))


def _changes(tonight: Tonight, kinds: list[str], *, is_both: bool) -> Iterator[str]:
    """What is new, and what is gone where that counts, each with a sign."""
    nights = tonight.past[:1] if is_both else tonight.past
    for kind in kinds:
        now = set(tonight.facts.names.get(kind, ()))
        before = {id for night in nights for id in night.names.get(kind, ())}
        if before:  # a kind that nobody had before is no news
            yield from (f"+{tonight.title(kind, id)}" for id in now - before)
            yield from (f"-{tonight.title(kind, id)}" for id in before - now if is_both)
