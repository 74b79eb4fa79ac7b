"""Colours: the roles of a page, and a manager's one colour everywhere. Each light colour has a dark twin."""

from collections.abc import Iterable, Sequence
from zlib import crc32

from ..words import context

# role: (light, dark). Text on its ground passes WCAG AA in both.
THEME = {
    "bg": ("#fafaf8", "#14171a"),
    "card": ("#ffffff", "#1b1f23"),
    "ink": ("#1d2329", "#e6e8ea"),
    "dim": ("#5d676e", "#a0a9b0"),
    "line": ("#e2e5e7", "#2d343a"),
    "accent": ("#1f5fa8", "#6ea8ea"),
    "soft": ("#e6edf5", "#243140"),
    "good": ("#0b7268", "#58c2b2"),
    "bad": ("#b4412f", "#f0907c"),
    "hot": ("#fff4dc", "#3a301a"),
    "hotline": ("#d9a33a", "#a8843a"),
}

# Ten hues told apart by readers with any colour vision, also by lightness; beyond ten the marker's shape helps.
PALETTE = (
    ("#3b6fb6", "#7eabe6"),
    ("#d07a1f", "#eaa453"),
    ("#1f9488", "#55c7b9"),
    ("#b8517c", "#e48fb4"),
    ("#7d8a2a", "#b9c55f"),
    ("#6a5fb0", "#aba1e8"),
    ("#9c5a2e", "#d49a70"),
    ("#4b93b8", "#8ac9e8"),
    ("#8a2f4f", "#d98aa3"),
    ("#3c7d4a", "#83cc93"),
)
# Hues that look alike side by side, in light or in dark.
ALIKE = frozenset({(0, 5), (0, 7), (1, 4), (1, 6), (2, 7), (2, 9), (3, 6), (3, 8), (4, 9), (5, 7), (6, 8)})
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "x", "star", "hexagon")
DASHES = ("solid", "dash", "dot", "dashdot")


def colour(role: str) -> str:
    """The light colour of a role of THEME."""
    return THEME[role][0]


def use_managers(ids: Iterable[str], picked: Iterable[str] = ()) -> None:
    """From now on managers are coloured by their place among all of these: the same in every chart and report.

    Those who are `picked` keep their colours unless two look alike: the second gets the first that looks like nobody's.
    """
    # Portals number people upwards: in this order a newcomer changes nobody's colour.
    context.use(manager_ids=tuple(sorted({str(id) for id in ids if id}, key=lambda id: (len(id), id))), manager_hues={})
    context.use(manager_hues=_contrasting([str(id) for id in picked]))


def _contrasting(picked: Sequence[str]) -> dict[str, int]:
    """The hue of each of the people, no two alike while there are such hues left."""
    hues: dict[str, int] = {}
    for id in picked:
        own, taken = hue_of(id), set(hues.values())
        hues[id] = next((hue for hue in (own, *range(len(PALETTE))) if not _is_like(hue, taken)), own)
    return hues


def _is_like(hue: int, others: Iterable[int]) -> bool:
    return any(hue == other or (min(hue, other), max(hue, other)) in ALIKE for other in others)


def place_of(manager_id: object) -> int:
    """The manager's place among all managers; one who is not among them gets a place that never changes."""
    name, order = str(manager_id), context.current().manager_ids
    return order.index(name) if name in order else crc32(name.encode())


def hue_of(manager_id: object) -> int:
    """Which hue of the palette is this manager's."""
    own = context.current().manager_hues.get(str(manager_id))
    return place_of(manager_id) % len(PALETTE) if own is None else own


def colour_of(manager_id: object) -> str:
    """The manager's colour, in every chart, table and report."""
    return PALETTE[hue_of(manager_id)][0]


def look_of(manager_id: object) -> str:
    """The manager's colour and shape as classes of a style sheet: "m3 s0"."""
    return f"m{hue_of(manager_id)} s{place_of(manager_id) // len(PALETTE) % 3}"


def symbol_of(manager_id: object) -> str:
    """The manager's marker, which tells apart two who share a hue."""
    return SYMBOLS[place_of(manager_id) // len(PALETTE) % len(SYMBOLS)]


def dash_of(manager_id: object) -> str:
    """The manager's kind of line, which tells apart two who share a hue."""
    return DASHES[place_of(manager_id) // len(PALETTE) % len(DASHES)]


def dark_twins() -> dict[str, str]:
    """Every light colour and its dark twin, for a page that swaps them."""
    return dict(THEME.values()) | dict(PALETTE)


def css_variables(*, dark: bool = False) -> str:
    """The palette for a style sheet: --ink: …; --m0: …"""
    side = int(dark)
    roles = [f"--{role}:{pair[side]}" for role, pair in THEME.items()]
    return ";".join([*roles, *(f"--m{place}:{pair[side]}" for place, pair in enumerate(PALETTE))])
