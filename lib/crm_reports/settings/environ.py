"""The secrets in this process's environment, out of sight of the other processes on the machine."""

import ctypes
import sys

SECRETS = ("CRM_REPORTS_WEBHOOK", "CRM_REPORTS_SMTP_USER", "CRM_REPORTS_SMTP_PASSWORD")


def hide_secrets() -> None:
    """Blank the secrets where Linux shows what a process was started with, /proc/PID/environ; os.environ keeps them.

    A notebook runs as the same user in a process of its own, and could read them there. Children inherit nothing of
    them. Elsewhere than on Linux nothing is done, for nothing shows them.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    libc.getenv.argtypes, libc.getenv.restype = [ctypes.c_char_p], ctypes.c_void_p
    for name in map(str.encode, SECRETS):
        if value := libc.getenv(name):
            begin = value - len(name) - 1  # its name and "=" go too: what is left is no variable
            ctypes.memset(begin, ord("*"), len(ctypes.string_at(begin)))
