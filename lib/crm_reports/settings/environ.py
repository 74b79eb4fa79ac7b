"""The secrets in this process's environment, out of sight of the other processes on the machine."""

import ctypes
import os
import sys

TELEGRAM = "CRM_REPORTS_TELEGRAM_TOKEN"
NOTIFY = "CRM_REPORTS_NOTIFY_WEBHOOK"
WRITE = "CRM_REPORTS_WRITE_WEBHOOK"
HOOK = "CRM_REPORTS_WEBHOOK_"  # and the name that a recipient is called by
SECRETS = ("CRM_REPORTS_WEBHOOK", "CRM_REPORTS_SMTP_USER", "CRM_REPORTS_SMTP_PASSWORD", TELEGRAM, NOTIFY, WRITE)


def is_secret(name: str) -> bool:
    """Whether the variable of that name holds a secret."""
    return name in SECRETS or name.startswith(HOOK)


def hide_secrets() -> None:
    """Blank the secrets where Linux shows what a process was started with, /proc/PID/environ; os.environ keeps them.

    A notebook runs as the same user in a process of its own, and could read them there. Children inherit nothing of
    them. Elsewhere than on Linux nothing is done, for nothing shows them.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    libc.getenv.argtypes, libc.getenv.restype = [ctypes.c_char_p], ctypes.c_void_p
    for name in map(str.encode, {*SECRETS, *filter(is_secret, os.environ)}):
        if value := libc.getenv(name):
            begin = value - len(name) - 1  # its name and "=" go too: what is left is no variable
            ctypes.memset(begin, ord("*"), len(ctypes.string_at(begin)))
