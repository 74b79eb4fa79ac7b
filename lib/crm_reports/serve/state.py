"""The address is the state: what a reader asks for, as a query, and back."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from ..errors import FilterError
from ..runs.controls import texts
from ..words.texts import _

MOST_LETTERS, MOST_VALUES = 8_000, 400  # what a browser's address holds; more managers than that have a department


def given(query: str) -> dict[str, str | list[str]]:
    """The parameters of a query by name, a list where one comes several times; an empty one is not given.

    FilterError: it is longer than an address may be.
    """
    try:
        if len(query) > MOST_LETTERS:
            raise ValueError
        pairs = parse_qsl(query, max_num_fields=MOST_VALUES, errors="strict")
    except ValueError:
        raise FilterError(_("the address is too long or damaged: clear the filters and choose again")) from None
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: each[0] if len(each) == 1 else each for name, each in values.items()}


def address(report: str, parameters: Mapping[str, Any], kind: str = "") -> str:
    """Where that report with these parameters is; a `kind` such as xlsx is the file of the same view."""
    pairs = [(name, text) for name, value in parameters.items() for text in texts(value)]
    path = f"/{quote(report)}{kind and f'.{kind}'}"
    return f"{path}?{urlencode(pairs)}" if pairs else path
