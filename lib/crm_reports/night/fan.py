"""Where the pages are made: threads of this process that fork (`work`), or the workers of a Dask cluster."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from ..errors import RunError
from ..runs.parent import let_go
from ..words.texts import _

# A page keeps one core busy; a third on two cores was measured to gain nothing.
JOBS = os.cpu_count() or 1


@contextmanager
def executor(scheduler: str, jobs: int) -> Iterator[Executor]:
    """An executor for pages: `jobs` at a time on this machine, or the cluster at that address, tcp://HOST:PORT."""
    if scheduler:
        with _cluster(scheduler) as cluster:
            yield cluster
        return
    pool = ThreadPoolExecutor(max_workers=jobs)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # whoever interrupts the night does not wait for all of it
        let_go()


@contextmanager
def _cluster(scheduler: str) -> Iterator[Executor]:
    """The cluster's workers must see the same folders, and have this library installed."""
    try:
        from distributed import Client
    except ImportError:
        raise RunError(_("--scheduler needs Dask: install crm-reports[cluster]")) from None
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        words = {"scheduler": scheduler, "why": type(error).__name__}
        raise RunError(_("no Dask scheduler answers at {scheduler} ({why})", **words)) from None
    with client:
        yield client.get_executor(pure=False)
