"""What stands in a cell: a value written, a name in its colour, a change, what is small beneath it.

Everything from the CRM is escaped here; only http(s) addresses become links.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from urllib.parse import urlsplit

from .. import charts
from ..filters import DIMENSIONS
from ..metrics.registry import Column, column
from ..words import context, units
from ..words.texts import _

BELOW = {"last_action_at": "last_action_kind", "next_step": "next_step_at"}  # small, under the cell of the first


def tag(name: str, *inside: str, **attributes: object) -> str:
    """An element; what is `inside` must be safe already, attributes are escaped here. None and False leave one out."""
    given = "".join([
        _attribute(key, None if value is True else str(value))
        for key, value in attributes.items() if value is not None and value is not False
    ])  # fmt: skip
    return f"<{name}{given}>{''.join(inside)}</{name}>"


@lru_cache(4096)
def _attribute(key: str, value: str | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is None else f' {name}="{escape(value)}"'


LONGEST = 160  # characters of a name that stand in a cell; workbook and JSON hold all of it


def text(value: object, unit: str = "text") -> str:
    """How the value is written in a cell, a name cut where nobody reads on."""
    words = units.write(value, unit, form="cell")
    return words if len(words) <= LONGEST else words[: LONGEST - 1].rstrip() + "…"


def web_address(text: object) -> str:
    """The text if it is an http(s) address; nothing for javascript:, data: and the rest."""
    address = str(text)
    return address if _is_of_the_web(HOST.match(address)[0]) else ""


HOST = re.compile(r"(?:[^/?#]*//[^/?#]*)?")  # and scheme, which a list's addresses share


@lru_cache(256)
def _is_of_the_web(host: str) -> bool:
    try:
        address = urlsplit(host)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and bool(address.netloc)


def explained(entry: Column) -> str:
    """What a tooltip says of a column: title, meaning, formula."""
    return "\n".join(filter(None, [entry.title, entry.meaning, entry.formula and f"= {entry.formula}"]))


def below(row: Mapping[str, object], name: str) -> str:
    """What stands small under a cell: the kind of the last action, the day of the next step, the CRM's later trace."""
    small = BELOW.get(name, "")
    lines = [text(row.get(small), column(small).unit)] if small in row else []
    if name == "last_action_at" and not units.is_missing(row.get("crm_trace_at")):
        lines.append(_("the CRM has a trace of {day}", day=units.write(row["crm_trace_at"], "instant", form="cell")))
    return " · ".join(line for line in lines if line and line != units.MISSING)


def written(value: object, entry: Column) -> str:
    words = text(value, entry.unit)
    return escape(words) if words != units.MISSING else f'<span class="none">{words}</span>'


def order(value: object) -> str:
    """What a column is sorted by: a bare number of twelve digits, an ISO instant, nothing when missing."""
    if units.is_missing(value):
        return ""
    if not hasattr(value, "__float__"):
        return str(value)
    number = float(f"{float(value):.12g}")
    return str(int(number) if number.is_integer() else number)


def changed(row: Mapping[str, object], entry: Column) -> str:
    value = row.get(f"{entry.name}_change")
    return tag("i", escape(units.change(value)), class_=verdict_of(value, entry.good)) if units.change(value) else ""


def verdict_of(change: object, good: str) -> str:
    """Whether a change is "good", "bad" or "flat": a style; the sign beside it says the same without colour."""
    if units.is_missing(change) or good == "none" or abs(float(change)) < 0.005:
        return "flat"
    return "good" if (float(change) > 0) == (good == "up") else "bad"


def tile_change(row: Mapping[str, object], unit: str) -> str:
    """The change of a tile: of a share in points, of anything else in percent."""
    if unit != "share" or units.is_missing(row.get("previous")) or units.is_missing(row.get("value")):
        return units.change(row.get("change"))
    return units.points(float(row["value"]) - float(row["previous"]))


def tile_verdict(row: Mapping[str, object], good: str) -> str:
    """Whether a tile's change is good or bad; "flat" where chance alone may have made it."""
    return "flat" if row.get("may_be_chance") is True else verdict_of(row.get("change"), good)


def manager(row: Mapping[str, object]) -> str:
    """The manager's dot and name; the page turns it into a link where that manager has a page."""
    name = escape(text(row.get("manager")))
    if not hue(row):
        return name
    return tag("i", class_=f"dot {hue(row)}") + cutting(row, "manager", name)


def cutting(row: Mapping[str, object], dimension: str, name: str) -> str:
    """What is said of a row, as a name that the page can make lead to the page about it; plain where no filter knows it."""
    key = charts.key_of(row, dimension) if dimension in DIMENSIONS or is_own_dimension(dimension) else ""
    return tag("a", name, data_link=f"{dimension}:{key}") if key else name


def is_own_dimension(name: str) -> bool:
    """Whether a column is of a field of the company's own by which pages can be cut."""
    return f"{name}_id" in context.current().own


def hue(row: Mapping[str, object]) -> str:
    """The style of the manager's colour; none for a row that is nobody's."""
    id = row.get("manager_id")
    return "" if units.is_missing(id) or id == "" else charts.look_of(id)


def deal(row: Mapping[str, object]) -> str:
    title = escape(deal_title(row.get("title")))
    address = web_address(row.get("url"))
    return tag("a", title, href=address, rel="noopener noreferrer", target="_blank") if address else title


def pill(row: Mapping[str, object]) -> str:
    return tag("span", escape(text(row.get("status"))), class_=f"pill {known_outcome(row.get('outcome'))}")


def deal_title(title: object) -> str:
    return text(str(title or "").strip() or _("untitled"))


def known_outcome(outcome: object) -> str:
    """The outcome as a style; "" for one that has none."""
    return str(outcome) if outcome in ("won", "lost", "open") else ""


def differs(row: Mapping[str, object], name: str, team: object) -> str:
    """The sign of a difference that chance would hardly make, by the measure's own test; none without a team."""
    if row.get(f"{name}_differs") is not True and str(row.get(f"{name}_differs")) != "True":
        return ""
    if units.is_missing(team) or units.is_missing(row.get(name)):
        return ""
    up = float(row[name]) > float(team)
    return tag("b", "▲" if up else "▼", class_="differs", title=_("clearly differs from the team, hardly by chance"))
