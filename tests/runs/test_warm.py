"""A process for each call, forked from one that is warm; and cells run there as papermill runs them in a kernel."""

import json
import os
import re
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from crm_reports.look.publish import REPORTS
from crm_reports.measures import load
from crm_reports.runs import execution, preparation, surroundings
from crm_reports.runs.surroundings import NO_WEBHOOK, clean
from crm_reports.runs.warm import TookTooLong, Unwanted, Warm, WarmError
from crm_reports.settings import Settings
from notebooks import WHOLE, write
from parents import is_gone, patient
from reports import NOTEBOOKS
from stores import at, deal, make_store, moves

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
SECONDS = 120


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    home = tmp_path_factory.mktemp("warm")
    (home / "reports.toml").write_text('time_zone = "UTC"')
    won = {"stage_id": "WON", "outcome": "won", "closed_at": at("2025-03-20 10:00")}
    make_store(
        home / "data", deals=[deal(1, "2025-03-02 10:00", **won)],
        stage_history=moves(1, ("2025-03-02 10:00", "NEW"), ("2025-03-20 10:00", "WON")),
    )  # fmt: skip
    return Settings.read(home / "reports.toml", home / "data")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """The file that holds what the warm parent says."""
    return tmp_path_factory.mktemp("said") / "stderr"


@pytest.fixture(scope="module")
def warm(settings, said):
    """The one that all tests share; it takes ten seconds to warm."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_REPORTS_WEBHOOK", "https://portal.example/rest/1/topsecret/")
        environment = clean({"CRM_REPORTS_THREADS": "1"} | surroundings.environment(settings), Path("/nowhere"))
    with saying_into(said):
        found = Warm.begin(environment)
    with found:
        with patient():
            found.wait()
        yield found


@contextmanager
def saying_into(path):
    """What a process says that begins in here goes into the file."""
    with path.open("wb") as file:
        before = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)


@pytest.fixture
def cold(settings):
    """One that a test does to as it likes: how it serves has nothing to do with what it has imported."""
    with Warm.start(clean(surroundings.environment(settings), Path("/nowhere")), is_cold=True) as found:
        yield found


# Test modules can't be imported where a call runs, so these are texts.
HANG = """
import subprocess, sys, time
began = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid
open({path!r}, "w").write(str(began))
time.sleep(600)
"""
ENVIRONMENTS = "(dict(__import__('os').environ), open(f'/proc/{__import__(\"os\").getppid()}/environ').read())"


def test_an_answer_and_an_error_come_back_as_they_are(warm):
    assert warm.call(sum, [1, 2, 3], seconds=SECONDS) == 6
    with pytest.raises(ValueError, match="invalid literal"):
        warm.call(int, "soon", seconds=SECONDS)


def test_each_call_has_a_process_to_itself(warm):
    pids = {warm.call(os.getpid, seconds=SECONDS) for _ in range(3)}
    assert len(pids | {os.getpid()}) == 4


@pytest.mark.parametrize(
    ("function", "args", "how"),
    [(os._exit, (3,), "exit code 3"), (os.abort, (), "SIGABRT"), (sys.exit, (0,), "exit code 0"),
     (signal.raise_signal, (signal.SIGSEGV,), "SIGSEGV")],
)  # fmt: skip
def test_a_process_that_dies_is_told_and_hurts_nobody(warm, function, args, how):
    with pytest.raises(WarmError, match=how):
        warm.call(function, *args, seconds=SECONDS)
    assert warm.call(abs, -1, seconds=SECONDS) == 1


def test_a_process_that_hangs_is_ended_with_all_that_it_began(warm, tmp_path):
    with pytest.raises(TookTooLong, match="longer than 2 seconds"):
        warm.call(exec, HANG.format(path=str(tmp_path / "pid")), seconds=2)
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_when_the_starter_is_gone_so_is_everything_it_began(cold):
    pid = cold._parent.pid
    cold.close()
    assert is_gone(pid)
    assert not cold._room.path.exists()
    with pytest.raises(WarmError, match="is gone"):
        cold.call(abs, 1, seconds=1)


def test_ctrl_c_is_for_the_starter_to_hear_and_a_page_may_be_interrupted(cold):
    cold._parent.send_signal(signal.SIGINT)
    assert cold.call(len, "four", seconds=SECONDS) == 4
    assert cold.call(signal.getsignal, signal.SIGINT, seconds=SECONDS) is signal.default_int_handler


def test_what_the_parent_holds_every_process_finds(cold):
    cold.hold(exec, "import os; os.environ['HELD'] = 'by the parent'")
    assert cold.call(eval, "__import__('os').environ['HELD']", seconds=SECONDS) == "by the parent"


def test_a_parent_that_can_not_hold_something_says_so_and_serves_on(cold):
    with pytest.raises(WarmError, match="could not be prepared"):
        cold.hold(int, "soon")
    with pytest.raises(WarmError, match="could not be prepared"):
        cold.hold(exec, "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()")
    assert cold.call(abs, -1, seconds=SECONDS) == 1


ALONE = "(__import__('crm_reports.runs.specimen'), len(__import__('os').listdir('/proc/self/task')))[1]"
# Asked of the parent itself.
AS_WARMED = """
import os, sys
from crm_reports.store.open import _stores
from crm_reports.words import context
assert "crm_reports.elements" in sys.modules, "it is cold"
assert not list(_stores), "a store is still open"
assert not [each for each in os.listdir("/proc/self/fd") if "store" in os.path.realpath(f"/proc/self/fd/{each}")]
assert len(os.listdir("/proc/self/task")) == alone, "a thread is left"
assert context.current().dataset is None
left = [name for name in os.listdir() if name not in ("door", "ipython", ".owner") and not name.startswith("run-")]  # of calls
assert not left, left
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc on this system")
def test_the_specimens_leave_neither_a_store_nor_a_thread_nor_a_warning(warm, cold, said):
    alone = cold.call(eval, ALONE, seconds=SECONDS)  # with those that libraries have as soon as they are imported
    try:
        warm.hold(exec, AS_WARMED, {"alone": alone})
    except WarmError:
        pytest.fail(said.read_text())
    assert "not warmed up" not in said.read_text()


HELD_STORE = """
from crm_reports.measures.load import load
from crm_reports.store.open import _stores
here = list(_stores.values())
assert len(here) == 1, here
assert load().store is here[0]
"""


def test_a_page_finds_the_store_that_the_parent_opened_and_spills_into_a_folder_of_its_own(warm, settings):
    spills = "[each.connection.execute(\"select current_setting('temp_directory')\").fetchone()[0] for each in _stores.values()]"
    one_thread = settings.model_copy(update={"engine": settings.engine.model_copy(update={"threads": 1})})
    warm.hold(load.hold, one_thread, [])
    warm.call(exec, HELD_STORE, seconds=SECONDS)
    said = warm.call(exec, f"{HELD_STORE}\nimport os\nassert str(os.getpid()) in {spills}[0]", seconds=SECONDS)
    assert said is None


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc on this system")
def test_neither_the_parent_nor_a_call_knows_a_secret(warm, settings):
    mine, parents = warm.call(eval, ENVIRONMENTS, seconds=SECONDS)
    assert {name: mine[name] for name in NO_WEBHOOK} == NO_WEBHOOK
    assert mine["CRM_REPORTS_DATA"] == str(settings.data)
    assert "topsecret" not in parents + json.dumps(mine)


def nothing():
    """Lives in a module that the parent can not import."""


def test_a_call_that_can_not_be_read_says_so(warm):
    with pytest.raises(ModuleNotFoundError, match="test_warm"):
        warm.call(nothing, seconds=SECONDS)


# ── Cells ────────────────────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = (
    "print('out'); import sys; print('err', file=sys.stderr); print('out again')",
    "1 + 1",
    "import pandas as pd; pd.DataFrame({'a': [1.5, None], 'b': ['<b>', 'x']})",
    "from IPython.display import display, HTML, clear_output\nprint('before'); display(HTML('<i>x</i>')); print('after')",
    "for i in range(3):\n    print(i)\n    clear_output(wait=True)",
    "shown = display('first', display_id=True); shown.update('second')",
    "print('flushed', flush=True); print('more')",
    "import asyncio; await asyncio.sleep(0); 'awaited'",
    "!echo by the shell",
    "%who_ls str",
    "_ = 5; __name__",
    "import warnings; warnings.warn('careful')",
    "display({'text/plain': 'p', 'application/vnd.mine+json': {'b': 1, 'a': (2, 3)}}, raw=True)",
    "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 1\nimport pickle; pickle.loads(pickle.dumps(P()))",
    "class Odd:\n    def _repr_html_(self):\n        raise ValueError('torn')\nOdd()",
)
BREAKING = ("1 / 0", "raise SystemExit", "import sys; sys.exit(3)", "x ==", "raise KeyError('ключ')")


def _both(warm, settings, name, *cells):
    """The notebook after papermill and a kernel, and after cells here."""
    write(settings.home / "notebooks" / f"{name}.ipynb", *cells)
    plan = preparation.prepare(name, {"forgotten_after": 21}, settings=settings)
    return execution.execute(plan, settings=settings), warm.call(execution.execute_here, plan, seconds=SECONDS)


def _same(value):
    """An output or a cell without what no two runs share: times, places in memory, names of temporary files."""
    if isinstance(value, dict):
        return {key: _same(each) for key, each in value.items() if key not in ("id", "made_at")}
    if isinstance(value, list):
        return [_same(each) for each in value]
    if isinstance(value, str):
        text = re.sub(r"ipykernel_\d+/\d+\.py|0x[0-9a-f]+|/tmp/\S+", "…", value)
        return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.+Z]*|\b\d?\d:\d\d\b", "…", text)
    return value


def _cell(cell):
    times = {"start_time", "end_time", "duration"}
    papermill = (
        {key: each for key, each in cell.metadata.papermill.items() if key not in times}
        if "papermill" in cell.metadata
        else {}
    )
    rest = {key: each for key, each in cell.metadata.items() if key not in ("papermill", "execution")}
    execution = sorted(cell.metadata.get("execution", {}))
    return _same({"source": cell.source, "metadata": rest, "papermill": papermill, "execution": execution,
                  "count": cell.get("execution_count"), "outputs": cell.get("outputs", [])})  # fmt: skip


def _assert_same(real, here):
    assert here.error == real.error
    nbformat.validate(here.notebook)
    for there, mine in zip(real.notebook.cells, here.notebook.cells, strict=True):
        assert _cell(mine) == _cell(there)
    for key in ("kernelspec", "language_info"):
        assert here.notebook.metadata.get(key) == real.notebook.metadata.get(key)
    assert sorted(here.notebook.metadata.papermill) == sorted(real.notebook.metadata.papermill)


def test_cells_leave_what_a_kernel_leaves(warm, settings):
    real, here = _both(warm, settings, "hostile", *WHOLE, *HOSTILE)
    _assert_same(real, here)


def _one_after_the_other(reports):
    """The cells of these reports, about the same month, as one notebook: a kernel takes seconds to start."""
    for place, report in enumerate(reports):
        for cell in nbformat.read(NOTEBOOKS / f"{report}.ipynb", as_version=4).cells:
            if place and "parameters" in cell.metadata.get("tags", []):
                cell.metadata.tags.remove("parameters")
                cell.source += "\nperiod, as_of = '2025-03', '2025-04-01'"
            yield cell


def test_the_reports_are_the_same_either_way(warm, settings):
    cells = _one_after_the_other(REPORTS)
    path = settings.home / "notebooks" / "all_reports.ipynb"
    path.parent.mkdir(exist_ok=True)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel}), path)
    plan = preparation.prepare("all_reports", {"period": "2025-03", "as_of": "2025-04-01"}, settings=settings)
    real, here = execution.execute(plan, settings=settings), warm.call(execution.execute_here, plan, seconds=SECONDS)
    assert not here.error
    assert sum("header" in cell.source for cell in here.notebook.cells) >= len(REPORTS)
    _assert_same(real, here)


@pytest.mark.parametrize("cell", BREAKING)
def test_a_cell_that_breaks_leaves_what_a_kernel_leaves(warm, settings, cell):
    real, here = _both(warm, settings, "breaking", "print('fine')", "## Where does it break?", cell, "print('never')")
    _assert_same(real, here)


def test_nobody_is_asked(warm, settings):
    real, here = _both(warm, settings, "asking", "## Who?", "input('who?')")
    assert here.error == real.error
    assert here.error.startswith("Who?: StdinNotImplementedError")


def test_a_notebook_that_kills_its_process_is_nobody_elses_trouble(warm, settings):
    write(settings.home / "notebooks" / "dead.ipynb", "import os; os.kill(os.getpid(), 9)")
    plan = preparation.prepare("dead", {}, settings=settings)
    with pytest.raises(WarmError, match="SIGKILL"):
        warm.call(execution.execute_here, plan, seconds=SECONDS)
    assert warm.call(abs, -1, seconds=SECONDS) == 1


def test_a_call_that_nobody_waits_for_any_more_is_ended(warm, tmp_path):
    writes = (
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(__import__('os').getpid())), __import__('time').sleep(600)"
    )
    with pytest.raises(Unwanted, match="nobody waits"):
        warm.call(eval, writes, seconds=SECONDS, is_wanted=lambda: not (tmp_path / "pid").exists())
    assert is_gone(int((tmp_path / "pid").read_text()))
