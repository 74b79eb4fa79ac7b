"""Processes that are warm before they are asked for: a parent imports everything once, then forks for every call.

The parent is a process of its own, begun by exec with an environment that holds no secret. It runs one thread, and what is
forked from it starts clean, or with what it was told to `hold`; each call has a process to itself, and what becomes of that process is
nobody else's trouble. POSIX only: where there is no fork, `Warm.start` says so with a WarmError.
"""

import ctypes
import gc
import logging
import os
import pickle
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Client, Connection
from pathlib import Path
from threading import active_count
from typing import Any, BinaryIO, NoReturn, Self

from ..errors import RunError
from ..store.locks import Workroom
from ..words.terminal import log_harmlessly
from ..words.texts import _

log = logging.getLogger(__name__)

START_SECONDS = 60  # what is imported comes from a cold disk in the morning
HOLD_SECONDS = 600
LOOK_SECONDS = 0.5


class WarmError(RunError):
    """A call was not answered: its process ended or took too long, or the parent is not there."""


class OutOfMemory(WarmError):
    """A call's process was ended for want of memory: once more would end it once more."""


class TookTooLong(WarmError):
    """A call was ended because its time was up."""


class Unwanted(WarmError):
    """A call was ended because whoever asked is gone."""


class Warm:
    """A warm parent; `with Warm.start(environment) as warm: warm.call(function, …)`, from as many threads as you like."""

    def __init__(self, parent: subprocess.Popen, room: Workroom) -> None:
        self._parent, self._room = parent, room

    @classmethod
    def start(cls, environment: Mapping[str, str], *, is_cold: bool = False) -> Self:
        """A parent that has imported all there is to import, in `environment` and in an empty folder of its own.

        One that `is_cold` has imported nothing: for a single call that is cheaper.
        """
        warm = cls.begin(environment, is_cold=is_cold)
        warm.wait()
        return warm

    @classmethod
    def begin(cls, environment: Mapping[str, str], *, is_cold: bool = False) -> Self:
        """The same while it is still warming up: there is something else to do in the meantime. `wait` before the first call."""
        if not hasattr(os, "fork"):
            raise WarmError(_("this system has no fork: each report gets a kernel of its own"))
        room = Workroom()
        folder = room.path
        # One thread for linear algebra: its pools would be alive before the fork, and cores are for other pages.
        alone = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        parent = subprocess.Popen(
            [sys.executable, "-m", "crm_reports.runs.warm", str(folder), *(["cold"] if is_cold else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, cwd=folder,
            env=alone | dict(environment) | {"IPYTHONDIR": str(folder / "ipython"), "TMPDIR": str(folder)},
        )  # fmt: skip
        return cls(parent, room)

    def wait(self) -> None:
        """Until it can be called; a WarmError, and its end, when that takes too long."""
        if not _says_ready(self._parent.stdout, START_SECONDS):
            self.close()
            raise WarmError(_("the process that others are forked from did not start"))

    def hold(self, function: Callable[..., Any], /, *args: Any) -> None:
        """Call it in the parent itself: what it leaves open or looked up, every process forked from now on has.

        It may start no thread. WarmError: it failed, and the parent is what it was, or gone.
        """
        asking = pickle.dumps((function, args))
        try:
            self._parent.stdin.write(len(asking).to_bytes(8, "big") + asking)
            self._parent.stdin.flush()
        except OSError as error:
            raise WarmError(_("the process that others are forked from is gone")) from error
        if not _says_ready(self._parent.stdout, HOLD_SECONDS):
            raise WarmError(_("the process that others are forked from could not be prepared"))

    def call(
        self, function: Callable[..., Any], /, *args: Any, seconds: float, memory: int = sys.maxsize,
        is_wanted: Callable[[], bool] = lambda: True, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """`function(*args, **named)` in a process of its own; what it raises is raised here. WarmError: no answer.

        A process that was killed when it had half of `memory` bytes, or by a system without memory, ended for that.
        `is_wanted` is asked now and then: once it says no, the process is ended.
        """
        try:
            with Client(str(self._room.path / "door"), family="AF_UNIX") as connection:
                connection.send_bytes(pickle.dumps((function, args, kwargs)))
                return _answer(connection, seconds, memory, is_wanted)
        except (OSError, EOFError) as error:
            raise WarmError(_("the process that others are forked from is gone")) from error

    @property
    def is_alive(self) -> bool:
        return self._parent.poll() is None

    def close(self) -> None:
        """End the parent and every process it forked."""
        self._parent.stdin.close()
        try:
            self._parent.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._parent.kill()
            self._parent.wait()
        self._parent.stdout.close()
        self._room.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _says_ready(out: BinaryIO, seconds: float) -> bool:
    with selectors.DefaultSelector() as ready:
        ready.register(out, selectors.EVENT_READ)
        return bool(ready.select(seconds)) and out.readline() == b"ready\n"


def _answer(connection: Connection, seconds: float, memory: int, is_wanted: Callable[[], bool]) -> Any:
    pid, kills, until = connection.recv(), _kills_for_memory(), time.monotonic() + seconds
    while not connection.poll(max(0, min(LOOK_SECONDS, until - time.monotonic()))):
        if not is_wanted():
            os.killpg(pid, signal.SIGKILL)
            raise Unwanted(_("nobody waits for it any more"))
        if time.monotonic() >= until:
            os.killpg(pid, signal.SIGKILL)
            raise TookTooLong(_("it took longer than {n} seconds and was ended", n=round(seconds)))
    kind, content = pickle.loads(connection.recv_bytes())
    if kind == "ended" and _signal(content[0]) in KILLED and (2 * content[1] > memory or _kills_for_memory() > kills):
        raise OutOfMemory(_("its process was ended for want of memory ({how})", how=_how(content[0])))
    if kind == "ended":
        raise WarmError(_("its process ended without an answer ({how})", how=_how(content[0])))
    if kind == "raised":
        raise content
    return content


KILLED = (signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV)


def _kills_for_memory() -> int:
    """How many processes this system has ever ended for want of memory, where it says so."""
    try:
        words = Path("/proc/vmstat").read_text().partition("oom_kill ")[2].split()
    except OSError:
        return 0
    return int(words[0]) if words else 0


def _signal(status: int) -> int:
    """The signal that ended a process, 0 or less when it ended by itself."""
    return -os.waitstatus_to_exitcode(status)


def _how(status: int) -> str:
    number = _signal(status)
    return signal.Signals(number).name if number > 0 else f"exit code {-number}"


# ── In the parent ────────────────────────────────────────────────────────────────────────────────────────────────────


class _Parent:
    """Forks for whoever knocks, tells them when their process ended, and goes when its own starter does."""

    def __init__(self, folder: Path) -> None:
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(folder / "door"))
        self._door.listen(64)
        self._forked: dict[int, Connection] = {}
        _be_heir()
        self._selector = selectors.DefaultSelector()
        wake_end, wakes = os.pipe()
        os.set_blocking(wake_end, False)
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._door, selectors.EVENT_READ, self._fork)
        self._selector.register(wake_end, selectors.EVENT_READ, lambda: self._reap(wake_end))
        self._selector.register(sys.stdin, selectors.EVENT_READ, self._obey)

    def serve(self) -> None:
        print("ready", flush=True)
        while True:
            for key, _ready in self._selector.select():
                key.data()

    def _fork(self) -> None:
        connection = Connection(self._door.accept()[0].detach())
        pid = os.fork()
        if not pid:
            _live(connection)
        self._forked[pid] = connection

    def _reap(self, wake_end: int) -> None:
        os.read(wake_end, 4096)
        for pid in list(self._forked):
            ended_pid, status, usage = os.wait4(pid, os.WNOHANG)
            if ended_pid:
                _kill(pid)  # its group outlives it
                _tell(self._forked.pop(pid), ("ended", (status, 1024 * usage.ru_maxrss)))
                self._end_orphans()

    def _end_orphans(self) -> None:
        """End what a process began, left its group for, and left behind: it was handed down to us."""
        for pid in _children() - set(self._forked):
            log.warning("a process that a notebook began was still there when its page was made, and was ended")
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _obey(self) -> None:
        """By the starter: to hold something, or, when it is gone, to leave."""
        size = sys.stdin.buffer.read(8)
        if len(size) < 8:
            self._leave()
        function, args = pickle.loads(sys.stdin.buffer.read(int.from_bytes(size, "big")))
        alone = _threads()
        try:
            with _ending_with_the_starter():
                self._kept = function(*args)  # what it opened stays open for all that are forked
            _ready_to_fork()
            print("ready" if _threads() <= alone else "more than one thread", flush=True)
        except Exception:
            log.exception("what was to be held")
            print("failed", flush=True)

    def _leave(self) -> NoReturn:
        for pid in self._forked:
            _kill(pid)
        os._exit(0)


def _be_heir() -> None:
    """Where Linux runs: whatever a process of ours leaves behind becomes our child (PR_SET_CHILD_SUBREAPER)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def _children() -> set[int]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return {int(pid) for pid in path.read_text().split()} if path.is_file() else set()


def _tell(connection: Connection, message: Any) -> None:
    try:
        connection.send_bytes(pickle.dumps(message))
    except OSError:
        pass  # whoever asked has its answer and is gone
    finally:
        connection.close()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _live(connection: Connection) -> None:
    """A forked process's whole life: one call, one answer."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for descriptor in (0, 1):  # the parent's own lead to its starter
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
        connection.send(os.getpid())
        asking = connection.recv_bytes()
        with tempfile.TemporaryDirectory(prefix="run-", dir=".") as folder:
            os.chdir(folder)
            answer = _reply(asking)
            os.chdir("..")
        connection.send_bytes(answer)
    finally:
        os._exit(0)


def _reply(asking: bytes) -> bytes:
    try:
        function, args, kwargs = pickle.loads(asking)
        return pickle.dumps(("answer", function(*args, **kwargs)))
    except Exception as error:
        try:
            reply = pickle.dumps(("raised", error))
            pickle.loads(reply)  # many an error can't be made from what it says
            return reply
        except Exception:
            return pickle.dumps(("raised", RunError(f"{type(error).__name__}: {error}")))


def _threads() -> int:
    """How many threads the system runs for this process, where it says so: libraries have some that sleep."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else 0


def _nothing() -> None:
    pass


def main(folder: Path, *, is_cold: bool) -> None:
    """Warm up unless we stay cold, then serve until the starter closes our stdin: Ctrl-C is the starter's to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _ending_with_the_starter():
        warm_up = _nothing if is_cold else import_module(".specimen", __package__).warm_up
        log_harmlessly()
        alone = _threads()
        warm_up()
    if active_count() > 1 or _threads() > alone:
        raise WarmError("the parent has more than one thread and can't be forked safely")
    _ready_to_fork()
    _Parent(folder).serve()


@contextmanager
def _ending_with_the_starter() -> Iterator[None]:
    """While something long is under way, look now and then whether the starter has closed our stdin, by dying or else."""
    starter = select.poll()
    starter.register(sys.stdin, 0)  # nothing but its end

    def look(*_: object) -> None:
        if starter.poll(0):
            os._exit(0)

    signal.signal(signal.SIGALRM, look)
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ready_to_fork() -> None:
    gc.collect()
    gc.freeze()  # what a fork never touches stays shared, and its own collections stay short
    gc.set_threshold(50_000, 20, 100)  # and rare: a fork lives for seconds


if __name__ == "__main__":
    main(Path(sys.argv[1]), is_cold=sys.argv[2:] == ["cold"])
