"""Put on PYTHONPATH, it writes down in $WATCH_FILE and forbids every way out of this machine, in every Python process."""

import os
import sys

_ASKS = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}


def _is_here(host: object) -> bool:
    """A path of a Unix socket, no host at all, or this machine."""
    host = host[0] if isinstance(host, tuple) else host
    name = host.decode() if isinstance(host, bytes) else host
    return name is None or name.startswith(("/", "\0", "127.")) or name in ("localhost", "::1", "", "0.0.0.0")


def _watch(event: str, given: tuple[object, ...]) -> None:
    if event in _ASKS and not _is_here(given[_ASKS[event]]):
        with open(os.environ["WATCH_FILE"], "a", encoding="utf-8") as seen:
            print(event, given[_ASKS[event]], sys.argv, file=seen)
        raise PermissionError(f"{event} to {given[_ASKS[event]]!r} is a way out of this machine")


sys.addaudithook(_watch)
