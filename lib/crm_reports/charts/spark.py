"""A line as long as a word."""

from collections.abc import Sequence

from ..words import units


def sparkline(values: Sequence[object], *, width: int = 108, height: int = 26) -> str:
    """A line as long as a word, as inline SVG; empty when there is too little to draw."""
    numbers = [(place, float(value)) for place, value in enumerate(values) if not units.is_missing(value)]
    if len(numbers) < 2:
        return ""
    low, high = min(value for _place, value in numbers), max(value for _place, value in numbers)
    step, span = (width - 6) / max(len(values) - 1, 1), (high - low) or 1
    points = [(3 + step * place, height - 4 - (height - 8) * (value - low) / span) for place, value in numbers]
    path = " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<svg class="spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="M{path}"/><path class="end" d="M{x:.1f},{y:.1f}h0"/></svg>'
    )
