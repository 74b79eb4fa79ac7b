"""What Bitrix24 says instead of an answer, and what follows from it: wait and ask again, skip a table, or give up.

A code is compared in lower case and decides before the HTTP status: statuses differ from version to version.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import PortalError, ScopeError
from ...words.texts import N_, _

PASSES = {"query_limit_exceeded", "operation_time_limit", "internal_server_error", "error_unexpected_answer"}
FORBIDDEN = {
    "insufficient_scope", "access_denied", "invalid_credentials", "user_access_error", "allowed_only_intranet_user",
    "wrong_auth_type",
}  # fmt: skip
_NEW_WEBHOOK = N_("make a new incoming webhook in Bitrix24 and put it into CRM_REPORTS_WEBHOOK")
FATAL = {
    "no_auth_found": _NEW_WEBHOOK,
    "expired_token": N_("the webhook has expired: make a new one in Bitrix24 and put it into CRM_REPORTS_WEBHOOK"),
    "authorization_error": N_("its owner was dismissed: let an administrator make a new webhook"),
    "payment_required": N_("REST needs a commercial plan of Bitrix24"),
    "portal_deleted": N_("give the address of a portal that exists"),
    "overload_limit": N_("Bitrix24 has blocked REST for this portal by hand: ask its support"),
    "invalid_request": N_("the address must begin with https://"),
    **dict.fromkeys(
        ("invalid_token", "invalid_grant", "error_oauth", "application_not_found", "method_confirm_waiting"),
        _NEW_WEBHOOK,
    ),
}


class AuthError(PortalError):
    """The webhook opens nothing any more: no table can be read."""


class Passing(PortalError):
    """A refusal that time heals; `is_slow` where asking for less may help as well, `time` as the portal told it."""

    def __init__(
        self, message: str, *, code: str = "", is_slow: bool = False, time: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.is_slow, self.time = is_slow, time or {}


@dataclass(frozen=True)
class Answer:
    """One method's answer; `total` and `next` where it gave them."""

    result: Any
    total: int | None = None
    next: int | None = None
    time: Mapping[str, Any] = field(default_factory=dict)


Reply = Answer | PortalError


def refusal(method: str, body: Mapping[str, Any], status: int = 200) -> PortalError:
    """The error that says what Bitrix24 said of `method`, in its own words."""
    code, words = str(body.get("error") or ""), str(body.get("error_description") or "").strip()
    sentence = " ".join(filter(None, (code, words))) or f"HTTP {status}"
    kind = _kind(code.lower(), words, status)
    if kind is AuthError:
        remedy = _(FATAL.get(code.lower(), _NEW_WEBHOOK))
        return AuthError(_("Bitrix24 refuses the webhook: {said!r}; {remedy}", said=sentence, remedy=remedy), code=code)
    words = _("Bitrix24 refused {method}: {said!r}", method=method, said=sentence)
    return Passing(words, code=code, time=as_map(body.get("time"))) if kind is Passing else kind(words, code=code)


def _kind(code: str, words: str, status: int) -> type[PortalError]:
    if code in PASSES:
        return Passing
    if code in FATAL:
        return AuthError
    # Legacy methods of the CRM have no code, only words.
    if code in FORBIDDEN or (not code and "access denied" in words.lower()):
        return ScopeError
    if code:
        return PortalError
    return _kind_by_status(status)


def _kind_by_status(status: int) -> type[PortalError]:
    if status >= 500 or status == 429:
        return Passing
    return {401: AuthError, 403: ScopeError}.get(status, PortalError)


def read_answer(method: str, status: int, content: bytes) -> Answer:
    """The answer in a response's body; raises what Bitrix24, or the server in front of it, said instead."""
    body = _json_object(content)
    if body is None:
        raise _no_json(method, status)
    if "error" in body or status >= 400:
        raise refusal(method, body, status)
    if "result" not in body:
        raise Passing(_("{method} gave JSON without a result (HTTP {status})", method=method, status=status))
    return Answer(body["result"], _count(body.get("total")), _count(body.get("next")), as_map(body.get("time")))


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):  # nginx answers in HTML, and a broken connection may leave half of the JSON
        return None
    return body if isinstance(body, dict) else None


def _no_json(method: str, status: int) -> PortalError:
    words = _("{method} gave no JSON (HTTP {status})", method=method, status=status)
    if status in (401, 403, 404):
        return PortalError(_("{words}; is the address of the webhook right, and open to this machine?", words=words))
    return Passing(words, is_slow=True)


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | str) and re.fullmatch("[0-9]{1,18}", str(value)) else None


def as_map(value: object) -> dict[str, Any]:
    """The map that was meant: PHP writes an empty one as [] and one with the keys 0, 1, 2 … as a list."""
    if isinstance(value, list):
        return {str(place): item for place, item in enumerate(value)}
    return value if isinstance(value, dict) else {}


def split_batch(commands: Mapping[str, str], answer: Answer) -> dict[str, Reply]:
    """What each command gave, by its key; a command that a halt left out is absent."""
    result = as_map(answer.result)
    results, errors, totals, following, times = (
        as_map(result.get(part)) for part in ("result", "result_error", "result_total", "result_next", "result_time")
    )
    answers: dict[str, Reply] = {}
    for key, method in commands.items():
        if key in errors:
            answers[key] = refusal(method, as_map(errors[key]))
        elif key in results:
            time = as_map(times.get(key))
            answers[key] = Answer(results[key], _count(totals.get(key)), _count(following.get(key)), time)
    return answers


def leaves_a_hole(refusal: PortalError) -> bool:
    """Whether it says that none of such rows are to be had: the scope is not granted, or the portal has no such method."""
    return isinstance(refusal, ScopeError) or refusal.code == "error_method_not_found"


def is_not_found(reply: Reply) -> bool:
    """Whether the portal says that there is no such row, and not that it may not be seen."""
    if not isinstance(reply, PortalError) or isinstance(reply, ScopeError):
        return False
    return reply.code == "not_found" or "not found" in str(reply).lower()
