"""What a notebook may take while its page is made: memory, output, time, and no process longer than the page."""

import re
from pathlib import Path

import pytest

from crm_reports.night import work
from crm_reports.night.work import Job
from crm_reports.runs import execution, preparation, surroundings
from crm_reports.runs import run as runs
from crm_reports.runs.surroundings import clean
from crm_reports.runs.warm import OutOfMemory, Warm, WarmError
from crm_reports.settings import Settings
from notebooks import WHOLE, write
from parents import is_gone
from stores import deal, make_store

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="limits as Linux knows them")
SECONDS = 120
TOML = 'time_zone = "UTC"\n[limits]\npage_memory = "700MB"\npage_output = "2MB"\npage_seconds = 20\n'
MEMORY = "What did it hold?: it took more memory than it may: let it hold less at a time, or raise page_memory under [limits] in reports.toml"
OUTPUT = "its cells show more than 2 MB: print less, or raise page_output under [limits] in reports.toml"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    home = tmp_path_factory.mktemp("limits")
    (home / "reports.toml").write_text(TOML)
    make_store(home / "data", deals=[deal(1, "2025-03-02 10:00")])
    return Settings.read(home / "reports.toml", home / "data")


@pytest.fixture(scope="module")
def warm(settings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crm_reports.runs.warm.START_SECONDS", 600)  # the machine may be busy
        with Warm.start(clean(surroundings.environment(settings), Path("/nowhere"))) as found:
            yield found


def plan(settings, name, *cells):
    write(settings.home / "notebooks" / f"{name}.ipynb", *cells)
    return preparation.prepare(name, {}, settings=settings)


def made(warm, settings, name, *cells):
    """The record of a page that was made in a process forked for it."""
    found, out = plan(settings, name, *WHOLE, "## What did it hold?", *cells), settings.home / "output"
    return warm.call(
        runs.make_here, found, settings=settings, out=out, seconds=SECONDS, memory=settings.limits.page_memory
    )


def test_a_notebook_that_takes_too_much_memory_ends_with_a_sentence(warm, settings):
    assert made(warm, settings, "greedy", "held = [bytearray(50_000_000) for _ in range(100)]").error.startswith(MEMORY)
    assert made(warm, settings, "array", "import numpy; numpy.ones(10**9)").error.startswith(MEMORY)
    assert made(warm, settings, "modest", "held = bytearray(50_000_000)").error == ""


@pytest.mark.parametrize(
    "cell",
    [
        "print('x' * 3_000_000)",
        "while True:\n    print('x' * 1000)",
        "from IPython.display import HTML\nHTML('x' * 3_000_000)",
    ],
)
def test_a_notebook_that_shows_too_much_ends_with_a_sentence(warm, settings, cell):
    record = made(warm, settings, "loud", cell)
    assert record.error.removeprefix("What did it hold?: ").startswith(OUTPUT)
    assert record.files == ()


def test_in_a_kernel_of_its_own_a_notebook_has_the_same_limits(settings):
    greedy = execution.execute(
        plan(settings, "greedy", "## What did it hold?", "held = bytearray(2_000_000_000)"), settings=settings
    )
    assert greedy.error.startswith(MEMORY)
    loud = execution.execute(plan(settings, "loud", "print('x' * 3_000_000)"), settings=settings)
    assert loud.error == OUTPUT
    short = settings.model_copy(update={"limits": settings.limits.model_copy(update={"page_seconds": 3})})
    slow = execution.execute(plan(settings, "slow", "import time; time.sleep(600)"), settings=short)
    assert (
        slow.error
        == "it took longer than it may: make it quicker, or raise page_seconds under [limits] in reports.toml"
    )


CHILD = """
import os, time
def child(leaves_group):
    pid = os.fork()
    if not pid:
        if leaves_group:
            os.setsid()
            if os.fork():
                os._exit(0)
        open({folder!r} + f"/{{leaves_group}}", "w").write(str(os.getpid()))
        time.sleep(600)
child(0); child(1)
while len(os.listdir({folder!r})) < 2:
    time.sleep(0.05)
"""


def test_what_a_notebook_began_does_not_outlive_its_page(warm, settings, tmp_path):
    assert made(warm, settings, "parent", CHILD.format(folder=str(tmp_path))).error == ""
    warm.call(abs, 1, seconds=SECONDS)
    assert [is_gone(int(path.read_text())) for path in tmp_path.iterdir()] == [True, True]
    assert warm.call(abs, -1, seconds=SECONDS) == 1


def test_what_a_notebook_began_does_not_outlive_its_kernel(settings, tmp_path):
    child = CHILD.replace("child(0); child(1)", "child(0)").replace("< 2", "< 1").format(folder=str(tmp_path))
    assert execution.execute(plan(settings, "parent", child), settings=settings).error == ""
    assert is_gone(int((tmp_path / "0").read_text()))


FULL_THEN_KILLED = "import os\nheld = b'x' * 400_000_000\nos.kill(os.getpid(), 9)"


def test_what_was_killed_for_memory_is_not_tried_again(warm, settings, monkeypatch, tmp_path):
    with pytest.raises(OutOfMemory, match=re.escape("ended for want of memory (SIGKILL)")):
        made(warm, settings, "full", FULL_THEN_KILLED)
    tried = []

    def killed(job):
        tried.append(job.key)
        raise (
            OutOfMemory("its process was ended for want of memory (SIGKILL)")
            if job.key == "full"
            else WarmError("gone")
        )

    monkeypatch.setattr(work, "_try", killed)
    found = plan(settings, "full", *WHOLE)
    for key in ("full", "dead"):
        record = work.made(Job.of(key, found, settings, tmp_path, (), {}, SECONDS))
        assert record.state == "failed"
    assert tried == ["full", "dead", "dead"]


def test_an_error_that_can_not_be_made_again_comes_back_in_words(warm):
    odd = "class Odd(Exception):\n    def __init__(self, a, b): super().__init__(a)\n__import__('builtins').Odd = Odd\nOdd.__module__ = 'builtins'\nraise Odd('sad', 1)"
    with pytest.raises(Exception, match="Odd: sad"):
        warm.call(exec, odd, {}, seconds=SECONDS)
