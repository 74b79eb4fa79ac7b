"""What several commands take, what they end with, and how they speak: results to stdout, everything else to stderr."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import FilterError, all_at_once
from ..words.terminal import one_line
from ..words.texts import _

SUCCESS, FAILED, REFUSED = 0, 1, 2

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings; by default reports.toml.")]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Where the store is; by default data/.")]
Source = Annotated[
    str | None, typer.Option("--source", metavar="SOURCE", help="demo, bitrix24 or files:DIR, whatever the file says.")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")]
Parameters = Annotated[
    list[str], typer.Option("-p", "--parameter", metavar="KEY=VALUE", help="May come several times.")
]

results = Console(highlight=False)
console = Console(stderr=True, highlight=False, soft_wrap=True)


def tell(text: str) -> None:
    """A line for whoever runs this, whatever characters are in it."""
    console.print(one_line(text), markup=False)


def pairs_of(words: Iterable[str]) -> dict[str, str | list[str]]:
    """`key=value` words by key; a key that came several times holds a list."""
    words = list(words)
    all_at_once(
        (_("-p {pair!r} is no key=value", pair=word) for word in words if not re.match(r"[^=]+=", word)), FilterError
    )
    lists: dict[str, list[str]] = {}
    for word in words:
        key, _sign, value = word.partition("=")
        lists.setdefault(key.strip(), []).append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in lists.items()}
