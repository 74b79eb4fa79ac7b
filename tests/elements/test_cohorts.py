"""Month created × months since: what was won by then, and what nobody can know yet."""

import pandas as pd

from crm_reports import elements
from crm_reports.filters import parse_period
from crm_reports.look import matrix
from crm_reports.measures.measure import value_of
from stores import at, dataset, deal, moves

# Created in January: 1 won on 20 January, 2 on 1 March 00:00, 3 lost, 4 in work. In March: 5 won on the 31st, 6 in work.
ENDS = {
    1: ("2025-01-05", "2025-01-20", "WON"), 2: ("2025-01-31", "2025-03-01", "WON"), 3: ("2025-01-10", "2025-02-10", "DEAR"),
    4: ("2025-01-15", "2025-01-16", "REQ"), 5: ("2025-03-02", "2025-03-31", "WON"), 6: ("2025-03-03", "2025-03-04", "REQ"),
}  # fmt: skip
OUTCOMES = {"WON": "won", "DEAR": "lost", "REQ": "open"}


def grid(folder, **filters):
    deals = [deal(id, made, stage_id=end, outcome=OUTCOMES[end]) for id, (made, _when, end) in ENDS.items()]
    history = [row for id, (made, when, end) in ENDS.items() for row in moves(id, (made, "NEW"), (when, end))]
    return dataset(folder, deals=deals, stage_history=history, **filters)


def cells(table, period):
    rows = table[table["period"] == period].dropna(subset="won_by_then")
    return [(int(row.months_since), int(row.won_by_then_k), int(row.won_by_then_n)) for row in rows.itertuples()]


def test_a_month_s_deals_are_won_by_its_end_by_the_next_one_s_and_so_on(tmp_path):
    table = elements.cohorts(grid(tmp_path)).table
    # The win of midnight, 1 March, is not of February.
    assert cells(table, "2025-01") == [(0, 1, 4), (1, 1, 4), (2, 2, 4)]
    assert cells(table, "2025-03") == [(0, 1, 2)]
    assert table.loc[table["period"] == "2025-01", "months_since"].tolist() == list(range(12))


def test_a_month_without_deals_has_no_row_and_one_whose_end_is_to_come_no_share(tmp_path):
    table = elements.cohorts(grid(tmp_path, as_of="2025-03-31 12:00")).table
    assert set(table["period"]) == {"2025-01", ""}
    assert cells(table, "2025-01") == [(0, 1, 4), (1, 1, 4)]


def test_the_total_counts_the_deals_of_the_months_whose_time_has_come(tmp_path):
    element = elements.cohorts(grid(tmp_path))
    assert cells(element.table, "") == [(0, 2, 6), (1, 1, 4), (2, 2, 4)]
    words = element.finding.replace("\N{NO-BREAK SPACE}", " ")
    assert words == "2 months after the month they came in, 2 of 4 deals were won, 50 %"


def test_the_last_share_of_a_month_that_is_over_is_its_cohort_conversion(tmp_path):
    ds = grid(tmp_path)
    k, n = cells(elements.cohorts(ds).table, "2025-01")[-1][1:]
    whole = value_of(ds, "cohort_conversion", period=parse_period("2025-01", ds.filters.today))
    assert (whole.k, whole.n) == (k, n)


def test_the_days_of_a_month_are_those_of_the_company_s_own_clock(tmp_path):
    late = deal(1, None, created_at=at("2025-01-31 22:00"), stage_id="WON", outcome="won")
    ds = dataset(
        tmp_path, deals=[late], stage_history=moves(1, ("2025-01-31 22:00", "NEW"), ("2025-02-28 22:00", "WON"))
    )
    moscow = ds.settings.model_copy(update={"time_zone": "Europe/Moscow"})
    from crm_reports.measures.load import load

    table = elements.cohorts(load(period="2025-03", as_of="2025-04-01", settings=moscow)).table
    assert cells(table, "2025-02") == [(0, 0, 1), (1, 1, 1)]


def test_the_grid_is_the_darker_the_more_says_k_of_n_when_asked_and_is_empty_where_time_has_not_come(tmp_path):
    element = elements.cohorts(grid(tmp_path))
    html = matrix.matrix(element.table, **element.entry.matrix)
    assert 'title="2 of 4"' in html.replace("\N{NO-BREAK SPACE}", " ")
    assert "<td></td>" in html
    many = element.table.assign(won_by_then_n=100)
    html = matrix.matrix(many[~many["is_total"]], **element.entry.matrix)
    assert "--much:34%" in html  # the largest share of all
    assert "--much:17%" in html  # half of it


def test_without_dates_it_says_what_is_not_there(tmp_path):
    element = elements.cohorts(dataset(tmp_path, deals=[deal(1, None)]))
    assert element.missing == "The source does not say when deals were created."
    assert isinstance(element.table, pd.DataFrame)
