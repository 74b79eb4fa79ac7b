"""The same night on a Dask cluster of several processes, one of which is killed in the middle of it."""

import os
import signal

import pytest

from crm_reports.night import How, night
from crm_reports.settings import Settings
from notebooks import WHOLE, write
from stores import at, deal, make_store, moves

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install crm-reports[cluster]")
pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore"),  # Dask's own, of closing a cluster that lost a worker
]
PAGES = 4
TOML = 'time_zone = "UTC"\n' + "".join(
    f'[[presets]]\nname = "Page {n}"\nreport = "slow"\nparameters = {{ forgotten_after = {n} }}\n'
    for n in range(1, PAGES + 1)
)


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "reports.toml").write_text(TOML)
    write(tmp_path / "notebooks" / "slow.ipynb", *WHOLE, "import time; time.sleep(1)")
    won = {"stage_id": "WON", "outcome": "won", "closed_at": at("2025-03-20 10:00")}
    make_store(
        tmp_path / "data", deals=[deal(1, "2025-03-02 10:00", **won)],
        stage_history=moves(1, ("2025-03-02 10:00", "NEW"), ("2025-03-20 10:00", "WON")),
    )  # fmt: skip
    return Settings.read(tmp_path / "reports.toml", tmp_path / "data")


# For a page or two it is not worth while to warm up for ten seconds. Every worker begins with this, also one that comes after another.
COLD = """
from functools import partial
from crm_reports.runs.warm import Warm
Warm.begin = partial(Warm.begin, is_cold=True)
"""


@pytest.fixture
def cluster():
    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "processes": True,
        "dashboard_address": None,
        "silence_logs": 50,
        "preload": [COLD],
    }
    with distributed.LocalCluster(**options) as found:
        yield found


def test_a_worker_killed_in_the_middle_costs_no_page(settings, cluster, tmp_path):
    with distributed.Client(cluster) as client:
        workers = set(client.run(os.getpid).values())
    killed = []

    def told(line):
        if "complete" in line and not killed:
            killed.append(min(workers))
            os.kill(min(workers), signal.SIGKILL)

    how = How(scheduler=cluster.scheduler_address, proved=False)
    report = night(settings, out=tmp_path / "output", sync=lambda: None, tell=told, how=how)
    assert killed
    assert [(page.name, page.state, page.error) for page in report.pages] == [
        (f"Page {n}", "complete", "") for n in range(1, PAGES + 1)
    ]
    assert all((tmp_path / "output" / file).is_file() for page in report.pages for file in page.files)
    assert not list((tmp_path / "output").rglob(".making-*"))


def test_a_scheduler_that_is_not_there_is_a_sentence(settings, tmp_path):
    how = How(scheduler="tcp://127.0.0.1:1", proved=False)
    report = night(settings, out=tmp_path / "output", sync=lambda: None, how=how)
    assert report.problem.startswith("no Dask scheduler answers at tcp://127.0.0.1:1")
    assert "no Dask scheduler answers" in (tmp_path / "output" / "index.html").read_text()
