"""How elements look where notebooks are written: JupyterLab and VS Code have styles and themes of their own.

JupyterLab's say of every table and heading in an output what ours say too; ours are made to be the stronger. Which theme it has
stands in the page's body, whatever the system prefers.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from .. import charts
from .templates import read

LIGHT = ':is(body[data-jp-theme-light="true"],body.vscode-light)'
DARK = ':is(body[data-jp-theme-light="false"],body.vscode-dark)'
ELEMENTS = re.compile(r"\.crm(?![\w-])")
STRONGER = ".crm" * 4  # than any rule of JupyterLab's for what is shown in a notebook


@cache
def style(css: str) -> str:
    """The style of the elements of a notebook, made of a page's."""
    themes = "".join(f"{of} .crm{{{charts.css_variables(dark=of is DARK)};{GROUND}}}" for of in (LIGHT, DARK))
    return ELEMENTS.sub(STRONGER, css + read("lab.css") + themes) + _figures()


# What has the page's ground has the notebook's here.
GROUND = "--bg:var(--jp-layout-color0,var(--vscode-editor-background))"


def _figures() -> str:
    """Figures are drawn in light colours, each in an element's own style: in the dark every one has its twin."""
    return "".join(
        f"{DARK} .js-plotly-plot :is({','.join(_marks(what, light))}){{{what}:{dark}!important}}"
        for light, dark in (charts.dark_twins() | {PRESSED: charts.THEME["soft"][1]}).items()
        for what in ("fill", "stroke")
    )


PRESSED = "#f4faff"  # the button that was clicked last, as plotly.js has it


def _marks(what: str, colour: str) -> list[str]:
    """What is drawn in that colour: as a browser writes it into a style, and as it stands in words that have one of their own."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return [
        f'[style*="{what}: rgb({red}, {green}, {blue})"]',
        f'[style*="{what}:{colour}" i]',
        f'[style*="{what}: {colour}" i]',
    ]


def alone(figure: dict[str, Any], heading: str) -> dict[str, Any]:
    """The figure as JupyterLab draws it, without its element: under a title of its own, for which it is as much taller.

    In one line: of several plotly.js shows the last one or none. What a page has in its place stands in `in_page`.
    """
    layout = figure["layout"]
    place = {"x": 0, "xref": "container", "y": 1, "yref": "container", "yanchor": "top", "automargin": True}
    room = {"t": 6, "b": layout.get("margin", {}).get("t", ABOVE)}  # buttons and legends stand between it and the axes
    title = place | {"pad": room, "text": charts.escape(heading, most=MOST), "font": {"size": SIZE}}
    if not layout.get("height"):
        return figure | {"layout": layout | {"title": title}}
    high = {"height": layout["height"]}
    return figure | {"layout": layout | {"title": title, "height": layout["height"] + TITLE}, "in_page": high}


MOST, SIZE, TITLE = 105, 15, 26  # characters, and pixels
ABOVE = 28  # as the template of all figures has it


def in_page(figure: Mapping[str, Any]) -> dict[str, Any]:
    """The layout of a figure under the heading of its element."""
    layout = {key: value for key, value in figure.get("layout", {}).items() if key != "title"}
    return layout | figure.get("in_page", {})
