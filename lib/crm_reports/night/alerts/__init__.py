"""What happened that somebody wanted to be told of: the alerts of reports.toml, looked at after a night's pages.

`watch` → each row's `State`, in words; `memory` → which of them are news to whom. Who is told, and how, is the mail room's.
"""

from .memory import Memory, News
from .states import State
from .watch import Watch, watching

__all__ = ["Memory", "News", "State", "Watch", "watching"]
