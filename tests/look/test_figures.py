"""What a page's figures share is written once."""

import re

from crm_reports.look import lists
from crm_reports.look.figures import Figures

MONTHS = [f"{month} 2025, a month" for month in ("Jan", "Feb", "Mar", "Apr")]
BUTTON = {"label": "Won", "args": [{"customdata": [MONTHS, []]}, {}, [0]]}
OVER_TIME = {"data": [{"type": "bar", "x": [1, 2], "customdata": MONTHS}], "layout": {"updatemenus": [BUTTON]}}
COMPARED = {"data": [{"type": "scatter", "customdata": MONTHS}], "layout": {"title": {"text": "Who?"}}}


def unpacked(script):
    return lists.unpacked(re.search(r">(.*)</script>", script)[1])


def whole(value, shared):
    """As the page's script has it."""
    if isinstance(value, list):
        return [whole(item, shared) for item in value]
    if not isinstance(value, dict):
        return value
    return shared[value["@"]] if "@" in value else {key: whole(item, shared) for key, item in value.items()}


def test_what_several_charts_have_is_said_once_and_each_is_whole_again():
    figures = Figures([OVER_TIME, COMPARED])
    scripts = [figures.script(figure, heading=True) for figure in (OVER_TIME, COMPARED)]
    shared = unpacked(figures.shared())
    assert shared == [MONTHS]
    assert not any("Jan" in script for script in scripts)
    assert [whole(unpacked(script), shared) for script in scripts] == [OVER_TIME, COMPARED]


def test_what_only_looks_equal_is_not_shared():
    flags, numbers = [True, False] * 20, [1, 0] * 20
    figures = Figures([{"data": [{"visible": flags, "y": numbers}]}, {"data": [{"y": numbers}]}])
    figure = unpacked(figures.script({"data": [{"visible": flags, "y": numbers}]}, heading=True))
    assert figure["data"][0] == {"visible": flags, "y": {"@": 0}}
    assert unpacked(figures.shared()) == [numbers]


def test_a_figures_own_heading_is_left_out_where_the_element_says_it():
    figures = Figures([COMPARED])
    assert unpacked(figures.script(COMPARED, heading=False))["layout"] == {}
    assert unpacked(figures.script(COMPARED, heading=True))["layout"] == COMPARED["layout"]
