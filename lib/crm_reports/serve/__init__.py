"""The reports over HTTP: the same pages, made when they are asked for, by the same notebooks.

`serve` answers until it is interrupted. The address is the state: /sales_dynamics?period=2025-Q1&manager=17.
"""

import logging
from collections.abc import Callable

import uvicorn

from ..errors import SettingsError
from ..runs import parent
from ..settings import LOOPBACK, Settings
from ..words.texts import _
from .app import Server

PORT = 8765
EVERYWHERE = "0.0.0.0"


def serve(
    settings: Settings, *, host: str = LOOPBACK[0], port: int = PORT, told: Callable[[str], object] = print
) -> None:
    """Answer at that address until interrupted. SettingsError: others could ask, and nobody says what they may see."""
    if host not in LOOPBACK and not settings.serve.access:
        raise SettingsError(
            _("{host!r} is open to other machines, and [serve.access] in reports.toml names no reader: name them, or serve on 127.0.0.1",
              host=host)
        )  # fmt: skip
    parent.begin(settings)
    app = Server(settings).app([*dict.fromkeys([host, *LOOPBACK, "[::1]"]), *settings.serve.hosts])
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    told(f"http://{LOOPBACK[0] if host == EVERYWHERE else host}:{port}/")
    try:
        # Proxies' headers are read by `access`, from those it trusts; addresses are not logged, they say who was looked at.
        uvicorn.run(app, host=host, port=port, proxy_headers=False, server_header=False, access_log=False, log_config=None,
                    timeout_graceful_shutdown=5)  # fmt: skip
    finally:
        parent.let_go()
