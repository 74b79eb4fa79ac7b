"""The commands, and the doctor that one of them asks."""

from .commands import app

__all__ = ["app"]
