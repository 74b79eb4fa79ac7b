"""Laws that hold for any history: of two pipelines, deals that jump, step back, come back and change pipeline, leads, calls."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from crm_reports import elements
from crm_reports.filters import Period
from crm_reports.measures.activity_index import index_sensitivity
from crm_reports.measures.lists import CHANCE
from crm_reports.measures.load import load
from crm_reports.measures.measure import measure, value_of
from crm_reports.measures.over_time import over_time
from crm_reports.measures.scope import EVER
from crm_reports.metrics.registry import METRICS
from crm_reports.metrics.rows import Ratio
from march import act
from shop import SECOND, SERVICE
from stores import STAGES, at, deal, lead, make_store, seen

FEW = settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
FEWER = settings(FEW, max_examples=2)  # two whole reports an example
BEGIN, AS_OF = at("2025-01-01"), at("2025-04-01")
HOMES = {stage["stage_id"]: (stage["pipeline_id"], stage["outcome"]) for stage in [*STAGES, *SECOND]}
STEPS = st.tuples(
    st.floats(0, 40),
    st.sampled_from(["NEW", "REQ", "INV", "WON", "DEAR", "GONE", "C7:TALK", "C7:SIGN", "C7:WON", "C7:PART"]),
)
PEOPLE = st.sampled_from(["1", "2", "9", None])
SOURCES = st.sampled_from(["WEB", "CALL", None])
MONEY = st.sampled_from([0.0, 100.0, 2500.0, None])
PLANS = st.integers(40, 140).map(lambda day: BEGIN + timedelta(days=day))
CURRENCIES = st.sampled_from(["RUB", "USD", "XXX", None])

FLOWS = [
    "created", "created_money", "won", "won_money", "lost", "lost_money", "new_customers", "repeat_customers", "zero_money_wins",
]  # fmt: skip
STOCKS = [
    "in_work",
    "in_work_money",
    "forgotten",
    "forgotten_money",
    "no_next_step",
    "next_step_overdue",
    "money_at_risk",
    "pushes",
    "pushed_days",
]
ACTS = ["calls", "emails", "stage_moves", "actions"]
LEADS = ["leads_received", "leads_converted", "leads_lost"]
OPEN_LEADS = ["leads_in_work", "leads_forgotten"]
FUNNEL = ["reached", "cohort_reached", "visited_next", "lost_on_the_way", "on_the_way"]
TIMES = ["finished_visits", "running_visits"]
# Of a plan no cases stand behind a share, nor of a discount, which is a share of money.
RATES = [
    name
    for name, entry in METRICS.items()
    if entry.unit == "share" and not entry.is_part and entry.on not in ("plans", "cover", "product_rows")
]


# ── Any history ──────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def histories(draw):
    """A handful of deals, leads and calls of a few months, also beyond the report's instant."""
    deals, history, versions = [], [], []
    for id in range(1, draw(st.integers(3, 12)) + 1):
        made = BEGIN + timedelta(days=draw(st.floats(0, 110)))
        path = [(made, draw(st.sampled_from(["NEW", "NEW", "NEW", "C7:TALK", "REQ"])))]
        for days, stage in draw(st.lists(STEPS, max_size=5)):
            path.append((path[-1][0] + timedelta(days=days), stage))
        deals.append(draw(_deals(id)) | {"created_at": made} | _standing(path[-1][1]))
        history += [_entry(id, when, stage) for when, stage in path]
        versions += draw(_versions(deals[-1]))
    # A source without any amount or customer lacks money or customers, which are missing and not 0.
    deals[0] |= {"amount": 100.0, "company_id": "5"}
    for place, row in enumerate(history, 1):
        row["history_id"] = place
    return SERVICE | {
        "deals": deals, "deals_versions": versions, "stage_history": history, "activities": draw(_activities(len(deals))), "leads": draw(_leads()),
    }  # fmt: skip


@st.composite
def _deals(draw, id):
    customer = draw(st.sampled_from(["5", "6", None]))
    return deal(
        id, None, manager_id=draw(PEOPLE), source_id=draw(SOURCES), company_id=customer,
        contact_id=draw(st.sampled_from(["8", None])), amount=draw(MONEY), currency=draw(CURRENCIES), closed_at=draw(PLANS),
    )  # fmt: skip


@st.composite
def _versions(draw, row):
    """The same deal with other planned dates, as earlier syncs saw it."""
    days = sorted(draw(st.sets(st.integers(1, 80), max_size=3)))
    return [seen(row, f"{BEGIN + timedelta(days=day):%Y-%m-%d}", closed_at=draw(PLANS), outcome="open") for day in days]


def _standing(stage):
    pipeline, outcome = HOMES[stage]
    return {"stage_id": stage, "pipeline_id": pipeline, "outcome": outcome}


def _entry(id, when, stage):
    return {"deal_id": str(id), "at": when} | _standing(stage)


@st.composite
def _activities(draw, deals):
    picked = st.tuples(
        st.sampled_from(["call", "email", "meeting"]),
        st.sampled_from(["1", "2", "9"]),
        st.integers(0, 110),
        st.booleans(),
    )
    return [
        act(f"a{number}", kind, manager, "2025-01-01", on=str(draw(st.integers(0, deals))), at=BEGIN + timedelta(days=day),
            created_at=BEGIN, owner_type="deal" if on_deal else "lead", deadline_at=BEGIN + timedelta(days=day))
        for number, (kind, manager, day, on_deal) in enumerate(draw(st.lists(picked, max_size=8)))
    ]  # fmt: skip


@st.composite
def _leads(draw):
    rows = []
    for id in range(draw(st.integers(1, 5))):
        made, outcome = draw(st.floats(0, 100)), draw(st.sampled_from(["open", "won", "lost"]))
        closed = None if outcome == "open" else BEGIN + timedelta(days=made + draw(st.floats(0, 30)))
        fields = {"manager_id": draw(PEOPLE), "source_id": draw(SOURCES), "outcome": outcome, "closed_at": closed}
        rows.append(lead(id, "2025-01-01", **fields) | {"created_at": BEGIN + timedelta(days=made)})
    return rows


def opened(folder, tables, *, zone="UTC", currency="", period="2025-02..2025-03", as_of="2025-04-01", **filters):
    """The report on a store with a copy of the rows."""
    held = make_store(Path(folder), **{name: [dict(row) for row in rows] for name, rows in tables.items()})
    held = held.model_copy(update={"time_zone": zone, "base_currency": currency})
    return load(period=period, as_of=as_of, settings=held, **filters)


def whole(ds, names, **about):
    """The metrics over the whole slice, as plain numbers."""
    return {
        name: float(value.k if isinstance(value := value_of(ds, name, **about), Ratio) else value) for name in names
    }


def everything(ds):
    """Every number that a report may show, by manager and by stage, over time, and the lists."""
    by_manager = [
        name for name, entry in METRICS.items() if entry.on not in ("steps", "cohort_steps", "visits", "stays")
    ]
    by_stage = [name for name, entry in METRICS.items() if entry.on in ("steps", "cohort_steps", "visits", "stays")]
    return [
        measure(ds, by_manager, by="manager", total=True), measure(ds, by_stage, by=["stage", "manager"], total=True),
        over_time(ds, [*FLOWS, "in_work", *LEADS]), measure(ds, ["lead_conversion"], by="source"),
        elements.deals(ds).table, elements.forgotten_deals(ds).table, ds.work.outcomes, index_sensitivity(ds),
    ]  # fmt: skip


def assert_same(one_report, other):
    for table, same in zip(one_report, other, strict=True):
        assert_frame_equal(table, same, check_dtype=False)


# ── Parts and wholes ─────────────────────────────────────────────────────────────────────────────────────────────────


@FEW
@given(histories())
def test_parts_sum_to_the_whole_by_every_dimension(tables):
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables)
        cuttable = {
            "manager": [*FLOWS, *STOCKS, *ACTS, *LEADS, *OPEN_LEADS, *FUNNEL, *TIMES],
            "department": [*FLOWS, *STOCKS, *ACTS, *LEADS, *OPEN_LEADS, *FUNNEL, *TIMES],
            "source": [*FLOWS, *STOCKS, *ACTS, *LEADS, *OPEN_LEADS, *FUNNEL, *TIMES],
            "pipeline": [*FLOWS, *STOCKS, *ACTS, *FUNNEL, *TIMES],
            "stage": [*FLOWS, *STOCKS, *ACTS, *FUNNEL, *TIMES],
            "customer_kind": [*FLOWS, *STOCKS, *FUNNEL, *TIMES],
        }  # fmt: skip
        for by, names in cuttable.items():
            table = measure(ds, names, by=by, total=True)
            expected = pytest.approx(whole(ds, names))
            assert table.loc[~table["is_total"], names].sum().to_dict() == expected
            assert table.loc[table["is_total"], names].iloc[0].to_dict() == expected


@FEW
@given(histories(), st.integers(1, 58))
def test_parts_sum_to_the_whole_by_any_cut_of_the_period(tables, days):
    flows = [*FLOWS, *ACTS, *LEADS, *FUNNEL, *TIMES]
    first, last = date(2025, 2, 1), date(2025, 4, 1)
    between = first + timedelta(days=days)
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables)
        before, after = (whole(ds, flows, period=each) for each in (Period(first, between), Period(between, last)))
        expected = pytest.approx(whole(ds, flows))
        assert {name: before[name] + after[name] for name in flows} == expected
        for _size, cuts in over_time(ds, flows).groupby("size"):
            assert cuts[flows].sum().to_dict() == expected
        assert measure(ds, flows, by=["manager", "month"])[flows].sum().to_dict() == expected


@FEW
@given(histories())
def test_the_stock_at_the_end_of_the_last_cut_is_the_one_of_the_report(tables):
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables)
        names = ["in_work", "in_work_money"]
        last = over_time(ds, names).groupby("size")[names].last()
        assert all(last.loc[size].to_dict() == pytest.approx(whole(ds, names)) for size in last.index)


@FEW
@given(histories())
def test_what_is_in_work_is_what_was_before_and_came_less_what_went(tables):
    # Deals in work = those created − those that stand closed, all since ever.
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables, period="all")
        found = whole(ds, ["created", "won", "lost", "in_work"])
        assert found["in_work"] == found["created"] - found["won"] - found["lost"]


@FEW
@given(histories(), st.randoms(use_true_random=False))
def test_whatever_its_history_says_a_deal_stands_where_it_says_itself(tables, chance):
    for row in tables["deals"]:
        row |= _standing(chance.choice(sorted(HOMES)))
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables, as_of="2030-01-02")  # after the sync
        held = ds.deals.set_index("deal_id")[["stage_id", "pipeline_id", "outcome"]]
        expected = pd.DataFrame(tables["deals"]).set_index("deal_id")[["stage_id", "pipeline_id", "outcome"]]
        assert_frame_equal(held.sort_index(), expected.sort_index(), check_dtype=False)


# ── Rates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@FEW
@given(histories())
def test_k_never_passes_n_but_for_the_conversion_of_a_period(tables):
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables)
        for name in RATES:
            table = measure(ds, [name], by="manager", total=True)
            k, n, low, high = (table[f"{name}{end}"] for end in ("_k", "_n", "_low", "_high"))
            share, sure = table[name], table[f"{name}_low"].notna()
            assert (k <= n).all() or name == "conversion"
            assert (share.isna() == (n == 0)).all()
            assert (low[sure] <= share[sure] + 1e-12).all()
            assert (share[sure] <= high[sure] + 1e-12).all()


@FEW
@given(histories())
def test_a_cohort_is_won_lost_or_open(tables):
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables)
        parts = whole(ds, ["cohort_conversion", "cohort_lost", "cohort_open"])
        assert sum(parts.values()) == value_of(ds, "created")


@FEW
@given(histories())
def test_the_funnel_of_a_cohort_never_grows_and_nobody_is_unaccounted_for(tables):
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables)
        table = measure(ds, ["cohort_reached"], by="stage").set_index("stage_id")["cohort_reached"]
        steps = pd.DataFrame(ds.names.ladder.values()).set_index("stage_id")
        ladder = steps.assign(cohort=table.reindex(steps.index).fillna(0)).sort_values(["pipeline_id", "step"])
        most = ladder.groupby(["pipeline_id", "step"])["cohort"].max()  # of alternatives the one with most
        assert (most.groupby("pipeline_id").diff().dropna() <= 0).all()
        steps = measure(ds, ["stage_conversion", "visited_next", "lost_on_the_way", "on_the_way"], by="stage")
        rest = steps["stage_conversion_k"] + steps["lost_on_the_way"] + steps["on_the_way"]
        assert (rest == steps["stage_conversion_n"]).all()
        assert (steps["visited_next"] <= steps["stage_conversion_k"]).all()


@FEW
@given(histories())
def test_within_a_cohort_no_more_deals_visited_a_stage_than_reached_it(tables):
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables)
        steps = ds.slice.steps("reached_at", EVER).to_pandas()
        mine = steps[steps["created_at"] >= ds.filters.start_at]
        seen = mine[mine["visited_at"].notna()]
        assert (seen["visited_at"] >= seen["reached_at"]).all()
        counts = mine.groupby("stage_id")[["visited_at", "reached_at"]].count()
        assert (counts["visited_at"] <= counts["reached_at"]).all()


@FEW
@given(histories())
def test_half_of_all_visits_takes_no_less_than_half_of_the_finished_ones(tables):
    with TemporaryDirectory() as folder:
        stays = measure(opened(folder, tables), ["median_stage_days", "finished_visits", "running_visits"], by="stage")
        assert (stays["median_stage_days_n"] == stays["finished_visits"] + stays["running_visits"]).all()
        assert stays.loc[stays["finished_visits"] < stays["running_visits"], "median_stage_days"].isna().all()


# ── Filters ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@FEW
@given(
    histories(),
    st.sampled_from([
        ("manager", "Boris", "2"), ("source", "Website", "WEB"), ("department", "Kazan", "11"), ("pipeline", "Sales", "0"),
    ]),
)  # fmt: skip
def test_a_filter_never_changes_a_row_that_it_keeps(tables, chosen):
    by, typed, id = chosen
    of_people = by in ("manager", "department")
    metrics = [
        *FLOWS, *STOCKS, "average_check", "cohort_conversion", "win_rate", "repeat_share", "days_silent", *FUNNEL, *TIMES,
        "median_stage_days", *([*ACTS, "activity_index", "activity_points"] if of_people else []),
        *(LEADS if by != "pipeline" else []),
    ]  # fmt: skip
    with TemporaryDirectory() as one_folder, TemporaryDirectory() as other:
        both = [
            measure(opened(folder, tables, **filters), metrics, by=by)
            .query(f"{by}_id == '{id}'")
            .reset_index(drop=True)
            for folder, filters in ((one_folder, {}), (other, {by: typed}))
        ]
        differing = [name for name in both[0] if name.endswith("_differs")]  # from others, who are not there
        few = [
            name for name in both[1] if name == "activity_index" and both[1][name].isna().all()
        ]  # three people at most
        assert_frame_equal(*(each.drop(columns=[*differing, *few]) for each in both), check_dtype=False)


@FEW
@given(histories())
def test_a_list_under_a_filter_is_the_part_of_the_whole_list(tables):
    with TemporaryDirectory() as one_folder, TemporaryDirectory() as other:
        all_of_it, mine = opened(one_folder, tables), opened(other, tables, manager="Anna")
        for listed in (elements.deals, elements.forgotten_deals):
            part = listed(all_of_it).table.query("manager_id == '1'")
            told = [name for name in CHANCE if name in part]  # on a page of hers, of her own past deals
            part, own = (
                each.drop(columns=told).sort_values("deal_id", ignore_index=True) for each in (part, listed(mine).table)
            )
            assert_frame_equal(part, own, check_dtype=False)


# ── Currency and time zone ───────────────────────────────────────────────────────────────────────────────────────────


@FEW
@given(histories())
def test_another_base_currency_moves_money_by_its_rate_and_nothing_else(tables):
    for row in tables["deals"]:
        row["currency"] = row["currency"] or "RUB"  # a deal without a currency is in the base one, whichever that is
    names = [name for name, entry in METRICS.items() if entry.on not in ("steps", "visits", "stays")]
    with TemporaryDirectory() as one_folder, TemporaryDirectory() as other:
        roubles, dollars = (
            measure(
                opened(folder, tables, currency=base),
                names,
                by="manager",
            )
            for folder, base in ((one_folder, "RUB"), (other, "USD"))
        )
        money = [name for name in roubles if name in METRICS and METRICS[name].unit == "money"]
        assert_frame_equal(roubles.drop(columns=money), dollars.drop(columns=money))
        assert_frame_equal(roubles[money], dollars[money] * 90, check_dtype=False)


@FEW
@given(histories(), st.sampled_from(["Asia/Vladivostok", "America/Los_Angeles", "Europe/Berlin"]))
def test_another_time_zone_moves_what_lies_on_the_edge_of_a_day_and_nothing_else(tables, zone):
    instant = "2025-04-01T00:00:00+00:00"
    with TemporaryDirectory() as one_folder, TemporaryDirectory() as other:
        here = opened(one_folder, tables, as_of=instant)
        there = opened(other, tables, as_of=instant, zone=zone)
        for name in (*STOCKS, *OPEN_LEADS, "days_silent", "days_in_current_stage"):
            assert_frame_equal(*(measure(ds, [name], by="manager") for ds in (here, there)))
        assert_frame_equal(*(ds.deals.sort_values("deal_id", ignore_index=True) for ds in (here, there)))
        ever = [whole(ds, [*FLOWS, *LEADS], period=Period(date(2024, 12, 1), date(2025, 5, 1))) for ds in (here, there)]
        assert ever[0] == pytest.approx(ever[1])


# ── Order and time ───────────────────────────────────────────────────────────────────────────────────────────────────


@FEWER
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(tables, chance):
    mixed = {name: chance.sample(rows, len(rows)) for name, rows in tables.items()}
    with TemporaryDirectory() as one_folder, TemporaryDirectory() as other:
        assert_same(everything(opened(one_folder, tables)), everything(opened(other, mixed)))


def that_night(tables):
    """What the CRM held at the report's instant: later rows are not there, and everything stands where it stood."""
    history = [row for row in tables["stage_history"] if row["at"] < AS_OF]
    last = {row["deal_id"]: row for row in history}  # in the order of their instants, deal by deal
    deals = [
        row | {name: last[row["deal_id"]][name] for name in ("stage_id", "pipeline_id", "outcome")}
        for row in tables["deals"] if row["deal_id"] in last
    ]  # fmt: skip
    leads = [
        row if row["closed_at"] is None or row["closed_at"] < AS_OF else row | {"outcome": "open", "closed_at": None}
        for row in tables["leads"] if row["created_at"] < AS_OF
    ]  # fmt: skip
    acts = [
        row if row["at"] < AS_OF else row | {"is_done": False, "is_action": False, "at": None}
        for row in tables["activities"]
    ]
    return tables | {"deals": deals, "stage_history": history, "leads": leads, "activities": acts}


@FEWER
@given(histories())
def test_a_night_that_is_run_again_later_gives_what_it_gave(tables):
    then = that_night(tables)
    if not then["deals"]:
        return
    with TemporaryDirectory() as one_folder, TemporaryDirectory() as other:
        assert_same(everything(opened(one_folder, then)), everything(opened(other, tables)))


SEEN_AT = at("2025-04-01 01:00")  # the sync of the night that reported AS_OF
EDITS = {
    "manager_id": "2", "source_id": "CALL", "company_id": "6", "contact_id": None, "amount": 7777.0, "currency": "USD",
    "title": "edited", "loss_reason": "edited", "closed_at": at("2025-05-05"),
}  # fmt: skip


def edited_since(then, tables, chance):
    """The store moved on: rows that were edited after the night are kept beside as that night's sync saw them."""
    moved_on = {name: [dict(row) for row in tables[name]] for name in ("deals", "leads", "activities")}
    versions = {}
    for name, key in (("deals", "deal_id"), ("leads", "lead_id"), ("activities", "activity_id")):
        for row in moved_on[name]:
            known = {field: value for field, value in EDITS.items() if field in row}
            row |= {field: value for field, value in known.items() if chance.random() < 0.6}
        now = {row[key]: row for row in moved_on[name]}
        versions[f"{name}_versions"] = tables.get(f"{name}_versions", []) + [
            row | {"last_seen_at": SEEN_AT} for row in then[name] if row != now[row[key]]
        ]  # fmt: skip
    rates = [{"currency": "RUB", "rate": 1.0, "is_base": True}, {"currency": "USD", "rate": 70.0, "is_base": False}]
    old = [{"currency": "USD", "rate": 90.0, "is_base": False, "last_seen_at": SEEN_AT}]
    return tables | moved_on | versions | {"currencies": rates, "currencies_versions": old}


@FEWER
@given(histories(), st.randoms(use_true_random=False))
def test_a_night_that_is_run_again_after_edits_gives_what_it_gave(tables, chance):
    then = that_night(tables)
    if not then["deals"]:
        return
    with TemporaryDirectory() as one_folder, TemporaryDirectory() as other:
        later = edited_since(then, tables, chance)
        assert_same(everything(opened(one_folder, then)), everything(opened(other, later)))
