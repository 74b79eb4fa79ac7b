"""How portals with other quirks write the same rows and errors."""

from collections.abc import Callable

from .quirks import Quirks
from .schema import Row
from .wire import Refusal

Variant = Callable[[Row], None]

_REFERENCES = ("LEAD_ID", "COMPANY_ID", "CONTACT_ID", "QUOTE_ID")
# As older servers and the official client have it.
_OLDER_STATUSES = {
    "INSUFFICIENT_SCOPE": 401, "INVALID_CREDENTIALS": 401, "PORTAL_DELETED": 403, "NO_AUTH_FOUND": 403,
    "EXPIRED_TOKEN": 403, "OPERATION_TIME_LIMIT": 503, "ERROR_METHOD_NOT_FOUND": 400, "QUERY_LIMIT_EXCEEDED": 429,
}  # fmt: skip


def variants(quirks: Quirks) -> tuple[Variant, ...]:
    """What is to be done to every written legacy row; mostly nothing."""
    chosen = {
        _absent_as(None): quirks.absent_id == "null",
        _absent_as("0"): quirks.absent_id == "0",
        _empty_text: not quirks.empty_is_null,
        _no_departments: quirks.absent_department == "false",
        _incoming_calls: quirks.incoming_channel == "calls too",
        _no_channel: quirks.incoming_channel == "absent",
        _leave_out("EXTRA"): quirks.semantics == "column",
        _silent_semantics: quirks.semantics == "extra",
        _without_prefix: not quirks.stages_carry_prefix,
    }
    return tuple(variant for variant, is_chosen in chosen.items() if is_chosen)


def _absent_as(text: str | None) -> Variant:
    def change(row: Row) -> None:
        row.update({name: row[name] if row[name] not in (None, "0") else text for name in _REFERENCES if name in row})

    return change


def _empty_text(row: Row) -> None:
    row.update({name: "" for name, value in row.items() if value is None})


def _leave_out(name: str) -> Variant:
    return lambda row: row.pop(name, None) and None


def _no_departments(row: Row) -> None:
    if row.get("UF_DEPARTMENT") == []:
        row["UF_DEPARTMENT"] = False


def _incoming_calls(row: Row) -> None:
    if "IS_INCOMING_CHANNEL" in row and row.get("DIRECTION") == "1":
        row["IS_INCOMING_CHANNEL"] = "Y"


_no_channel = _leave_out("IS_INCOMING_CHANNEL")


def _silent_semantics(row: Row) -> None:
    if row.get("EXTRA"):
        row["SEMANTICS"] = None


def _without_prefix(row: Row) -> None:
    """One page of the documentation shows the stages of pipeline 7 so."""
    if str(row.get("ENTITY_ID")).startswith("DEAL_STAGE_"):
        row["STATUS_ID"] = row["STATUS_ID"].partition(":")[2]


def refused(refusal: Refusal, quirks: Quirks) -> tuple[int, Row]:
    """The HTTP status and the body that this portal's version gives the error."""
    if quirks.errors == "documented":
        return refusal.status, refusal.body
    status = _OLDER_STATUSES.get(str(refusal.error).upper(), refusal.status)
    code = refusal.error.lower() if isinstance(refusal.error, str) else refusal.error
    return status, refusal.body | {"error": code}
