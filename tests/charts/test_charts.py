from datetime import date
from itertools import combinations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest

from crm_reports import charts, metrics  # noqa: F401  (importing metrics registers them)
from crm_reports.charts import palette
from crm_reports.errors import MetricError
from crm_reports.words import units

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def _roubles():
    units.use(currency="RUB")
    charts.use_managers(["3", "20", "100"])
    yield
    units.use()
    charts.use_managers([])


@pytest.fixture(autouse=True)
def _looked_up(monkeypatch):
    """Charts skip plotly's own check of every property; here it is made."""
    made = go.Figure.__init__
    monkeypatch.setattr(go.Figure, "__init__", lambda self, *given, _validate, **named: made(self, *given, **named))


@pytest.mark.parametrize(
    ("draw", "column"),
    [
        (lambda table: charts.bars(table, x="manager", y="losst"), "losst"),
        (lambda table: charts.bars(table, x="manger", y="won"), "manger"),
        (lambda table: charts.scatter(table, x="won", y="losst"), "losst"),
        (lambda table: charts.lines(table, y="losst"), "losst"),
        (lambda table: charts.small_multiples(table, by="manager", y="losst"), "losst"),
        (lambda table: charts.dynamics(table, metrics=["losst"]), "size"),
        (lambda table: charts.funnel(table), "pipeline"),
        (lambda table: charts.silence(table), "deals"),
    ],
)
def test_a_column_that_the_table_has_not_is_a_sentence_with_those_that_it_has(draw, column):
    table = pd.DataFrame({"manager": ["Anna"], "manager_id": ["1"], "won": [3], "lost": [1]})
    with pytest.raises(
        MetricError, match=rf"^the table for crm\.\w+ has no column '{column}'; near: .*(won|lost|manager)"
    ):
        draw(table)


def periods(size, count, **more):
    return [
        {"size": size, "period": str(n), "start": date(2024, 1, 1) if size == "year" else date(2024, 1 + n, 1),
         "is_running": n == count - 1, "won_money": 1e6 * (n + 1), "won": n, "conversion": 0.5, "conversion_k": 1,
         "conversion_n": 2, "won_money_previous": 5e5, "won_money_change": 1.0} | more
        for n in range(count)
    ]  # fmt: skip


DYNAMICS = pd.DataFrame([*periods("month", 4), *periods("year", 1)])


def all_texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from all_texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from all_texts(each)


def test_importing_the_charts_keeps_figures_as_json_in_notebooks():
    assert pio.renderers.default == "plotly_mimetype"
    assert pio.templates.default == "crm"


def test_a_manager_keeps_one_colour_when_others_are_filtered_out_or_join():
    before = charts.colour_of("20")
    charts.use_managers(["3", "20", "100", "101"])
    assert charts.colour_of("20") == before
    assert len({charts.colour_of(each) for each in ("3", "20", "100", "101")}) == 4


def test_managers_who_share_a_hue_differ_in_their_marker():
    charts.use_managers(str(n) for n in range(100, 120))
    looks = [(charts.colour_of(str(n)), charts.symbol_of(str(n))) for n in range(100, 120)]
    assert len(set(looks)) == 20


def _as_seen(colour):
    """Where the colour stands in OKLab, in which distances are those that eyes see."""
    sent = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in sent]
    cones = np.cbrt(np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]) @ light)
    return np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]) @ cones


def _apart(one, other):
    """How far two hues of the palette are apart where they are nearest, in light or in dark."""
    return min(np.linalg.norm(_as_seen(a) - _as_seen(b)) for a, b in zip(one, other, strict=True))


def test_two_or_three_people_picked_never_look_alike_in_light_or_dark():
    everybody = [str(n) for n in range(100, 112)]  # 100 and 110 share a hue, 100 and 105 look alike in dark
    for picked in combinations(everybody, 3):
        charts.use_managers(everybody, picked)
        hues = [charts.PALETTE[palette.hue_of(id)] for id in picked]
        assert min(_apart(*pair) for pair in combinations(hues, 2)) > 0.1, picked


def test_people_picked_keep_their_own_colours_where_these_contrast():
    everybody = [str(n) for n in range(100, 112)]
    charts.use_managers(everybody)
    own = [charts.colour_of(id) for id in ("101", "102", "103")]
    charts.use_managers(everybody, ["101", "102", "103"])
    assert [charts.colour_of(id) for id in ("101", "102", "103")] == own
    charts.use_managers(everybody)
    assert charts.colour_of("105") == charts.PALETTE[5][0]  # nobody is picked now


def test_a_stranger_has_a_colour_that_never_changes():
    assert charts.colour_of("nobody") == charts.colour_of("nobody") in charts.dark_twins()


def test_light_and_dark_lead_to_each_other():
    twins = charts.dark_twins()
    assert len(set(twins.values())) == len(twins) == len(charts.THEME) + len(charts.PALETTE)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("role", ["ink", "dim", "accent", "good", "bad"])
def test_text_stands_out_from_its_ground(role, which):
    def light(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for ground in ("bg", "card"):
        one, other = sorted((light(charts.THEME[role][which]), light(charts.THEME[ground][which])))
        assert (other + 0.05) / (one + 0.05) >= 4.5


def test_dynamics_shows_months_first_and_keeps_every_size_one_click_away():
    figure = charts.dynamics(DYNAMICS, before="a year before")
    assert [(trace.type, trace.meta, trace.visible) for trace in figure.data[:4]] == [
        ("bar", "month", True), ("scatter", "month", True), ("bar", "year", False), ("scatter", "year", False),
    ]  # fmt: skip
    assert figure.data[-1].name == "a year before"
    assert list(figure.data[0].y) == [1, 2, 3, 4]  # in M ₽
    assert figure.layout.annotations[0].text.replace(units.SPACE, " ") == "Won money, M ₽"


def test_dynamics_shows_the_report_s_period_in_full_colour_and_what_came_before_paler():
    table = DYNAMICS.assign(is_in_period=[False, False, True, True] + [True] * (len(DYNAMICS) - 4))
    month = charts.dynamics(table).data[0]
    assert list(month.marker.opacity) == [0.3, 0.3, 1, 0.5]


def test_dynamics_marks_the_period_that_runs():
    figure = charts.dynamics(DYNAMICS)
    assert list(figure.data[0].marker.opacity) == [1, 1, 1, 0.5]
    assert figure.layout.xaxis.ticktext[-1] == "Apr*"
    assert "still running" in figure.data[0].hovertext[-1]


def test_of_whom_and_when_a_point_is_stands_once_for_all_metrics_of_a_chart():
    days = pd.to_datetime(["2025-01-01", "2025-02-01"]).date
    rows = {"manager": ["Anna"] * 2, "manager_id": ["3"] * 2, "start": days, "size": ["month"] * 2}
    figure = charts.compared(pd.DataFrame(rows | {"won": [1, 2], "lost": [3, 4]}), metrics=["won", "lost"])
    assert list(figure.data[0].hovertext) == ["<b>Anna</b> · Jan 2025", "<b>Anna</b> · Feb 2025"]
    assert list(figure.data[0].customdata) == ["Won: <b>1</b>", "Won: <b>2</b>"]
    lost = figure.layout.updatemenus[0].buttons[1].args[0]
    assert lost["customdata"][0] == ["Lost: <b>3</b>", "Lost: <b>4</b>"]
    assert figure.data[0].hovertemplate.startswith("%{hovertext}<br>%{customdata}")


def test_any_size_goes_with_any_metric():
    sizes, measures = charts.dynamics(DYNAMICS).layout.updatemenus
    assert [button.label for button in sizes.buttons] == ["month", "year"]
    assert [button.label for button in measures.buttons] == ["Won money", "Won", "Conversion"]
    data, _layout, traces = measures.buttons[2].args
    assert data["y"][0] == [50, 50, 50, 50]  # per cent
    assert list(traces) == [0, 1, 2, 3]
    assert list(sizes.buttons[1].args[0]["visible"]) == [False, False, True, True]


def test_the_tooltip_holds_title_value_k_of_n_and_formula():
    figure = charts.dynamics(DYNAMICS, metrics=["conversion"])
    assert "Conversion: <b>50" in figure.data[0].customdata[0]
    assert "1 of 2" in figure.data[0].customdata[0]
    assert "won in the period ÷ created in the period" in figure.data[0].hovertemplate


def test_the_funnel_names_each_step_and_marks_the_narrowest():
    rows = [
        {"pipeline": "B2B", "stage": "New", "position": 1, "cohort_reached": 359, "stage_conversion": 0.6,
         "stage_conversion_k": 214, "stage_conversion_n": 359, "is_narrowest": True},
        {"pipeline": "B2B", "stage": "Request", "position": 2, "cohort_reached": 214, "stage_conversion": None,
         "stage_conversion_k": 0, "stage_conversion_n": 0, "is_narrowest": False},
    ]  # fmt: skip
    figure = charts.funnel(pd.DataFrame(rows))
    said = [note.text for note in figure.layout.annotations]
    assert said[:2] == ["New  <b>359</b>", "Request  <b>214</b>"]
    assert "214 of 359" in said[2]
    assert "▼" in said[2]
    assert list(figure.data[1].x) == [359, 214]


def test_two_pipelines_stand_under_their_names():
    rows = [{"pipeline": name, "pipeline_id": name, "stage": "New", "position": 1, "reached": 5} for name in ("A", "B")]
    said = [note.text for note in charts.funnel(pd.DataFrame(rows)).layout.annotations]
    assert said == ["<b>A</b>", "New  <b>5</b>", "<b>B</b>", "New  <b>5</b>"]


def test_bars_leave_the_total_out_and_say_how_many_are_not_drawn():
    rows = [{"source": f"S{n}", "won": n, "is_total": False} for n in range(25)]
    figure = charts.bars(pd.DataFrame([*rows, {"source": None, "won": 300, "is_total": True}]), x="source", y="won")
    assert len(figure.data[0].x) == 20
    assert figure.layout.annotations[-1].text == "and 5 more in the table"


def test_small_multiples_share_one_scale_and_each_has_its_managers_colour():
    rows = [{"manager": name, "manager_id": id, "start": date(2024, month, 1), "period": "x", "won_money": month * 1e6,
             "won": 1} for name, id in (("A", "3"), ("B", "20")) for month in (1, 2)]  # fmt: skip
    figure = charts.small_multiples(pd.DataFrame(rows), by="manager")
    assert [trace.line.color for trace in figure.data] == [charts.colour_of("3"), charts.colour_of("20")]
    assert figure.layout.yaxis2.matches == "y"
    assert figure.layout.meta["panes"] == 2
    assert [button.label for button in figure.layout.updatemenus[0].buttons][1] == "Won"


def test_a_page_knows_of_every_bar_line_and_name_whose_it_is():
    """And of none that has no id."""
    rows = [{"manager": name, "manager_id": id, "start": date(2024, 1, 1), "won": 1, "won_money": 5.0} for name, id in
            (("A", "3"), ("B", "20"))]  # fmt: skip
    table = pd.DataFrame(rows)
    bars, dots = charts.bars(table, x="manager", y="won"), charts.scatter(table, x="won", y="won_money")
    assert list(bars.data[0].meta) == list(dots.data[0].meta) == ["3", "20"]
    for figure in (charts.small_multiples(table, by="manager", y="won"), charts.compared(table)):
        assert [trace.meta for trace in figure.data] == ["3", "20"]
    panes = charts.small_multiples(table, by="manager", y="won")
    assert [note.name for note in bars.layout.annotations] == ["3", "20"]
    assert [note.name for note in panes.layout.annotations] == ["3", None, "20", None]
    for figure in (bars, dots, panes):
        assert figure.layout.meta["cuts"] == "manager"
    nameless = charts.bars(pd.DataFrame({"customer": ["Vector"], "lost": [2]}), x="customer", y="lost")
    assert list(nameless.data[0].meta) == [""]


def test_a_bar_of_a_reason_is_known_by_its_text_and_one_of_a_stage_says_that_it_is_a_stage():
    reasons = charts.bars(pd.DataFrame({"loss_reason": ["Dear"], "lost": [2]}), x="loss_reason", y="lost")
    assert (reasons.layout.meta["cuts"], list(reasons.data[0].meta)) == ("loss_reason", ["Dear"])
    rows = [
        {"pipeline": name, "pipeline_id": name, "stage": "New", "stage_id": f"{name}:NEW", "reached": 3, "position": 0}
        for name in ("A", "B")
    ]
    funnel = charts.funnel(pd.DataFrame(rows))
    assert funnel.layout.meta["cuts"] == ""
    assert list(funnel.data[1].meta) == ["pipeline:A", "stage:A:NEW", "pipeline:B", "stage:B:NEW"]


def test_every_bar_over_time_is_typed_as_a_period():
    assert charts.dynamics(DYNAMICS).layout.meta["periods"]["month"]["asks"][0] == "2024-01"


def test_lines_end_in_the_name_of_what_they_show():
    rows = [{"manager": "A", "manager_id": "3", "start": date(2024, month, 1), "won": month} for month in (1, 2)]
    figure = charts.lines(pd.DataFrame(rows), y="won", by="manager")
    assert list(figure.data[0].text) == ["", " A"]


def test_points_are_labelled_without_covering_each_other():
    rows = [{"manager": f"Anna Kern {n}", "manager_id": str(n), "activity_index": 5, "won": 5} for n in range(30)]
    figure = charts.scatter(pd.DataFrame(rows), x="activity_index", y="won")
    labels = [text for text in figure.data[0].text if text]
    assert 0 < len(labels) <= len(charts.activity.LABEL_PLACES)
    assert len(figure.layout.shapes) == 2


@pytest.mark.parametrize(
    "draw",
    [
        lambda: charts.dynamics(DYNAMICS.iloc[:0]),
        lambda: charts.funnel(pd.DataFrame()),
        lambda: charts.bars(pd.DataFrame({"source": [], "won": []}), x="source", y="won"),
        lambda: charts.lines(pd.DataFrame({"start": [], "won": []}), y="won"),
        lambda: charts.small_multiples(pd.DataFrame({"manager": [], "won": []}), by="manager", y="won"),
        lambda: charts.scatter(pd.DataFrame({"manager": [], "won": [], "lost": []}), x="won", y="lost"),
    ],
)
def test_nothing_to_draw_says_so(draw):
    assert draw().layout.annotations[0].text == "Nothing in this period"


def test_one_row_is_enough():
    one = DYNAMICS.iloc[:1]
    assert charts.dynamics(one).data
    assert charts.scatter(pd.DataFrame([{"manager": "A", "won": 1, "lost": 0}]), x="won", y="lost").data


def test_names_from_the_crm_reach_plotly_escaped():
    names = dict.fromkeys(("manager", "source", "stage", "pipeline"), HOSTILE) | {"manager_id": "1", "period": "x"}
    named = pd.DataFrame([names | {"start": date(2024, 1, 1), "reached": 3, "won": 1.0, "lost": 2.0}])
    figures = [
        charts.bars(named, x="source", y="won"), charts.funnel(named), charts.lines(named, y="won", by="manager"),
        charts.scatter(named, x="won", y="lost"), charts.small_multiples(named, by="manager", metrics=["won", "lost"]),
    ]  # fmt: skip
    for figure in figures:
        said = "".join(all_texts(figure.to_plotly_json()))
        assert "<img" not in said
        assert "&lt;img" in said


def test_a_name_can_be_no_template_and_no_formula():
    assert "%{" not in charts.escape("%{x} $$y$$")
    assert "$" not in charts.escape("%{x} $$y$$")
    assert charts.escape("two\nlines") == "two lines"
    assert len(charts.escape("x" * 100, most=10)) == 10


def test_a_sparkline_needs_two_numbers():
    assert charts.sparkline([1, None, float("nan")]) == ""
    assert charts.sparkline([1, None, 3]).count("<path") == 2


# ── The rest of the reports' pictures ────────────────────────────────────────────────────────────────────────────────

PARTS = [
    ("opening", "Then", 3, 100.0), ("new", "New", 1, 30.0), ("moved_in", "In", 0, 0.0), ("won", "Won", -1, -50.0),
    ("closing", "Now", 3, 80.0),
]  # fmt: skip
CHANGES = pd.DataFrame([
    {"since": since, "since_name": HOSTILE, "part": part, "part_name": name, "deals": deals, "money": money}
    for since in ("day", "week") for part, name, deals, money in PARTS
])  # fmt: skip


def test_each_step_of_the_waterfall_begins_where_the_one_before_ended():
    figure = charts.waterfall(CHANGES)
    bar = figure.data[1]
    assert bar.visible is True  # a week at first
    assert list(bar.base) == [100, 100, 130, 80]  # what did not happen is left out
    assert list(bar.x)[1:3] == [30, -50]
    low, high = figure.layout.xaxis.range
    assert low < 80 < 130 < high


def test_the_waterfall_tells_its_signs_without_colours_and_escapes_its_words():
    figure = charts.waterfall(CHANGES)
    said = " ".join(note.text for note in figure.layout.annotations).replace(units.SPACE, " ")
    assert "New  <b>+30 ₽</b>" in said
    assert "Won  <b>−50 ₽</b>" in said
    labels = [button.label for button in figure.layout.updatemenus[0].buttons]
    assert len(labels) == 2
    assert not any("<img" in text for text in all_texts(figure.to_dict()))


def test_silence_has_its_threshold_between_the_two_shades():
    rows = [(0, "0–6", 5, False), (7, "7–13", 3, False), (14, "14 and more", 9, True)]
    table = pd.DataFrame(rows, columns=["from_days", "silent", "deals", "is_forgotten"]).assign(money=1.0)
    figure = charts.silence(table)
    assert list(figure.data[0].y) == [5, 3, 9]
    assert figure.layout.shapes[0].x0 == 1.5
    assert len(set(figure.data[0].marker.color)) == 2
    assert "14" in figure.layout.annotations[0].text


def test_the_nights_say_their_first_and_last_number():
    table = pd.DataFrame({"start": [date(2025, 3, day) for day in (1, 8, 15)], "forgotten": [4, 6, 5], "in_work": 9})
    assert list(charts.nights(table).data[0].text) == ["4", "", "5"]
    assert not charts.nights(table[:1]).data


def test_the_week_has_seven_days_and_the_hours_between_the_first_and_the_last_action():
    table = pd.DataFrame([{"weekday": 0, "hour": 9, "actions": 2}, {"weekday": 4, "hour": 11, "actions": 5}])
    heat = charts.week(table).data[0]
    assert list(heat.x) == [9, 10, 11]
    assert [list(row) for row in heat.z] == [[2, 0, 0], *[[0, 0, 0]] * 3, [0, 0, 5], *[[0, 0, 0]] * 2]


def test_those_picked_to_compare_begin_with_the_three_largest_and_keep_their_looks():
    rows = [
        {"manager": f"M{n}", "manager_id": str(n), "start": date(2025, month, 1), "won_money": n * 10.0, "won": n}
        for n in range(5) for month in (1, 2)
    ]  # fmt: skip
    charts.use_managers(str(n) for n in range(5))
    figure = charts.compared(pd.DataFrame(rows))
    assert [trace.name for trace in figure.data if trace.visible is True] == ["M4", "M3", "M2"]
    assert {trace.meta: trace.line.color for trace in figure.data} == {str(n): charts.colour_of(n) for n in range(5)}
    assert [button.label for button in figure.layout.updatemenus[0].buttons] == ["Won money", "Won"]


@pytest.mark.parametrize("draw", [charts.waterfall, charts.silence, charts.nights, charts.week, charts.compared])
def test_nothing_to_draw_is_a_sentence(draw):
    columns = ["since", "deals", "start", "manager", "manager_id", "won", "is_forgotten", "hour", "weekday"]
    figure = draw(pd.DataFrame(columns=columns))
    assert not figure.data
    assert figure.layout.annotations[0].text


def test_one_manager_s_point_has_the_team_s_medians_as_its_cross_lines():
    rows = [
        {"manager": "A", "manager_id": "3", "activity_index": 8.0, "won": 9, "is_total": False},
        {"manager": "Team median", "manager_id": "", "activity_index": 5.0, "won": 4, "is_total": True},
    ]
    figure = charts.scatter(pd.DataFrame(rows), x="activity_index", y="won")
    assert len(figure.data[0].x) == 1
    assert [(line.x0, line.y0) for line in figure.layout.shapes] == [(5, 0), (0, 4)]
