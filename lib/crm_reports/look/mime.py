"""What an element, a chart and the rows behind a page's numbers are called among the outputs of a notebook's cell, and where they stand."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

ELEMENT = "application/vnd.crm-reports.element+json"
FIGURE = "application/vnd.plotly.v1+json"
ROWS = "application/vnd.crm-reports.rows+json"


def bundles(cells: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the cells show, in order, each in the forms that it has; what is only printed has none."""
    for cell in cells:
        yield from (output["data"] for output in cell.get("outputs", ()) if "data" in output)


def elements(cells: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The report's elements that the cells show, in order."""
    yield from (data[ELEMENT] for data in bundles(cells) if ELEMENT in data)
