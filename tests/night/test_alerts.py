"""How each row of an alert stands, and what is said of it: a February and a March by hand."""

from datetime import UTC, date, datetime

import pytest

from alerts import TABLES, company, with_alerts
from crm_reports.night import NightReport, Page
from crm_reports.night.alerts import checked, watching
from crm_reports.runs import preparation
from crm_reports.settings import Alert
from crm_reports.store.checked import Result
from stores import at, deal, make_store, moves, nights

MONEY = {"name": "Money", "metric": "won_money", "period": "last_month"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return company(tmp_path_factory.mktemp("alerts"))


def states(settings, *, night=None, only=None, **alert):
    with watching(with_alerts(settings, one := Alert(**MONEY | alert)), night) as watch:
        assert watch.problems() == []
        return watch.states(one, only or {})


def said(state) -> list[str]:
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in (state.title, *state.sentences)]


def test_it_says_the_number_the_limit_what_it_was_and_who_brought_the_change(settings):
    (state,) = states(settings, below=2000)
    assert said(state) == [
        "Won money: 1 100 ₽", "That is below 2 000 ₽.", "It was 1 550 ₽ (February 2025).", "The change may be chance.",
        "Manager: Anna −600 ₽, <b>Boris</b> +200 ₽, Carl −50 ₽; in all −450 ₽.",
        "Source: Website −550 ₽, Call +100 ₽; in all −450 ₽.", "March 2025",
    ]  # fmt: skip


def test_it_says_so_in_russian(settings):
    (state,) = states(settings.model_copy(update={"language": "ru"}), below=2000)
    assert said(state)[1:5] == [
        "Это меньше 2 000 ₽.", "Было 1 550 ₽ (февраль 2025).", "Изменение может быть случайным.",
        "Менеджер: Anna −600 ₽, <b>Boris</b> +200 ₽, Carl −50 ₽; всего −450 ₽.",
    ]  # fmt: skip


def test_of_a_share_it_says_k_of_n_and_what_the_weights_did(settings):
    (state,) = states(settings, metric="repeat_share", above=0.2)
    assert said(state)[0] == "Repeat, share: 100 % (3 of 3)"
    assert "It was 66.7 % (2 of 3) (February 2025)." in said(state)
    assert "in all +33.3 pp, of it +33.3 pp by their own numbers and +0 pp by their weight" in said(state)[4]


def test_each_row_is_looked_at_on_its_own_the_worst_first_and_who_has_left_is_below_nothing(settings):
    rows = states(settings, by="manager", below=500)
    assert [(row.name, row.kind) for row in rows] == [
        ("Dora", "below"),
        ("Anna", "below"),
        ("<b>Boris</b>", ""),
        ("Carl", ""),
    ]
    assert [row.name for row in states(settings, by="manager", above=-1) if row.has_fired] == [
        "<b>Boris</b>",
        "Anna",
        "Carl",
        "Dora",
    ]


def test_a_change_that_may_be_chance_is_not_told_and_a_stock_that_changed_is(settings):
    assert [state.kind for state in states(settings, changed=0.25)] == ["near"]
    assert [state.kind for state in states(settings, changed=0.9)] == [""]
    (state,) = states(settings, metric="in_work", changed=0.2, period="this_year")
    assert (state.kind, said(state)[:2]) == ("rose", ["In work: 1", "It rose from 0 (31 Mar 2024)."])


def test_what_is_missing_is_below_nothing_and_says_why(settings):
    (state,) = states(settings, metric="leads_received", below=5)
    assert (state.kind, said(state)) == ("missing", ["Leads received: —", "The source has no leads."])
    rows = states(settings, metric="win_rate", by="manager", below=0.5)
    assert {row.name: row.kind for row in rows}["Dora"] == "missing"
    (state,) = states(settings, period="this_month", below=5)
    assert (state.kind, said(state)[1]) == ("missing", "There is nothing to measure it by yet.")


def test_whoever_may_see_some_people_only_hears_of_nobody_else(settings):
    (state,) = states(settings, below=2000, only={"manager": ("Anna",)})
    assert said(state) == ["Won money: 400 ₽", "That is below 2 000 ₽.", "It was 1 000 ₽ (February 2025).",
                           "The change may be chance.", "March 2025 · Manager: Anna"]  # fmt: skip
    assert [row.name for row in states(settings, by="manager", below=2000, only={"department": ("Kazan",)})] == [
        "<b>Boris</b>"
    ]
    assert states(settings, below=2000, only={"manager": ("Anna",)}, filters={"manager": ["2"]}) == []


def test_every_mistake_is_one_sentence_and_stops_no_other_alert(settings):
    alerts = [
        Alert(name="a", metric="wonn", below=1), Alert(name="b", metric="won", by="managr", below=1),
        Alert(name="c", metric="calls", by="loss_reason", below=1), Alert(name="d", metric="won", period="last_mth", below=1),
        Alert(name="e", metric="won", filters={"pipelin": "x"}, below=1), Alert(name="f", metric="won", filters={"source": "x"}, below=1),
        Alert(name="g", metric="activity_index", changed=0.2), Alert(name="h", metric="won", below=1),
    ]  # fmt: skip
    with watching(with_alerts(settings, *alerts)) as watch:
        problems = watch.problems()
        assert [problem[:2] for problem in problems] == ["a:", "b:", "c:", "d:", "e:", "f:", "g:"]
        assert problems[1] == "b: there is no dimension 'managr'; near: manager"
        assert problems[4] == "e: there is no filter 'pipelin'; near: pipeline, exclude_pipelines"
        assert watch.problem(alerts[-1]) == ""


def test_however_many_alerts_one_period_is_read_once(settings, monkeypatch):
    loads = []
    load = preparation.load
    monkeypatch.setattr(preparation, "load", lambda values, settings: loads.append(values) or load(values, settings))
    alerts = [Alert(**MONEY | {"name": str(place), "below": place, "by": "manager"}) for place in range(1, 4)]
    with watching(with_alerts(settings, *alerts, Alert(name="4", metric="won", below=1))) as watch:
        assert watch.problems() == []
    assert [values["period"] for values in loads] == ["last_month", "this_month"]


def test_it_leads_to_the_page_about_exactly_this_else_to_the_whole(settings):
    def page(name, about, report="sales_dynamics", slice=None):
        return Page(name, report, "complete", about=about, slice=slice, files=(f"2025-04-01/{name}.html",), key=name)

    anna = {"dimension": "manager", "id": "1", "name": "Anna"}
    pages = (
        page("year", "April 2024 – March 2025"), page("month", "March 2025"), page("overview", "March 2025", "overview"),
        page("anna-year", "April 2024 – March 2025 · Manager: Anna", slice=anna), page("anna", "March 2025 · Manager: Anna", slice=anna),
    )  # fmt: skip
    night = NightReport(date(2025, 4, 1), datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC), pages)
    rows = states(settings, by="manager", below=500, night=night)
    paths = {
        row.name: tuple(path.removeprefix("2025-04-01/").removesuffix(".html") for path in row.pages)
        for row in rows
        if row.has_fired
    }
    assert paths == {"Anna": ("anna", "month", "anna"), "Dora": ("month", "month", "")}


def test_a_check_of_the_night_speaks_where_it_warns_or_stops_the_mails(settings, monkeypatch):
    results = [
        Result("freshness", "Age of the data", "error", 3.0, 1.0, "error", "nothing new since 29 Mar"),
        Result("volume", "Rows a day", "ok", 0.1, 0.5, "error"), Result("empty", "Empty fields", "new", None, 0.2, "warn"),
    ]  # fmt: skip
    monkeypatch.setattr(checked, "standing", lambda _settings: results)
    alerts = [Alert(name=name, check=name) for name in ("freshness", "volume", "empty", "freshnes")]
    with watching(with_alerts(settings, *alerts)) as watch:
        assert watch.problems() == ["freshnes: there is no check 'freshnes'; near: freshness, orphans"]
        fresh, volume, empty = (watch.states(alert)[0] for alert in alerts[:3])
    assert (fresh.kind, fresh.has_fired, fresh.title) == ("error", True, "Age of the data")
    assert (fresh.sentences[0], fresh.sentences[-1]) == (
        "nothing new since 29 Mar.",
        "The mails are held back until then.",
    )
    assert (volume.kind, empty.kind) == ("", "missing")


def test_where_deals_ended_is_no_cause_of_how_many_did_and_why_they_were_lost_is(tmp_path):
    lost = [("02", "DEAR"), ("02", "DEAR"), ("03", "DEAR"), ("03", "GONE"), ("03", "GONE"), ("03", "GONE")]
    deals = [
        deal(id, f"2025-{month}-02", stage_id=stage, outcome="lost", closed_at=at(f"2025-{month}-03"))
        for id, (month, stage) in enumerate(lost, 1)
    ]
    history = [
        step for row, (month, stage) in zip(deals, lost, strict=True)
        for step in moves(row["deal_id"], (f"2025-{month}-02", "NEW"), (f"2025-{month}-03", stage))
    ]  # fmt: skip
    syncs = [nights("2025-04-01")[0] | {"present": TABLES}]
    store = make_store(tmp_path, deals=[*deals, deal(9, "2025-03-02")], stage_history=history, syncs=syncs)
    (state,) = states(store, metric="lost", above=2)
    assert said(state)[4:] == ["Loss reason: Went to others +3, Too expensive −1; in all +2.", "March 2025"]
