"""What a reader waits for a page of `crm-reports serve`, alone and among thirty, beside a kernel for every reader.

One reader asks for views that nobody asked for before, then for the same ones again. Then thirty readers click every five
seconds, each on what their dice say, so that some views are new and some are not. naive: each reader has a kernel that
runs the whole notebook again at every click and stays between clicks, as servers of notebooks do (Voilà); what one kernel
takes is measured, and what as many as the readers would take is reckoned. On a machine that others use too, the
processors' seconds are to be trusted more than the clock's.
"""

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

import httpx
import nbformat
import psutil
from jupyter_client import KernelManager
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from crm_reports.look.publish import REPORTS
from crm_reports.runs import preparation, surroundings
from crm_reports.settings import Settings

from .page_run import company

MONTHS = [f"2024-{month:02}" for month in range(6, 13)] + [f"2025-{month:02}" for month in range(1, 6)]
VIEWS = [f"/{report}?period={month}" for month, report in product(MONTHS, REPORTS)]
REPORT = "sales_dynamics"  # what the kernels run
START_SECONDS = 60
T = TypeVar("T")


def main() -> None:
    """Print seconds that readers wait, processors' seconds, and memory."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--deals", type=int, default=3_000)
    asked.add_argument("--views", type=int, default=16, help="new ones that a reader alone asks for")
    asked.add_argument("--readers", type=int, default=30)
    asked.add_argument("--seconds", type=float, default=20, help="for which the readers click")
    asked.add_argument("--every", type=float, default=5, help="seconds between a reader's clicks")
    asked.add_argument("--kernels", type=int, default=3, help="of the naive way, to measure one of them by")
    asked = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="serve-") as folder:
        settings = company(Path(folder) / "company", asked.deals)
        with _server(settings) as (server, client):
            _alone(client, server, VIEWS[-asked.views :])
            busy = _crowd(client, server, asked.readers, asked.seconds, asked.every)
        kernel = _kernels(settings, asked.kernels)
    print(f"{f'{asked.readers} kernels, reckoned':28}{asked.readers * kernel:>60,.0f} MB")
    print(f"\nmemory of {asked.readers} readers: naive {asked.readers * kernel / busy:.1f} times ours")


def _line(what: str, waits: Sequence[float], work: float, memory: float) -> None:
    last = quantiles(waits, n=20, method="inclusive")[-1] if len(waits) > 1 else waits[0]
    timed = f"{len(waits):5} pages   p50 {median(waits):6.2f} s   p95 {last:6.2f} s"
    print(f"{what:28}{timed}   {work / len(waits):5.2f} CPU s each {memory:8,.0f} MB", flush=True)


# ── Ours ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[psutil.Process, httpx.Client]]:
    """`crm-reports serve` in a process of its own, and a client of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        Path(sys.executable).parent / "crm-reports",
        "serve",
        "--port",
        port,
        "--config",
        settings.config,
        "--data",
        settings.data,
    ]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
            _wait_for(client)
            yield psutil.Process(process.pid), client
    finally:
        process.terminate()
        process.wait()


def _wait_for(client: httpx.Client) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with suppress(httpx.TransportError):
            client.get(VIEWS[0]).raise_for_status()
            return
        time.sleep(0.1)
    raise SystemExit("the server did not come up")


def _alone(client: httpx.Client, server: psutil.Process, views: Sequence[str]) -> None:
    for what in ("one reader, new", "one reader, again"):
        worked = _worked(server)
        waits = [_click(client, view) for view in views]
        _line(what, waits, _worked(server) - worked, _memory(server))


def _crowd(client: httpx.Client, server: psutil.Process, readers: int, seconds: float, every: float) -> float:
    """The most memory, in MB, while all of them read."""
    done, worked, most = threading.Event(), _worked(server), [_memory(server)]
    watcher = threading.Thread(
        target=lambda: [most.append(_memory(server)) for _ in iter(lambda: done.wait(0.5), True)]
    )
    watcher.start()
    with ThreadPoolExecutor(readers) as crowd:
        waits = [
            wait for each in crowd.map(lambda n: _reader(client, n, seconds, every), range(readers)) for wait in each
        ]
    done.set()
    watcher.join()
    _line(f"{readers} readers", waits, _worked(server) - worked, max(most))
    return max(most)


def _reader(client: httpx.Client, number: int, seconds: float, every: float) -> list[float]:
    """What one reader waits for: the first click some time in the first interval, then one each interval."""
    dice, started, waits = random.Random(number), time.monotonic(), []
    due = started + dice.random() * every
    while due < started + seconds:
        time.sleep(max(0, due - time.monotonic()))
        waits.append(_click(client, dice.choice(VIEWS)))
        due = max(due + every, time.monotonic())
    return waits


def _click(client: httpx.Client, view: str) -> float:
    started = time.perf_counter()
    client.get(view).raise_for_status()
    return time.perf_counter() - started


def _worked(server: psutil.Process) -> float:
    """Seconds that processors worked for the server, the process it forks from, and the pages that are made."""
    times = [process.cpu_times() for process in (server, *server.children())]
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)


def _memory(*processes: psutil.Process) -> float:
    """MB of these processes and theirs; what several share is counted once."""
    used = 0.0
    for process in (one for each in processes for one in (each, *each.children(recursive=True))):
        with suppress(psutil.Error):
            used += process.memory_full_info().pss
    return used / 2**20


# ── A kernel for every reader ────────────────────────────────────────────────────────────────────────────────────────


def _kernels(settings: Settings, count: int) -> float:
    """What one of several kernels takes, in MB, when each has run the notebook and waits for the next click."""
    os.environ |= surroundings.environment(settings)
    cells = _cells(preparation.find(REPORT, settings))
    begun = [_timed(_started, cells) for _ in range(count)]
    kernels = [kernel for _wait, kernel in begun]
    processes = [psutil.Process(manager.provisioner.pid) for manager, _client in kernels]
    first = sum(map(_worked, processes))
    _line("naive, a kernel begun", [wait for wait, _kernel in begun], first, _memory(*processes))
    again = [_timed(_executed, client, cells)[0] for _manager, client in kernels]
    memory = _memory(*processes)
    _line("naive, the kernel there", again, sum(map(_worked, processes)) - first, memory)
    for manager, client in kernels:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return memory / count


def _cells(notebook: Path) -> list[str]:
    """The notebook's code, of the month that is asked for."""
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    return [cells[0].source, f'period = "{MONTHS[-1]}"', *(cell.source for cell in cells[1:])]


def _timed(make: Callable[..., T], *given: object) -> tuple[float, T]:
    started = time.perf_counter()
    made = make(*given)
    return time.perf_counter() - started, made


def _started(cells: Sequence[str]) -> tuple[KernelManager, BlockingKernelClient]:
    manager, client = start_new_kernel(kernel_name="python3", stderr=subprocess.DEVNULL)
    _executed(client, cells)
    return manager, client


def _executed(client: BlockingKernelClient, cells: Sequence[str]) -> None:
    for cell in cells:
        reply = client.execute_interactive(cell, timeout=300, output_hook=lambda _message: None)
        assert reply["content"]["status"] == "ok", reply["content"]


if __name__ == "__main__":
    main()
