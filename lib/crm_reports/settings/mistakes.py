"""Mistakes in reports.toml as sentences: on which line, what is wrong, what is allowed, what is near."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any
from zoneinfo import available_timezones

from pydantic import ValidationError

from ..errors import near
from .secrecy import without_webhooks

FILE = "reports.toml"
WEIGHTED = ("call", "meeting", "email", "crm_activity", "comment", "stage_move")

# Every key that reports.toml may hold, and what is allowed there: the second half of every sentence about a mistake.
ALLOWED = {
    "time_zone": "an IANA name such as 'Europe/Moscow'",
    "base_currency": "a code of three letters such as 'RUB', or nothing for the CRM's own",
    "language": "'en' or 'ru'",
    "source": "a table with kind and what belongs to it, or a text: 'demo', 'bitrix24' or 'files:DIR'",
    "source.kind": "'demo', 'bitrix24' or 'files'",
    "source.folder": "the folder that docs/files.md describes, as a text",
    "source.encoding": "the encoding of the CSV files such as 'latin-1' or 'cp1251', or nothing to work it out",
    "source.decimal": "'.' or ',', or nothing where the files tell it themselves",
    "source.dates": "'day first' or 'month first', or nothing where the files tell it themselves",
    "source.demo": "a table with deals, seed, months, today",
    "source.demo.deals": "a whole number from 1 to 10000000",
    "source.demo.seed": "a whole number from 0",
    "source.demo.months": "a whole number from 1 to 240",
    "source.demo.today": "a date such as 2025-06-30",
    "weights": f"a table of {', '.join(WEIGHTED)}",
    **{f"weights.{kind}": "a number from 0" for kind in WEIGHTED},
    "presets": "a list: each preset begins with [[presets]]",
    "presets.name": "a text that is not empty",
    "presets.report": "the name of a notebook in notebooks/, such as 'overview', without .ipynb",
    "presets.parameters": 'a table of the report\'s parameters, such as { period = "last_month" }',
    "presets.each": "a list of 'manager', 'department', 'source', 'pipeline'",
    "presets.whole": "true or false",
    "presets.schedule": "'nightly', 'weekly' or 'monthly'",
    "presets.audience": "a name of small Latin letters, digits, - and _, or nothing",
    "presets.recipients": "a list of addresses such as 'anna@acme.example', each once",
    "presets.mail_slices": "true or false",
    "presets.attach": "a list of 'html', 'xlsx', 'pdf'",
    "presets.pictures": "true or false",
    "engine": "a table with memory, threads",
    "engine.memory": "a text such as '500MB' or '2GB'",
    "engine.threads": "a whole number from 1 to 1024, or 0 for all cores",
    "limits": "a table of page_memory, page_output, page_seconds, answer_size, answer_seconds, answer_depth",
    "limits.page_memory": "a text such as '500MB' or '4GB'",
    "limits.page_output": "a text such as '50MB'",
    "limits.page_seconds": "a number of seconds above 0, up to 86400",
    "limits.answer_size": "a text such as '64MB'",
    "limits.answer_seconds": "a number of seconds above 0, up to 86400",
    "limits.answer_depth": "a whole number from 5 to 500",
    "history": "a table with keep_days",
    "history.keep_days": "a whole number of days from 1",
    "mail": "a table with host and sender at least",
    "mail.host": "the name of the mail server, such as 'smtp.acme.example'",
    "mail.security": "'starttls', 'tls' or 'none'",
    "mail.port": "a whole number from 1 to 65535, or left out",
    "mail.sender": "an address such as 'reports@acme.example' or 'Sales reports <reports@acme.example>'",
    "mail.reply_to": "an address such as 'boss@acme.example', or nothing",
    "mail.operator": "an address such as 'admin@acme.example', or nothing",
    "mail.base_url": "where output/ is served, such as 'https://reports.acme.example/', or nothing",
    "mail.timeout": "a number of seconds above 0, up to 600",
    "mail.addresses": 'a table of a manager\'s or department\'s name or id and an address: "Anna Petrova" = "anna@acme.example"',
}
CHOICES: dict[str, Iterable[str]] = {
    "language": ("en", "ru"),
    "source.kind": ("demo", "bitrix24", "files"),
    "source.dates": ("day first", "month first"),
    "presets.each": ("manager", "department", "source", "pipeline"),
    "presets.schedule": ("nightly", "weekly", "monthly"),
    "presets.attach": ("html", "xlsx", "pdf"),
    "mail.security": ("starttls", "tls", "none"),
}

MISPLACED = {
    "webhook": "it is a secret: put it into the environment as CRM_REPORTS_WEBHOOK, or into .env beside this file",
    "data": "say it with --data DIR or CRM_REPORTS_DATA",
    "home": "it is the folder of this file",
    "config": "it is this file",
    "mail.user": "put it into the environment as CRM_REPORTS_SMTP_USER, or into .env beside this file",
    "mail.password": "it is a secret: put it into the environment as CRM_REPORTS_SMTP_PASSWORD, or into .env beside this file",
}

At = Sequence[str | int]


class Lines:
    """On which line of a TOML text a key stands.

    tomllib tells no positions, and tomlkit none either (its issue 55). But a statement of TOML ends with a line, so a
    key stands on the first line of the shortest beginning of the text that has it.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _beginnings(self) -> list[tuple[int, dict[str, Any]]]:
        return list(_beginnings(self._text))

    def of(self, at: At) -> int:
        """The line, from 1, of the deepest part of `at` that is written at all; 0 when there is none."""
        for length in range(len(at), 0, -1):
            found = next((line for line, held in self._beginnings if _holds(held, at[:length])), 0)
            if found:
                return found
        return 0


def _beginnings(text: str) -> Iterable[tuple[int, dict[str, Any]]]:
    """Every beginning of whole lines that is TOML: the line on which its last statement begins, and what it holds."""
    lines, begins = text.splitlines(keepends=True), 1
    for count in range(1, len(lines) + 1):
        try:
            held = tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        yield begins, held
        begins = count + 1


def _holds(held: Any, at: At) -> bool:
    for part in at:
        try:
            held = held[part]
        except (LookupError, TypeError):
            return False
    return True


def told(at: At, sentence: str, lines: Lines) -> str:
    """The sentence behind the file's name and the line."""
    line = lines.of([part for part in at if part != "[key]"])
    return f"{FILE}, line {line}: {sentence}" if line else f"{FILE}: {sentence}"


def misplaced(written: dict[str, Any], lines: Lines) -> list[str]:
    """A sentence for every key that does not belong into the file."""
    keys = {key: tuple(key.split(".")) for key in MISPLACED}
    found = [key for key, at in keys.items() if _holds(written, at)]
    return [told(keys[key], f"{key!r} does not belong here; {MISPLACED[key]}", lines) for key in found]


def without_misplaced(written: dict[str, Any]) -> dict[str, Any]:
    """What the file holds apart from those keys."""
    kept = {key: held for key, held in written.items() if key not in MISPLACED}
    if isinstance(kept.get("mail"), dict):
        kept["mail"] = {key: held for key, held in kept["mail"].items() if f"mail.{key}" not in MISPLACED}
    return kept


def sentences(error: ValidationError, lines: Lines) -> list[str]:
    """A sentence for each of pydantic's errors."""
    return [told(each["loc"], _sentence(each), lines) for each in error.errors(include_url=False)]


def _sentence(mistake: dict[str, Any]) -> str:
    at = mistake["loc"]
    if mistake["type"] == "extra_forbidden" or (at[-1] == "[key]" and at[0] == "weights"):
        return _unknown_key(tuple(part for part in at if part != "[key]"))
    key = _entry(at)
    if mistake["type"] == "missing":
        return f"{_place(at)} is missing; give {ALLOWED[key]}"
    if mistake["type"] == "value_error" and str(mistake["ctx"]["error"]):
        return f"{_place(at)}: {mistake['ctx']['error']}"
    return f"{_place(at)} is {shown(mistake['input'])}; allowed: {ALLOWED[key]}{_near(key, mistake['input'])}"


def _entry(at: At) -> str:
    """The entry of ALLOWED that speaks about this place: its own, else that of what holds it."""
    names = [part for part in at if isinstance(part, str)]
    paths = (".".join(names[:length]) for length in range(len(names), 0, -1))
    return next(path for path in paths if path in ALLOWED)


def _place(at: At) -> str:
    """The key as its writer would call it: presets 2, report."""
    if at[0] == "presets" and len(at) > 1:
        return ", ".join(str(part) for part in (f"presets {at[1] + 1}", *at[2:3]))
    if at[:2] == ("mail", "addresses") and len(at) > 2:
        return f"mail.addresses, {at[2]!r}"
    return _entry(at)


def _unknown_key(at: At) -> str:
    inside = "".join(f"{part}." for part in at[:-1] if isinstance(part, str))
    known = [key.removeprefix(inside) for key in ALLOWED if key.startswith(inside)]
    known = [key for key in known if "." not in key]
    name = str(at[-1])
    place = f"{_place(at[:-1])} has" if at[:-1] else "there is"
    return f"{place} no key {name!r}; near: {', '.join(near(name, known) or known)}"


def _near(key: str, held: object) -> str:
    if not isinstance(held, str):
        return ""
    found = near(held, available_timezones() if key == "time_zone" else CHOICES.get(key, ()))
    return f"; near: {', '.join(found)}" if found else ""


def shown(held: object) -> str:
    """The value as written, short, and without the secret of an address that got into the wrong place."""
    text = without_webhooks(repr(held))
    text = re.sub(r"(//)[^\s'\"/]*@", r"\1…@", text)
    return text if len(text) <= 100 else f"{text[:99]}…"
