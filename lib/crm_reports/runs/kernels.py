"""Kernels for the runs: this very interpreter, away from the user's own Jupyter settings, and without the secret."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop

from ..store.locks import Workroom
from .surroundings import clean

# What comes before a kernel: where the system knows such limits, its own process and all that it begins has one.
BOUNDED = """
import sys
memory = int(sys.argv.pop(1))
if memory:
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
from ipykernel import kernelapp
kernelapp.launch_new_instance()
"""


def bound_memory(more: int) -> None:
    """From now on this process and what it begins may take so many bytes more, as far as the system knows such limits."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        status = Path("/proc/self/status").read_text()
        bytes_now = 1024 * int(status.partition("VmData:")[2].split()[0])
        resource.setrlimit(resource.RLIMIT_DATA, (bytes_now + more, bytes_now + more))


@contextmanager
def kernel_class(environment: Mapping[str, str], memory: int = 0) -> Iterator[type[AsyncKernelManager]]:
    """A kernel manager whose kernels see `environment`, in an empty folder that is gone afterwards.

    A kernel and all that it begins may take `memory` bytes, 0 for any, and is ended with all that it began.

    A kernelspec called python3 in the user's home could name any interpreter, so none is looked up.
    """
    with Workroom() as room:
        bound = str(memory) if os.name == "posix" else "0"
        about = {"folder": room.path, "environment": clean(environment, room.path), "memory": bound, "groups": []}
        kernel = type("ReportKernel", (_Kernel,), about)
        try:
            yield kernel
        finally:
            for group in kernel.groups:
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
            _close_loop()


def _close_loop() -> None:
    """End the event loop that jupyter_client made for this thread, which would outlive the thread otherwise."""
    loop = ensure_event_loop()
    if not loop.is_running():
        loop.close()
        asyncio.set_event_loop(None)


class _Kernel(AsyncKernelManager):
    folder: Path
    environment: dict[str, str]
    memory: str
    groups: list[int]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Kernels on TCP race for their ports when several start at once; sockets in our folder can't.
        self.transport = "tcp" if sys.platform == "win32" else "ipc"
        self.connection_file = str(self.folder / "kernel.json")

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-c", BOUNDED, self.memory, "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")

    async def start_kernel(self, **options: Any) -> None:
        await super().start_kernel(**(options | {"env": self.environment, "cwd": str(self.folder)}))
        if os.name == "posix":
            self.groups.append(self.provisioner.pgid)
