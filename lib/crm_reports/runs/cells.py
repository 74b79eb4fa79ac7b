"""A papermill engine that runs a notebook's cells in this very process, and leaves what a kernel would have left.

The shell is ipykernel's and its messages become outputs in nbclient, so only the kernel's process, its start and its
sockets are missing. Meant for a process that lives for one notebook (`warm`): nothing is put back afterwards.

It uses names that ipykernel, IPython, nbclient and papermill promise nobody: pyproject.toml caps their versions, and
tests/runs/test_cells.py lists the names.
"""

from ..look.mime import ELEMENT  # before papermill and nbclient, which import nbformat too

# isort: split
import builtins
import getpass
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ipykernel.compiler import XCachingCompiler
from ipykernel.ipkernel import IPythonKernel
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.error import StdinNotImplementedError
from jupyter_client.session import Session
from jupyter_core.utils import run_sync
from nbclient.client import timestamp
from nbclient.exceptions import CellExecutionComplete
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import prepare_notebook_metadata, raise_for_execution_errors, remove_error_markers
from papermill.iorw import load_notebook_node
from papermill.log import logger
from papermill.parameterize import parameterize_notebook
from traitlets.config import Config

from ..errors import RunError
from ..words.texts import N_, _

HERE, KERNEL = "here", "kernel"
# A kernel's own words.
ASKED = "raw_input was called, but this frontend does not support input requests."


def too_much(most: int) -> RunError:
    """The error of a notebook whose cells show more than `most` characters."""
    words = N_("its cells show more than {n} MB: print less, or raise page_output under [limits] in reports.toml")
    return RunError(_(words, n=most >> 20))


class _Session(Session):
    """Keeps what a kernel would send, as it would arrive."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.sent: list[dict[str, Any]] = []
        self.left = self.most = sys.maxsize

    def count(self, size: int) -> None:
        """RunError when the cells have now shown more than they may."""
        self.left -= size
        if self.left < 0:
            raise too_much(self.most)

    def send(self, _stream: object, msg_or_type: Any, content: Any = None, parent: Any = None, **_: Any) -> None:
        message = self.msg(msg_or_type, content, parent) if isinstance(msg_or_type, str) else dict(msg_or_type)
        # An element is plain JSON already, and most of what a page is made of.
        is_plain = ELEMENT in message["content"].get("data", ())
        self.sent.append(message if is_plain else message | {"content": self.unpack(self.pack(message["content"]))})


class _Stream:
    """stdout or stderr of the cells: like a kernel's, it is sent when something is shown, or at the end of a cell."""

    encoding, errors, closed = "utf-8", "strict", False

    def __init__(self, name: str, session: _Session) -> None:
        self.name, self._session, self._held = name, session, ""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._session.count(len(text))
        self._held += text
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        text, self._held = self._held, ""
        if text:
            self._session.send(None, "stream", {"name": self.name, "text": text})

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


class _Bounded(PapermillNotebookClient):
    """papermill's client, which reads no more of a kernel than a page may show."""

    left = most = sys.maxsize

    def process_message(self, message: dict[str, Any], *place: Any) -> Any:
        content = message["content"]
        texts = [content.get("text"), *content.get("data", {}).values()]
        self.left -= sum(len(text) for text in texts if isinstance(text, str))
        if self.left < 0:
            raise too_much(self.most)
        return super().process_message(message, *place)


class _Client(PapermillNotebookClient):
    """papermill's client, its cells run by a shell instead of a kernel."""

    most = sys.maxsize

    def execute(self, **_: Any) -> NotebookNode:
        self.reset_execution_trackers()
        self.session, self.shell = _Session(), _shell()
        self.session.left = self.session.most = self.most
        self.shell.displayhook.session = self.shell.display_pub.session = self.session
        self.shell.displayhook.topic = b"execute_result"
        with _streams(self.session):
            self.papermill_execute_cells()
        self.nb.metadata["language_info"] = dict(IPythonKernel.language_info)
        self.set_widgets_metadata()
        return self.nb

    def execute_cell(self, cell: NotebookNode, index: int, **_: Any) -> NotebookNode:
        if cell.cell_type != "code" or not cell.source.strip() or _has_tag(cell, self.skip_cells_with_tag):
            return cell
        cell.outputs, cell.metadata["execution"], self.clear_before_next_output = [], {}, False
        error = self._run(cell.source)
        cell.metadata["execution"]["shell.execute_reply"] = timestamp(self.session.msg("execute_reply"))
        with suppress(CellExecutionComplete):
            for message in self.session.sent:
                self.process_message(message, cell, index)
        if error:
            run_sync(self._check_raise_for_error)(cell, index, {"content": {"status": "error", **error}})
        return cell

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        """What was shown, as it came: nbclient would go through every number of it once more."""
        if msg["msg_type"] != "display_data" or display_id or self.clear_before_next_output:
            return super().output(outs, msg, display_id, cell_index)
        parts = {name: NotebookNode(msg["content"][name]) for name in ("metadata", "data")}
        outs.append(NotebookNode(output_type="display_data", **parts))
        return outs[-1]

    def _run(self, source: str) -> Mapping[str, Any]:
        """Run a cell, its messages then being in the session; what it says of its error, if it ended in one."""
        shell, send = self.shell, self.session.send
        self.session.sent.clear()
        shell._last_traceback_during_displayhook = False
        send(None, "status", {"execution_state": "busy"})
        send(None, "execute_input", {"code": source, "execution_count": shell.execution_count})
        result = shell.run_cell(source, store_history=True)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        send(None, "status", {"execution_state": "idle"})
        if result.success and not shell._last_traceback_during_displayhook:
            return {}
        error = result.error_before_exec or result.error_in_exec
        return {"ename": type(error).__name__, "evalue": str(error), "traceback": shell._last_traceback or []}


def _has_tag(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


_ready: list[ZMQInteractiveShell] = []


def be_ready() -> None:
    """Have a shell at hand, for a process that is forked from this one."""
    _ready[:] = [_new_shell()]


def _shell() -> ZMQInteractiveShell:
    shell = _ready.pop() if _ready else _new_shell()
    builtins.input = _refuse_to_ask
    getpass.getpass = _refuse_to_ask
    return shell


def _new_shell() -> ZMQInteractiveShell:
    """A kernel's shell that keeps no history on disk and asks nobody."""
    silent = Config()
    silent.HistoryManager.enabled = False
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    ZMQInteractiveShell.clear_instance()
    return ZMQInteractiveShell.instance(config=silent, compiler_class=XCachingCompiler)


def forget() -> None:
    """Let go of what the cells left: their names, and all that they hold."""
    if ZMQInteractiveShell.initialized():
        ZMQInteractiveShell.instance().reset(new_session=False)
        ZMQInteractiveShell.clear_instance()


def _refuse_to_ask(*_: object, **__: object) -> str:
    raise StdinNotImplementedError(ASKED)


@contextmanager
def _streams(session: _Session) -> Iterator[None]:
    """What Python writes goes to the session."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Stream("stdout", session), _Stream("stderr", session)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Here(Engine):
    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, most: int = sys.maxsize, **_: Any
    ) -> None:
        client = _Client(nb_man, log=logger)
        client.most = most
        client.execute()


class _InKernel(Engine):
    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, most: int, seconds: float, kernels: type, **_: Any
    ) -> None:
        until = time.monotonic() + seconds
        client = _Bounded(
            nb_man, kernel_name=kernel_name, kernel_manager_class=kernels, shutdown_kernel="immediate", log=logger,
            timeout_func=lambda cell: max(1, round(until - time.monotonic())),
        )  # fmt: skip
        client.left = client.most = most
        client.execute()


papermill_engines.register(HERE, _Here)
papermill_engines.register(KERNEL, _InKernel)


def executed(
    notebook: NotebookNode, parameters: Mapping[str, Any], kernel: str, most: int = sys.maxsize
) -> tuple[NotebookNode, PapermillExecutionError | None]:
    """The notebook as `papermill.execute_notebook` leaves it, its cells run here, and the error that it ended in.

    These are that function's own steps. Only nothing is written: papermill's way to JSON takes as long as many a report.
    """
    notebook = load_notebook_node(notebook)
    if parameters:
        notebook = parameterize_notebook(notebook, dict(parameters), kernel_name=kernel, engine_name=HERE)
    notebook = remove_error_markers(prepare_notebook_metadata(notebook, "", ""))
    notebook = papermill_engines.execute_notebook_with_engine(
        HERE, notebook, kernel_name=kernel, progress_bar=False, most=most
    )
    try:
        raise_for_execution_errors(notebook, None)
    except PapermillExecutionError as error:
        return notebook, error
    return notebook, None
