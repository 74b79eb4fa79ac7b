"""A page's figures as its script finds them: what several charts draw (the same months, the same tooltips) is there once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import lab, lists

SHARED = "@"  # {"@": 3} stands for the fourth of what figures share
LEAST = 60  # characters that are worth a place of their own


class Figures:
    """The figures of one page, of which each can be written as a script, and what they share as another."""

    def __init__(self, figures: Iterable[Mapping[str, Any]]) -> None:
        counts = Counter(key for figure in figures for key, _value in _shareable(figure))
        self._places = {key: place for place, key in enumerate(key for key, count in counts.items() if count > 1)}
        self._shared: dict[int, Any] = {}

    def script(self, figure: Mapping[str, Any], *, heading: bool) -> str:
        """The figure; an element's heading stands above the chart, not in it."""
        layout = figure.get("layout", {}) if heading else lab.in_page(figure)
        return lists.script("figure", self._brief({"data": figure.get("data", []), "layout": layout}))

    def shared(self) -> str:
        """What the figures that were written share."""
        return lists.script("shared", [self._shared.get(place) for place in range(len(self._places))])

    def _brief(self, value: Any) -> Any:
        """The value, with the place of whatever is shared."""
        place = self._places.get(_key(value)) if isinstance(value, list | dict) else None
        if place is not None:
            self._shared[place] = value
            return {SHARED: place}
        if isinstance(value, dict):
            return {key: self._brief(item) for key, item in value.items()}
        return [self._brief(item) for item in value] if _holds_more(value) else value


def _shareable(value: Any) -> Iterator[tuple[str, Any]]:
    """What stands in the value and is long enough to be shared: lists of bare values, and the look of a chart."""
    key = _key(value)
    if key:
        yield key, value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _shareable(item)
    elif _holds_more(value):
        for item in value:
            yield from _shareable(item)


def _holds_more(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list | dict)


def _key(value: Any) -> str:
    """By what equal ones are known, 1 and True being two; "" for what is not shared."""
    if isinstance(value, dict):
        return repr(value) if "colorway" in value.get("layout", ()) else ""
    if not isinstance(value, list) or _holds_more(value):
        return ""
    text = repr(value)
    return text if len(text) >= LEAST else ""
