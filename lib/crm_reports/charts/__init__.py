"""Measured table → `go.Figure`: one module per subject over one palette and one template.

Every figure is an ordinary one that an analyst can update. Colours are the light ones; a page swaps each for its dark
twin (`dark_twins`) when the reader's setting asks for it. Names from the CRM are escaped: plotly reads tags in texts.
"""

from .activity import scatter
from .bars import bars
from .dynamics import dynamics
from .figure import escape, go, hover, key_of, measures_in, script, script_version
from .forecast import backtest, forecast
from .forgotten import nights, silence
from .funnel import funnel
from .managers import compared, lines, small_multiples
from .notes import mark
from .palette import (
    PALETTE,
    THEME,
    colour,
    colour_of,
    css_variables,
    dark_twins,
    hue_of,
    look_of,
    place_of,
    symbol_of,
    use_managers,
)
from .plans import pace
from .spark import sparkline
from .waterfall import waterfall
from .week import week

__all__ = [
    "PALETTE", "THEME", "backtest", "bars", "colour", "colour_of", "compared", "css_variables", "dark_twins", "dynamics", "escape",
    "forecast", "funnel", "go", "hover", "hue_of", "key_of", "lines", "look_of", "mark", "measures_in", "nights", "pace", "place_of", "scatter", "script", "script_version",
    "silence", "small_multiples", "sparkline", "symbol_of", "use_managers", "waterfall", "week",
]  # fmt: skip
