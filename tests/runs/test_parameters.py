import nbformat
import pytest

from crm_reports.errors import FilterError
from crm_reports.runs.parameters import declared, typed

CELL = """
period: str = "last_month"  # the period to report
manager: list = []  # empty for every manager
forgotten_after: int = 14  # days of silence
share: float = 0.5  # a share
snooze_planned: bool = False  # leave out what has a next step
thresholds: list = [7, 14]  # days
bare = "x"
"""


def of_cell(source):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return declared(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), "mine")


@pytest.fixture
def known():
    return of_cell(CELL)


@pytest.mark.parametrize("line", ["manager: str | list = []", 'word: str = "a=b"', "foo = bar = 3"])
def test_a_line_that_papermill_would_lose_is_refused_with_what_to_write(line):
    with pytest.raises(FilterError) as refused:
        of_cell(f"period: str = 'mtd'  # the period\n{line}")
    assert str(refused.value) == (
        f"the parameters cell of report 'mine' has a line that can't be read back: {line!r}; "
        "write NAME: TYPE = VALUE, with one type (str, int, float, bool, list or dict) and no second = on the line"
    )


@pytest.mark.parametrize("value", ["", "  ", ["Anna", ""]])
def test_an_empty_name_does_not_open_the_whole_company(known, value):
    values, problems = typed({"manager": value}, known, report="overview")
    assert values == {}
    assert problems == [
        f"parameter 'manager' is {value!r}, which names nobody and nothing; leave it out for all of them"
    ]


def test_the_parameters_cell_is_read_with_types_defaults_and_help(known):
    assert [(p.name, p.type, p.default) for p in known.values()] == [
        ("period", "str", "last_month"), ("manager", "list", []), ("forgotten_after", "int", 14),
        ("share", "float", 0.5), ("snooze_planned", "bool", False), ("thresholds", "list", [7, 14]),
        ("bare", "str", "x"),
    ]  # fmt: skip
    assert known["period"].help == "the period to report"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"period": "2025-Q1"}, {"period": "2025-Q1"}),
        ({"period": 2025}, {"period": "2025"}),
        ({"forgotten_after": "21"}, {"forgotten_after": 21}),
        ({"share": "0.25"}, {"share": 0.25}),
        ({"snooze_planned": "Yes"}, {"snooze_planned": True}),
        ({"snooze_planned": False}, {"snooze_planned": False}),
        ({"manager": "Anna, of Sales"}, {"manager": ["Anna, of Sales"]}),
        ({"manager": ["Anna", "7"]}, {"manager": ["Anna", "7"]}),
        ({"manager": '["Anna", 7]'}, {"manager": ["Anna", "7"]}),
        ({"manager": "[Anna"}, {"manager": ["[Anna"]}),
        ({"manager": 7}, {"manager": ["7"]}),
        ({"manager": []}, {"manager": []}),
        ({"thresholds": ["7", "30"]}, {"thresholds": [7, 30]}),
    ],
)
def test_what_is_said_becomes_the_declared_type(known, said, meant):
    assert typed(said, known, report="overview") == (meant, [])


def test_every_problem_is_told_at_once_with_near_names(known):
    said = {
        "managers": "Anna",
        "forgotten_after": "two weeks",
        "snooze_planned": "maybe",
        "share": "nan",
        "period": ["a"],
    }
    values, problems = typed(said, known, report="overview")
    assert values == {}
    assert problems == [
        "report 'overview' has no parameter 'managers'; near: manager",
        "parameter 'forgotten_after' is 'two weeks'; allowed: a whole number",
        "parameter 'snooze_planned' is 'maybe'; allowed: true or false",
        "parameter 'share' is 'nan'; allowed: a number",
        "parameter 'period' is ['a']; allowed: a text",
    ]


def test_a_name_that_is_code_is_only_an_unknown_name(known):
    _, problems = typed({"x=1; import os #": "v"}, known, report="overview")
    assert problems[0].startswith("report 'overview' has no parameter 'x=1; import os #'; near: ")


def test_a_notebook_without_parameters_says_so():
    _, problems = typed({"period": "mtd"}, {}, report="mine")
    assert problems == ["report 'mine' has no parameter 'period'; its notebook has no cell tagged parameters"]
