"""A line of the doctor's table, as a terminal shows it."""

from rich.table import Table
from rich.text import Text

from ...words.terminal import lines, one_line
from ...words.texts import _
from ..options import results
from .check import Check, State


def shown(check: Check) -> State:
    """Prints one line of the table, and gives its state; the sign is not all that tells it, nor its colour."""
    signs = {
        "ok": ("✓", "+", "green"), "look": ("!", "!", "yellow"), "broken": ("✗", "x", "red"),
        "early": ("·", ".", "dim"), "off": ("·", ".", "dim"),
    }  # fmt: skip
    sign, plain, colour = signs[check.state]
    words = {"ok": _("ok"), "look": _("look"), "broken": _("broken"), "early": _("too early"), "off": _("off")}
    mark = sign if results.encoding.startswith("utf") else plain
    grid = Table.grid(padding=(0, 2, 0, 0))
    for width in (11, 16, None):
        grid.add_column(width=width, overflow="fold")
    sentence = Text(lines(check.sentence)) + Text(f"\n→ {lines(check.remedy)}" if check.remedy else "", style="bold")
    grid.add_row(Text(f"{mark} {words[check.state]}", style=colour), Text(one_line(check.name)), sentence)
    results.print(grid)
    return check.state
