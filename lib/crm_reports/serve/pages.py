"""Pages made when they are asked for: each once however many ask, kept while there is room, ended when nobody waits."""

import asyncio
import os
import shutil
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread
import nbformat

from ..errors import RunError
from ..look import publish, scripts
from ..mail import camera
from ..runs import discretion, parent, proof
from ..runs.execution import in_words
from ..runs.preparation import Plan
from ..runs.run import KINDS, RunRecord
from ..settings import Settings
from ..store.locks import Workroom
from ..words.texts import _, speaking
from .desk import Asked

AT_ONCE = ("html", "ipynb")  # the other files are made of the notebook when somebody asks for them
ROOM = 1 << 30  # bytes of pages that are kept
LOOK_SECONDS = 0.3  # how often it is asked whether a reader is still there
WAITING = 40  # pages that may wait for a core; more readers than that are asked to come back
MOST_OF_ONE = 10  # pages under way that one reader with a name asked for: the others have their turn


Links = Callable[[], list[publish.Link]]  # where a page leads, worked out only when it is made


class Busy(RunError):
    """More is asked at once than can be made in good time."""


@dataclass
class _Making:
    """A page under way, and how many wait for it."""

    task: asyncio.Task
    waiting: int
    gone: threading.Event
    reader: str


class Pages:
    """A cache of made pages in a folder of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._room = settings, Workroom()
        self._cores = anyio.CapacityLimiter(os.cpu_count() or 1)
        self._kept: OrderedDict[str, tuple[Path, ...]] = OrderedDict()
        self._under_way: dict[str, _Making] = {}
        self._making: dict[str, anyio.Lock] = defaultdict(anyio.Lock)  # of each kind of file one at a time
        self.assets = self._room.path / "assets"
        scripts.assets(self.assets)

    def close(self) -> None:
        self._room.close()

    async def files(self, asked: Asked, links: Links, is_gone: Callable[[], Awaitable[bool]]) -> dict[str, Path]:
        """The page and its notebook by their kind: html, ipynb. RunError: it could not be made, or Busy."""
        key = asked.key
        if key not in self._kept:
            self._kept[key] = await self._shared(key, asked, links, is_gone)
            self._make_room()
        self._kept.move_to_end(key)
        return {path.suffix.removeprefix("."): path for path in self._kept[key]}

    async def file(self, kind: str, asked: Asked, files: dict[str, Path]) -> Path:
        """The page as a workbook, as JSON or as it prints, made when first asked for.

        RunError: it could not be made; a PDF needs Chromium on this machine.
        """
        path = files["ipynb"].with_suffix(f".{kind}")
        async with self._making[kind]:
            if not path.exists():
                make = _print if kind == "pdf" else partial(parent.file_of, settings=self._settings)
                await anyio.to_thread.run_sync(make, asked.plan, files["ipynb"], kind)
        return path

    async def _shared(
        self, key: str, asked: Asked, links: Links, is_gone: Callable[[], Awaitable[bool]]
    ) -> tuple[Path, ...]:
        """Wait with whoever asked the same; the last one to go away ends it."""
        making = self._under_way.get(key) or self._begun(key, asked, links)
        making.waiting += 1
        try:
            while not making.task.done():
                await asyncio.wait({making.task}, timeout=LOOK_SECONDS)
                if not making.task.done() and await is_gone():
                    raise RunError(_("nobody waits for it any more"))
            return making.task.result()
        finally:
            making.waiting -= 1
            if not making.waiting:
                making.gone.set()

    def _begun(self, key: str, asked: Asked, links: Links) -> _Making:
        own = [making for making in self._under_way.values() if making.reader == asked.reader.name != ""]
        if len(self._under_way) >= WAITING or len(own) >= MOST_OF_ONE:
            raise Busy(_("more is asked than this machine can make: try again in a moment"))
        gone = threading.Event()
        task = asyncio.create_task(self._made(key, asked, links, gone))
        making = self._under_way[key] = _Making(task, 0, gone, asked.reader.name)
        task.add_done_callback(lambda _task: self._under_way.pop(key, None))
        return making

    async def _made(self, key: str, asked: Asked, links: Links, gone: threading.Event) -> tuple[Path, ...]:
        def make() -> RunRecord:
            return parent.make(
                asked.plan, settings=self._settings.model_copy(update={"webhook": None}), out=self._room.path / key[:32],
                seconds=self._settings.limits.page_seconds, assets="/assets", rows=publish.ASKED, links=links(), is_wanted=lambda: not gone.is_set(), kinds=AT_ONCE,
            )  # fmt: skip

        async with self._cores:
            if gone.is_set():
                raise RunError(_("nobody waits for it any more"))
            record = await anyio.to_thread.run_sync(make)
        failed = self._settings.data / "failed" / f"{asked.plan.name}.ipynb"
        if error := discretion.refusal(record.files, record.error, failed, self._settings):
            raise RunError(error)
        return record.files

    def _make_room(self) -> None:
        """Forget the pages that nobody asked for longest; the newest stays however large it is."""
        sizes = {key: _size(files[0]) for key, files in self._kept.items()}
        while sum(sizes.values()) > ROOM and len(self._kept) > 1:
            key, files = self._kept.popitem(last=False)
            sizes.pop(key)
            shutil.rmtree(files[0].parent, ignore_errors=True)


def _size(page: Path) -> int:
    """Bytes of all files of a page that are there by now."""
    files = (page.with_suffix(f".{kind}") for kind in (*KINDS, "pdf", "js"))
    return sum(path.stat().st_size for path in files if path.exists())


def _print(plan: Plan, notebook: Path, _kind: str) -> None:
    path = notebook.with_suffix(".pdf")
    with speaking(plan.language):
        whole = publish.html(nbformat.read(notebook, as_version=4), language=plan.language)
    page = path.with_suffix(".print.html")
    page.write_text(whole, encoding="utf-8")
    browser = proof.browser()
    if browser is None:
        raise RunError(_("a PDF needs Chromium, and this machine has none: print the page in your browser"))
    try:
        with proof.Chromium(browser) as chromium:
            path.write_bytes(camera.pdf(chromium, page))
    except OSError as error:
        raise RunError(
            _("the PDF could not be made ({why}): print the page in your browser", why=in_words(error))
        ) from None
    finally:
        page.unlink()
