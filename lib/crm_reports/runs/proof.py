"""A page, opened once in a real browser that can reach nobody: is everything there that the notebook drew?

One headless Chromium serves a whole night, spoken to over a pipe (the DevTools protocol), so no port is open.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..look.publish import figures_of
from ..store.locks import Workroom
from ..words.texts import _

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
NOWHERE = "file:///nowhere"  # asked by the part of Chromium that knows HTTP, which refuses it before it looks up a name
LISTS_ACCOUNTS = json.dumps({"urls": {"list_accounts_url": {"url": NOWHERE}}})
LEFT_OUT = (
    "NetworkTimeServiceQuerying", "OptimizationHints", "OptimizationGuideModelDownloading",
    "OptimizationTargetPrediction", "MediaRouter", "Translate",
)  # fmt: skip
# Whoever starts a Chromium for our pages gives it these: of itself it would look for updates, accounts, the time.
SILENT = (
    "--no-sandbox", "--disable-gpu", "--no-startup-window", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
    "--disable-default-apps", "--disable-domain-reliability", "--no-pings",
    f"--disable-features={','.join(LEFT_OUT)}", f"--component-updater=url-source={NOWHERE}",
    f"--gaia-config-contents={LISTS_ACCOUNTS}", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
FLAGS = (
    *SILENT, "--headless=new", "--remote-debugging-pipe", "--enable-unsafe-swiftshader", "--mute-audio",
    "--hide-scrollbars", "--disable-dev-shm-usage", "--window-size=1280,900",
)  # fmt: skip
SECONDS = 30
PATIENCE = 2
T = TypeVar("T")
OUR_OWN = ("file:", "data:", "blob:", "about:")

# Chromium reads the descriptor 3 and writes to 4.
LAUNCH = """
import fcntl, os, sys
high = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3]]
for descriptor, each in enumerate(high, start=3):
    os.dup2(each, descriptor)
os.execv(sys.argv[3], sys.argv[3:])
"""

# Opens what is folded, waits until every chart says that it is drawn (or could not be), then tells what each consists of.
DRAWN = """
(async () => {
  const until = Date.now() + %d, charts = [...document.querySelectorAll("div.chart")];
  document.querySelectorAll("details.more").forEach(fold => { fold.open = true; });
  const done = chart => "drawn" in chart.dataset || chart.querySelector(".missing");
  while (!charts.every(done) && Date.now() < until) await new Promise(go => setTimeout(go, 20));
  return JSON.stringify(charts.map(chart => ({
    id: chart.closest("[data-element]")?.id ?? "", drawn: "drawn" in chart.dataset,
    types: (chart._fullData ?? []).map(trace => trace.type),
    blank: Boolean(chart.querySelector(".no-webgl, .gl-warning")) || !chart.querySelector(".main-svg"),
  })));
})()
"""


def browser() -> Path | None:
    """Where Chromium is on this machine, or None."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(path) if path else None


class Prover(Protocol):
    """What looks at pages; `notes` says why it does not, if so."""

    notes: list[str]

    def look(self, html: Path, notebook: Path) -> tuple[str, str]:
        """What is wrong with the page, "" if nothing, and what was found right."""


@contextmanager
def prover(
    tell: Callable[[str], object], *, is_wanted: bool = True, trouble: Callable[[str], object] | None = None
) -> Iterator[Prover]:
    """A prover for a night; without a browser, or when none is wanted, one that says so and finds nothing.

    `trouble` is told when the browser stops answering, and pages go on without proof.
    """
    path = browser() if is_wanted and os.name == "posix" else None
    if path is None:
        why = _("Chromium was not found, so no page was opened in a browser.") if is_wanted else ""
        why = why or _("The pages were not opened in a browser: --no-proof.")
        tell(why)
        yield _Blind([why])
        return
    with Chromium(path, trouble or tell) as chromium:
        yield chromium


class _Blind:
    def __init__(self, notes: list[str]) -> None:
        self.notes = notes

    def look(self, html: Path, notebook: Path) -> tuple[str, str]:
        return "", ""


class Chromium:
    """One browser; `look` may be called from one thread at a time. It is begun when first needed, and again if it dies.

    One that gives no answer `PATIENCE` times in a row is not asked again: that says nothing about the pages.
    """

    def __init__(
        self, path: Path, trouble: Callable[[str], object] = lambda text: None, seconds: float = SECONDS
    ) -> None:
        self.path, self.notes, self.seconds = path, [], seconds
        self._trouble, self._silences = trouble, 0
        self._process: subprocess.Popen | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def look(self, html: Path, notebook: Path) -> tuple[str, str]:
        types = [[trace.get("type", "scatter") for trace in figure] for figure in figures_of(notebook)]
        with self._lock:
            while self._silences < PATIENCE:
                try:
                    return self._ask(lambda: self._look_at(html, types))
                except OSError as error:
                    if self._silences == PATIENCE:
                        words = _(
                            "Chromium gave no answer {n} times in a row ({why}): from {page} on no page was opened in a browser",
                            n=PATIENCE, why=error, page=html.name,
                        )  # fmt: skip
                        self._trouble(words)
        return "", ""

    def _ask(self, ask: Callable[[], T]) -> T:
        """What it gives; OSError, and the browser's end, when the browser did not answer."""
        try:
            answer = ask()
        except (OSError, EOFError, LookupError, ValueError) as error:
            self._silences += 1
            self._end()
            raise OSError(type(error).__name__) from error
        self._silences = 0
        return answer

    def _look_at(self, html: Path, types: list[list[str]]) -> tuple[str, str]:
        events, charts, _answers = self._open(html.absolute().as_uri())
        problems = [*_wrong_charts(charts, types), *_complaints(events)]
        return "; ".join(dict.fromkeys(problems)), _("{n} charts drawn", n=len(charts))

    def ask(self, html: Path, questions: Sequence[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        """What the browser answers to calls of its protocol, made when the page's charts are drawn; OSError if it can't."""
        with self._lock:
            if self._silences >= PATIENCE:
                raise OSError("the browser stopped answering")
            return self._ask(lambda: self._open(html.absolute().as_uri(), questions)[2])

    def _open(
        self, url: str, questions: Sequence[tuple[str, dict[str, Any]]] = ()
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
        """What happened while the page was open, what its charts say of themselves, and the answers to `questions`."""
        if self._process is None:
            self._begin()
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self._events.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable", {}, session)
        self._call("Page.navigate", {"url": url}, session)
        self._wait_for("Page.loadEventFired")
        parameters = {"expression": DRAWN % int(self.seconds * 500), "awaitPromise": True, "returnByValue": True}
        charts = json.loads(self._call("Runtime.evaluate", parameters, session)["result"]["value"])
        answers = [self._call(method, params, session) for method, params in questions]
        events = list(self._events)
        self._call("Target.closeTarget", {"targetId": target})  # after an error the whole browser is ended
        return events, charts, answers

    # The protocol: JSON texts with a zero byte after each

    def _begin(self) -> None:
        self._home = Workroom()
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        launch = [sys.executable, "-I", "-c", LAUNCH, str(to_browser), str(from_browser)]
        command = [*launch, str(self.path), *FLAGS, f"--user-data-dir={self._home.path}"]
        self._process = subprocess.Popen(
            command, pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._ids, self._held, self._events = count(1), b"", []

    def _end(self) -> None:
        if self._process is None:
            return
        os.close(self._write)
        os.close(self._read)
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None
        self._home.close()

    def _signal(self, number: int) -> None:
        """To the browser and whatever it began."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _call(self, method: str, params: dict[str, Any], session: str = "") -> dict[str, Any]:
        id = next(self._ids)
        command = {"id": id, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(command).encode() + b"\0")
        until = time.monotonic() + self.seconds
        while (answer := self._next(until)).get("id") != id:
            self._events.append(answer)
        if "error" in answer:
            raise OSError(answer["error"].get("message", method))
        return answer["result"]

    def _wait_for(self, method: str) -> None:
        until = time.monotonic() + self.seconds
        while not any(event.get("method") == method for event in self._events):
            self._events.append(self._next(until))

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._held:
            if (
                time.monotonic() > until
                or not select.select([self._read], [], [], max(0.0, until - time.monotonic()))[0]
            ):
                raise TimeoutError
            if not (came := os.read(self._read, 1 << 20)):
                raise EOFError
            self._held += came
        message, _zero, self._held = self._held.partition(b"\0")
        return json.loads(message)


def _wrong_charts(charts: list[dict[str, Any]], all_types: list[list[str]]) -> Iterator[str]:
    if len(charts) != len(all_types):
        yield _("the page has {n} of {all} charts", n=len(charts), all=len(all_types))
        return
    for chart, types in zip(charts, all_types, strict=True):
        if not chart["drawn"] or chart["blank"]:
            yield _("chart {id!r} is not drawn", id=chart["id"])
        elif chart["types"] != types:
            words = {"found": ", ".join(chart["types"]), "types": ", ".join(types)}
            yield _("chart {id!r} is drawn as {found} and should be {types}", id=chart["id"], **words)


def _complaints(events: list[dict[str, Any]]) -> Iterator[str]:
    """Errors in the console, and requests that wanted to leave the page."""
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            yield _("a script failed: {what}", what=_words(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "assert"):
            yield _(
                "the browser's console says: {what}",
                what=str(parameters["args"][:1] and parameters["args"][0].get("description", ""))[:200],
            )
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            yield _("the browser's console says: {what}", what=parameters["entry"]["text"][:200])
        elif method == "Network.requestWillBeSent" and not parameters["request"]["url"].startswith(OUR_OWN):
            yield _("the page asks for something outside")


def _words(details: dict[str, Any]) -> str:
    return details.get("exception", {}).get("description", details["text"]).splitlines()[0][:200]
