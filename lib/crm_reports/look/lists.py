"""A list of deals or leads as compact columns, which the page's script draws: more rows than a page should carry as HTML."""

import gzip
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..metrics.registry import Column
from ..words import units
from . import cells, plain

PACKED_FROM = 2_000  # characters: then it is a tenth of that in the page
DAY = 86_400  # seconds
IN_THREES = ("money", "count")  # whole ones are written as their digits in threes, so the script can


def as_script(value: object) -> str:
    """JSON that can't end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def script(kind: str, value: object) -> str:
    """The value where the page's script finds it; what is long is packed."""
    text = as_script(value)
    if len(text) >= PACKED_FROM:
        text = f'"{pack(text)}"'
    return f'<script type="application/json" class="{kind}">{text}</script>'


def pack(text: str) -> str:
    """The text for the page's script to unpack."""
    return b64encode(gzip.compress(text.encode("utf-8", "replace"), 6, mtime=0)).decode()


def unpacked(text: str) -> Any:
    """The value that `text`, what such a script element holds, stands for."""
    value = json.loads(text)
    return json.loads(gzip.decompress(b64decode(value))) if isinstance(value, str) else value


def rows_in(text: str) -> list[list[object]]:
    """The rows of a list as the page's script sees them: a value per column, then what the row counts in."""
    whole = unpacked(text)
    return [list(row) for row in zip(*map(values_of, whole["columns"]), whole["counts"], strict=True)]


def values_of(column: Mapping[str, Any]) -> list[object]:
    """The values of a list's column, or several parts of each, as the page's script has them."""
    parts = column.get("parts")
    texts = column["texts"] if parts is None else [list(value) for value in zip(*_whole(parts, column), strict=True)]
    return [texts[place] for place in column["at"]] if "at" in column else texts


def _whole(parts: Sequence[Any], column: Mapping[str, Any]) -> list[Sequence[Any]]:
    """The parts as they were before they were made short."""
    first, *others = parts
    if "steps" in column:
        first = _summed(first)
    if "per" in column:
        first = [None if number is None else number / column["per"] for number in first]
    if "instants" in column:
        first = [None if at is None else datetime.fromtimestamp(at, UTC).isoformat(" ") for at in first]
    if "threes" in column:
        others = [_in_threes(first, column["threes"]), *others]
    if "start" in column:
        others = [[rest and column["start"] + rest for rest in others[0]]]
    return [first, *others]


class Rows:
    """The rows of a list, column by column."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    @cached_property
    def plain(self) -> dict[str, list[Any]]:
        """Every column as JSON has it."""
        return {str(name): plain.values(self.frame[name]) for name in self.frame}

    def as_json(self, kinds: Mapping[Column, str], counts: Sequence[str]) -> dict[str, object]:
        """The columns, drawn as `kinds` says, and of each row the sum of 1, 2, 4 … for the first, second, third … of what it counts in."""
        masks = np.zeros(len(self.frame), dtype=int)
        for place, name in enumerate(counts):
            masks |= np.array([flag is True for flag in self.plain[f"is_{name}"]], dtype=int) << place
        return {"columns": [self._column(entry, kind) for entry, kind in kinds.items()], "counts": masks.tolist()}

    def _column(self, entry: Column, kind: str) -> dict[str, object]:
        name, of = entry.name, self._of
        if kind == "title":
            addresses = [cells.web_address(address) for address in of("url")]
            start = _start_of(addresses)
            rests = [address[len(start) :] for address in addresses]
            return {"parts": [[cells.deal_title(title) for title in of(name)], rests], "start": start}
        if kind == "manager":
            return _coding(_manager, of(name), of("manager_id"))
        if kind == "status":
            return _coding(
                lambda status, outcome: [cells.text(status), cells.known_outcome(outcome)], of(name), of("outcome")
            )
        if kind == "rate":
            return _coding(partial(_rate, entry.unit), of(name), of(f"{name}_k"), of(f"{name}_n"))
        if kind in ("number", "instant", "date"):
            return self._sorted_column(entry)
        if name in cells.BELOW:
            texts = [entry.unit] * len(self.frame)
            return _coding(
                lambda text, unit, small_print: [cells.text(text, unit), small_print],
                of(name),
                texts,
                self._small_print(name),
            )
        texts = [str(text) if isinstance(text, list | dict) else text for text in of(name)]  # an analyst's own
        return _coding(lambda text: cells.text(text, entry.unit), texts)

    def _of(self, name: str) -> Sequence[Any]:
        return self.plain.get(name) or [None] * len(self.frame)

    def _sorted_column(self, entry: Column) -> dict[str, object]:
        """What is sorted by something else than its text: that, the text, and what stands small under it."""
        order, how = self._order(entry)
        if entry.unit in IN_THREES and all(number is None or (type(number) is int and number >= 0) for number in order):
            return {"parts": [order], "threes": units.SPACE}
        texts, small_print = self._texts(entry), self._small_print(entry.name)
        return {"parts": [order, texts, *([small_print] if any(small_print) else [])], **how}

    def _order(self, entry: Column) -> tuple[Sequence[Any], dict[str, object]]:
        """What the column is sorted by, in whole seconds where it is days or instants of these, and how that is written."""
        instants = _since_1970(self.frame[entry.name]) if entry.unit == "instant" else None
        if instants is not None:
            return _in_steps(instants, {"instants": True})
        order = self._of(entry.name)
        if entry.unit in ("instant", "date"):
            return [value and value.replace("T", " ") for value in order], {}
        seconds = _in_seconds(order) if entry.unit == "days" else None
        return _in_steps(seconds, {"per": DAY}) if seconds else ([_number(value) for value in order], {})

    def _texts(self, entry: Column) -> list[str]:
        """How each value is written, once for all that are written alike."""
        values = self.frame[entry.name]
        codes, _unique = pd.factorize(units.alike(values, entry.unit), use_na_sentinel=False)
        _codes, first = np.unique(codes, return_index=True)
        texts = [cells.text(value, entry.unit) for value in values.iloc[first].tolist()]
        return [texts[code] for code in codes.tolist()]

    def _small_print(self, name: str) -> list[str]:
        """What stands small under each cell."""
        small = [key for key in (cells.BELOW.get(name), "crm_trace_at") if key in self.frame]
        if not small:
            return [""] * len(self.frame)
        texts: dict[Hashable, str] = {}
        for key in (keys := list(zip(*(self.plain[column] for column in small), strict=True))):
            texts[key] = texts[key] if key in texts else cells.below(dict(zip(small, key, strict=True)), name)
        return [texts[key] for key in keys]


def _coding(make: Callable[..., object], *columns: Sequence[Any]) -> dict[str, object]:
    """What `make` says of each row's values, once for all rows that have the same."""
    keys = list(zip(*columns, strict=True))
    places = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    values = [make(*key) for key in places]
    coded = (
        {"parts": list(map(list, zip(*values, strict=True)))}
        if values and isinstance(values[0], list)
        else {"texts": values}
    )
    return coded | {"at": [places[key] for key in keys]}


def _start_of(addresses: Sequence[str]) -> str:
    """How all addresses begin, up to their last part; "" where they differ before that."""
    first = next(filter(None, addresses), "").rstrip("/")
    start = first[: first.rfind("/") + 1]
    return start if all(address.startswith(start) and address != start for address in addresses if address) else ""


def _manager(manager: object, id: object) -> list[object]:
    return [cells.text(manager), cells.hue({"manager_id": id}), "" if id is None else str(id)]


def _rate(unit: str, value: object, k: object, n: object) -> list[object]:
    return [value, cells.text(value, unit), units.k_of_n(k, n), units.is_few(n)]


def _number(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _in_threes(numbers: Sequence[int | None], space: str) -> list[str]:
    return [units.MISSING if number is None else f"{number:,}".replace(",", space) for number in numbers]


def _since_1970(instants: pd.Series) -> list[int | None] | None:
    """The instants as whole seconds, a third of their text; None where they are not."""
    if not isinstance(instants.dtype, pd.DatetimeTZDtype):
        return None
    exact = instants.dt.tz_convert(None).to_numpy()
    seconds, missing = exact.astype("datetime64[s]"), np.isnat(exact)
    if not ((exact == seconds) | missing).all():
        return None
    return [None if gone else at for at, gone in zip(seconds.astype(int).tolist(), missing.tolist(), strict=True)]


def _in_steps(seconds: list[int | None], how: dict[str, object]) -> tuple[list[int | None], dict[str, object]]:
    """The seconds as each one's step from the known one before it, where that is shorter: in lists sorted by them it is by half."""
    known = [0, *(second for second in seconds if second is not None)]
    between = (after - before for before, after in pairwise(known))
    steps = [None if second is None else next(between) for second in seconds]
    return (steps, how | {"steps": True}) if len(str(steps)) < len(str(seconds)) else (seconds, how)


def _summed(steps: Sequence[int | None]) -> list[int | None]:
    """The seconds that the steps lead to."""
    known = accumulate(step for step in steps if step is not None)
    return [None if step is None else next(known) for step in steps]


def _in_seconds(days: Sequence[float | None]) -> list[int | None] | None:
    """The days as whole seconds, which take half the room; None where they are not."""
    seconds = [None if day is None else round(day * DAY) for day in days]
    exact = all(day is None or second / DAY == day for day, second in zip(days, seconds, strict=True))
    return seconds if exact else None
