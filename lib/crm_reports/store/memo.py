"""What was worked out, kept as long as what it was worked out from."""

from collections.abc import Callable, Hashable
from typing import Any


class Memo:
    """Things by their keys, each made when it is first asked for, and once."""

    def __init__(self) -> None:
        self._things: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The thing of that key: what `make` gave when it was first asked for."""
        if key not in self._things:
            self._things[key] = make()
        return self._things[key]
