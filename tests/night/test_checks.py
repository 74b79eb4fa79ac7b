"""The checks before the numbers: planted errors are stopped, ordinary nights are not, and what is kept of a night survives."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from bitrix24_demo import invent
from checked import TODAY, Company, night_of, ordinary_nights, states
from crm_reports.cli import app
from crm_reports.mail import notice, sending
from crm_reports.measures.load import load
from crm_reports.night import NightReport, Troubles, checks, look_at_data, records, write_indexes
from crm_reports.night.checks import CHECKS, Facts, Night, Result
from crm_reports.night.checks.clocks import shift
from crm_reports.night.checks.kept import NIGHTS, keep, prune
from crm_reports.night.checks.rows import share_moved
from crm_reports.settings import CheckLimit, CheckName, Mail, Settings, Source
from crm_reports.store import Store
from crm_reports.store.checked import file_of, folder
from portals import later, run, served, stored
from stores import at, deal, make_store


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    home = tmp_path_factory.mktemp("checks")
    return Settings(home=home, data=home, time_zone="Europe/Moscow", source=Source(kind="bitrix24"))


@pytest.fixture(scope="module")
def company(settings) -> Company:
    return Company(settings)


@pytest.fixture(scope="module")
def earlier(company, settings) -> list[Night]:
    """The three nights before, which are in order: the latest first."""
    kept: list[Night] = []
    for back in (3, 2, 1):
        kept.insert(0, night_of(company.facts(on=TODAY - timedelta(days=back)), kept, settings))
    return kept


# Planted errors

LATE = "timestamptz '2025-07-08 00:00:00+03'"  # a week before
EACH = "hash({}) % {} = 0"
PLANTED = {
    "a twentieth of the deals is lost": ("delete from deals where hash(deal_id) % 20 = 0", "vanished"),
    "half of last week's deals are lost": (f"delete from deals where created_at >= {LATE} and hash(deal_id) % 2 = 0", "vanished"),
    "each deal is there twice": ("insert into deals from deals", "doubled"),
    "deals were entered again under other ids": (
        "insert into deals select * replace (concat(deal_id, 'x') as deal_id) from deals where hash(deal_id) % 20 = 0", "doubled"),
    "everything is three hours later": (
        "update deals set created_at = created_at + interval 3 hour; "
        "update activities set created_at = created_at + interval 3 hour", "hours"),
    "last week's activities are three hours earlier": (
        f"update activities set created_at = created_at - interval 3 hour where created_at >= {LATE}", "hours"),
    "a pipeline was dropped": ("delete from deals where pipeline_id = '1'; delete from pipelines where pipeline_id = '1'", "pipelines"),
    "a pipeline brings nothing any more": (f"delete from deals where pipeline_id = '0' and created_at >= {LATE}", "volume"),
    "there are no new deals for three days": ("delete from deals where created_at >= timestamptz '2025-07-10 00:00:00+03'", "volume"),
    "the currency is another one": ("update deals set currency = 'USD'", "currency"),
    "the base currency is another one": ("update currencies set is_base = currency = 'USD'", "currency"),
    "an exchange rate lost its point": ("update currencies set rate = 9000 where currency = 'USD'", "rates"),
    "amounts are halved": ("update deals set amount = amount / 2", "amounts"),
    "amounts of one pipeline are halved": ("update deals set amount = amount / 2 where pipeline_id = '1'", "amounts"),
    "the last two weeks' amounts are in kopecks": (
        "update deals set amount = amount * 100 where created_at >= timestamptz '2025-06-26 00:00:00+03'", "amounts"),
    "amounts are below zero": ("update deals set amount = -amount where hash(deal_id) % 10 = 0", "negative"),
    "amounts are missing": ("update deals set amount = 0 where hash(deal_id) % 2 = 0", "empty"),
    "managers are missing": ("update deals set manager_id = null where hash(deal_id) % 3 = 0", "empty"),
    "last week's managers are missing": (f"update deals set manager_id = '' where created_at >= {LATE}", "empty"),
    "closing dates are missing": ("update deals set closed_at = null where hash(deal_id) % 2 = 0", "empty"),
    "a source was emptied": ("update deals set source_id = '' where source_id = 'WEB'", "empty"),
    "the history is cut short": ("delete from stage_history where at < timestamptz '2025-03-01 00:00:00+03'", "vanished"),
    "dates are still to come": ("update deals set created_at = created_at + interval 1 year where hash(deal_id) % 20 = 0", "dates"),
    "all activities are gone": ("delete from activities", "vanished"),
    "calls are gone": ("delete from activities where kind = 'call'", "pipelines"),
    "comments are frozen": (f"delete from comments where at >= {LATE}", "volume"),
    "comments are missing": ("delete from comments", "vanished"),
    "stages have other ids": ("update stages set stage_id = concat('X', stage_id)", "orphans"),
    "people are there twice": ("insert into managers select * replace (concat(manager_id, 'x') as manager_id) from managers", "doubled"),
    "a field of the company's own was emptied": ("delete from own_values where hash(entity_id) % 3 > 0", "pipelines"),
    "all deals are gone": ("delete from deals", "vanished"),
    "won deals became lost ones": ("update deals set outcome = 'lost' where outcome = 'won'", "jump"),
}  # fmt: skip


@pytest.mark.parametrize(("statement", "name"), PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_stopped_before_mail(company, earlier, settings, statement, name):
    results = night_of(company.facts(statement.replace(" at ", ' "at" ')), earlier, settings).results
    assert name in states(results, "error")


def test_the_same_company_without_an_error_is_not_stopped_and_not_warned_of(company, earlier, settings):
    results = night_of(company.facts(), earlier, settings).results
    assert (states(results, "error"), states(results, "warn")) == (set(), set())
    assert states(results, "new") == {"receipt"}  # nobody counted


def test_a_stale_sync_a_portal_that_moved_and_a_table_that_is_not_there_are_stopped(company, earlier, settings):
    facts = company.facts()
    stale = night_of(facts, earlier, settings, now=facts.synced_at + timedelta(days=3))
    moved = night_of(replace(facts, offset=120), earlier, settings)
    lacking = night_of(replace(facts, rows=dict(facts.rows) | {"comments": 0}), earlier, settings)
    assert [states(night.results, "error") for night in (stale, moved, lacking)] == [
        {"freshness"},
        {"zone"},
        {"vanished"},
    ]


def test_a_sentence_calls_a_pipeline_by_the_name_it_had(company, earlier, settings):
    statement, name = PLANTED["a pipeline was dropped"]
    (result,) = (each for each in night_of(company.facts(statement), earlier, settings).results if each.name == name)
    assert re.fullmatch(r"deals of pipeline Pipeline 1: 0, and \d+ the night before", result.text)


def test_a_new_stage_and_people_who_hand_over_their_deals_are_worth_a_word_and_stop_nothing(company, earlier, settings):
    new = "insert into stages (stage_id, pipeline_id) values ('BID', '0'); update deals set manager_id = '1'"
    results = night_of(company.facts(new), earlier, settings).results
    assert (states(results, "error"), states(results, "warn")) == (set(), {"unknown", "mix"})


# Ordinary nights


@pytest.mark.parametrize("a_day", [6, 40])
def test_in_fifty_ordinary_nights_nothing_is_stopped_and_little_is_said(settings, a_day):
    """Weekends, holidays, bridges, seasons, growth, sick days and fairs; in all a hundred nights."""
    kept: list[Night] = []
    for facts in ordinary_nights(settings, 50, seed=1, a_day=a_day):
        kept.insert(0, night_of(facts, kept[:NIGHTS], settings))
    assert [result for night in kept for result in night.results if result.state == "error"] == []
    warned = [result.name for night in kept for result in night.results if result.state == "warn"]
    assert len(warned) <= 1
    assert set(warned) <= {"surge"}


def test_a_first_night_has_no_past_and_is_warned_of_at_most(company, settings):
    results = night_of(company.facts("delete from deals where created_at >= timestamptz '2025-07-08 00:00:00+03'"), [], settings).results  # fmt: skip
    assert states(results, "error") == set()
    assert states(results, "warn") == {"volume"}
    assert {"vanished", "empty", "amounts", "jump"} <= states(results, "new")


# The past of a check


def facts_of(day: date, settings: Settings, **fields: object) -> Facts:
    return Facts(datetime(day.year, day.month, day.day, tzinfo=UTC), "bitrix24", settings.time_zone, **fields)


def test_a_night_that_was_stopped_is_no_past_until_somebody_accepts_it(settings):
    well, lost, still = (facts_of(date(2025, 3, day), settings, rows={"deals": rows}) for day, rows in ((1, 1000), (2, 500), (3, 500)))  # fmt: skip
    kept = [night_of(well, [], settings)]
    kept.insert(0, night_of(lost, kept, settings))
    assert states(kept[0].results, "error") == {"vanished"}
    assert states(night_of(still, kept, settings).results, "error") == {"vanished"}
    accepted = [replace(kept[0], accepted=("vanished",)), kept[1]]
    assert states(night_of(still, accepted, settings).results, "error") == set()


def test_nights_of_another_source_or_time_zone_are_no_past(settings):
    well = facts_of(date(2025, 3, 1), settings, rows={"deals": 1000})
    kept = [night_of(replace(well, **other), [], settings) for other in ({"origin": "files"}, {"zone": "UTC"})]
    assert "vanished" in states(night_of(replace(well, rows={"deals": 1}), kept, settings).results, "new")


def test_limit_and_level_are_those_of_reports_toml(settings):
    half = facts_of(date(2025, 3, 2), settings, rows={"deals": 500})
    kept = [night_of(facts_of(date(2025, 3, 1), settings, rows={"deals": 1000}), [], settings)]
    for own, state in (
        ({"level": "warn"}, "warn"),
        ({"level": "off"}, "off"),
        ({"limit": 0.5}, "ok"),
        ({"limit": 0.49}, "error"),
    ):
        told = settings.model_copy(update={"checks": {"vanished": CheckLimit(**own)}})
        assert "vanished" in states(night_of(half, kept, told).results, state)


def test_every_check_can_be_named_in_reports_toml_and_says_what_to_do_in_both_languages():
    assert set(CHECKS) == set(get_args(CheckName))
    for check in CHECKS.values():
        assert check.meaning.endswith(".")
        assert check.remedy.endswith((".", "?"))


# Whole hours, summer time, shares


def test_hours_that_are_moved_are_found_and_chance_is_not():
    day = [0] * 9 + [30, 50, 40, 20, 10, 30, 40, 20, 10] + [0] * 6
    assert shift(day[-3:] + day[:-3], day) == 3
    assert shift(day[1:] + day[:1], day) == -1
    assert shift([n + 5 * (n > 0) for n in day], day) == 0
    assert shift([10] * 24, day) == 0  # another life, not another clock


@pytest.mark.parametrize(("before", "now", "state"), [
    (date(2025, 3, 29), date(2025, 3, 31), "ok"), (date(2025, 2, 10), date(2025, 2, 11), "error"),
])  # fmt: skip
def test_summer_time_is_no_other_zone(settings, before, now, state):
    kept = [night_of(facts_of(before, settings, offset=60), [], settings)]
    assert "zone" in states(night_of(facts_of(now, settings, offset=120), kept, settings).results, state)


def test_the_share_of_rows_that_moved_is_counted_once():
    assert share_moved({"a": 60, "b": 40}, {"a": 50, "b": 40, "c": 10}) == pytest.approx(0.1)
    assert share_moved({"a": 3}, {"b": 3}) == 0  # three rows say nothing


# What is kept


def kept_night(settings: Settings, day: datetime, state: str = "ok") -> Night:
    result = Result("vanished", "Vanished rows", state, 0.5, 0.02, "error", "deals: 500, and 1,000 the night before")
    return Night(Facts(day, "bitrix24", "UTC", days={"deals": {day.date(): 3, date(2020, 1, 1): 2}}), (result,))


def test_thirty_nights_are_kept_the_last_sync_of_each_day(tmp_path):
    settings = Settings(home=tmp_path, data=tmp_path, time_zone="UTC")
    days = [at(f"2025-03-01 {hour}:00") + timedelta(days=day) for day in range(40) for hour in ("01", "02")]
    for day in days:
        keep(kept_night(settings, day), settings)
    prune(checks.nights(settings)[0], settings)
    kept, damaged = checks.nights(settings)
    assert damaged == []
    assert [night.synced_at for night in kept] == [*days[-1:-3:-1], *days[-3:-61:-2]]
    assert kept[0].facts.days == {"deals": {days[-1].date(): 3}}  # what is older the store has itself


@pytest.mark.parametrize("content", ["", "{", '{"results": []}', "\x00" * 20])
def test_a_damaged_night_is_set_aside_and_said_and_the_others_are_read(tmp_path, content):
    settings = Settings(home=tmp_path, data=tmp_path)
    for day in ("2025-03-01", "2025-03-02"):
        keep(kept_night(settings, at(day)), settings)
    file_of(tmp_path, at("2025-03-01")).write_text(content)
    kept, damaged = checks.nights(settings)
    assert [night.synced_at for night in kept] == [at("2025-03-02")]
    assert "2025-03-01T000000.000000.json, was damaged" in damaged[0]
    assert checks.nights(settings) == (kept, [])
    assert len(list(folder(tmp_path).iterdir())) == 2


# What follows


@pytest.fixture
def stopped(tmp_path) -> Settings:
    """A store whose last sync lost a quarter of its deals, and the night before it."""

    def store(count: int, day: str) -> Settings:
        synced = {"synced_at": at(day), "finished_at": at(day), "source": "bitrix24", "holes": "[]",
                  "portal_url": "https://portal.example", "present": "deals,pipelines,stages,managers"}  # fmt: skip
        settings = make_store(tmp_path, deals=[deal(id, "2030-02-20 10:00") for id in range(count)], syncs=[synced])
        return settings.model_copy(update={"source": Source(kind="bitrix24")})

    checks.examine(store(40, "2030-03-01 01:00"))
    return store(30, "2030-03-02 01:00")


def test_an_error_holds_the_mails_until_it_is_accepted_unless_told_otherwise(stopped):
    server = {"host": "127.0.0.1", "security": "none", "sender": "reports@acme.example"}
    mailing = stopped.model_copy(update={"mail": Mail(**server)})
    assert "Vanished rows: deals: 30, and 40 the night before" in sending.held(mailing)
    assert sending.held(stopped.model_copy(update={"mail": Mail(**server, hold_on_difference=False)})) == ""
    checks.accept(stopped, ["vanished"])
    assert sending.held(mailing) == ""
    assert "vanished" in states(checks.examine(stopped)[0], "ok")  # the same sync, looked at again


def test_a_page_says_which_check_failed_and_nothing_of_anybody(stopped):
    checks.examine(stopped)
    (note,) = load(period="2030-02", manager="1", settings=stopped).warnings
    assert note.text == "Before the numbers, a check of the data failed: Vanished rows"
    russian = load(period="2030-02", settings=stopped.model_copy(update={"language": "ru"}))
    assert russian.warnings[0].text == "Проверка данных не пройдена: Пропавшие строки"


def test_a_page_of_a_sync_that_was_not_checked_says_nothing_of_checks(tmp_path):
    settings = make_store(tmp_path, deals=[deal(1, "2025-03-01")])
    file = file_of(tmp_path, Store.open(settings.store_path).synced_at)
    assert load(period="2025-03", settings=settings).warnings == []
    file.parent.mkdir()
    file.write_text('{"results": [{"name": "vanished"}]}')  # damaged
    assert load(period="2025-03", settings=settings).warnings == []


def test_the_operators_message_has_what_is_worth_a_word_beside_what_went_wrong():
    warned = Result(
        "surge", "Surge of new rows", "warn", 4.0, 3.0, "warn", "deals: 80 on 1 Mar 2025, where there usually are 20"
    )
    report = NightReport(
        date(2025, 3, 2), at("2025-03-02"), at("2025-03-02"), troubles=("Empty fields: …",), checks=(warned,)
    )
    message = notice.message(report, notice.wrongs(report, ()), to="admin@acme.example", key="k", link="")
    assert message.sentences == ("Empty fields: …",)
    assert message.after[0] == "Surge of new rows: deals: 80 on 1 Mar 2025, where there usually are 20"
    assert report.check("surge") == warned


def test_a_night_tells_of_its_checks_an_error_is_a_trouble_and_its_page_lists_all(tmp_path, monkeypatch):
    found = (
        Result("vanished", "Vanished rows", "error", 0.5, 0.02, "error", "deals: 500, and 1,000 the night before"),
        Result("surge", "Surge of new rows", "warn", 4.0, 3.0, "warn", "leads: 80 <b>"),
        Result("zone", "Time zone of the portal", "ok", 0, 0, "error"),
    )
    monkeypatch.setattr(checks, "examine", lambda settings: (found, ["a night was damaged"]))
    settings, lines = Settings(home=tmp_path, data=tmp_path / "data"), []
    troubles = Troubles(lines.append)
    assert look_at_data(settings, troubles) == (found, ["a night was damaged"])
    assert troubles.sentences == ["Vanished rows: deals: 500, and 1,000 the night before"]
    assert lines == ["a night was damaged", "Surge of new rows: leads: 80 <b>", *troubles.sentences]
    records.keep(NightReport(date(2029, 12, 31), at("2029-12-31"), at("2029-12-31"), checks=found), settings)
    write_indexes(settings, tmp_path / "output")
    page = (tmp_path / "output" / "night.html").read_text(encoding="utf-8")
    assert "Checks before the numbers: 1 × ok, 1 × stopped, 1 × warned" in page
    assert "<b>warned</b> leads: 80 &lt;b&gt;" in page


def test_checks_that_fail_themselves_are_a_trouble_of_the_night_and_stop_no_page(tmp_path):
    troubles = Troubles(lambda line: None)
    assert look_at_data(Settings(home=tmp_path, data=tmp_path / "data"), troubles) == ((), [])
    assert troubles.sentences[0].startswith("The data could not be checked (")


def test_a_sync_alone_is_checked_too_and_its_exit_code_says_how_it_ended(stopped, monkeypatch):
    monkeypatch.chdir(stopped.home)
    monkeypatch.setattr("crm_reports.cli.commands._sync", lambda settings, **options: None)
    (stopped.home / "reports.toml").write_text('time_zone = "UTC"\nsource = "bitrix24"\n', encoding="utf-8")
    sync = ["sync", "--data", str(stopped.data)]
    ended = CliRunner().invoke(app, sync)
    assert (ended.exit_code, "Vanished rows: deals: 30, and 40 the night before" in ended.output) == (1, True)
    assert CliRunner().invoke(app, ["checks", "--accept", "vanished", *sync[1:]]).exit_code == 0
    assert CliRunner().invoke(app, sync).exit_code == 0


def test_the_command_says_of_each_check_its_value_limit_and_nights_and_what_to_do(stopped, monkeypatch):
    monkeypatch.chdir(stopped.home)
    (stopped.home / "reports.toml").write_text('time_zone = "UTC"\nsource = "bitrix24"\n', encoding="utf-8")

    def call(*words: str) -> tuple[int, str]:
        told = CliRunner().invoke(app, ["checks", "--data", str(stopped.data), *words])
        return told.exit_code, " ".join(told.output.split())

    code, text = call()
    assert code == 1
    line = "Vanished rows. 25 %; beyond 2 % it stops the mails. deals: 30, and 40 the night before. Nights: 1 × nothing to compare with yet, 1 × stopped. → Look whether they were deleted"
    assert line in text.replace("\xa0", " ")
    assert "there is no check 'vanish'; near: vanished" in call("--accept", "vanish")[1]
    code, text = call("--accept", "vanished")
    assert (code, "stopped" in text) == (0, False)


def test_of_a_portal_that_lost_a_third_of_its_deals_the_next_night_is_stopped(tmp_path):
    settings = Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"))
    company = invent(deals=40, seed=3, today=date(2025, 6, 30))
    with served(company) as portal:
        run(settings, portal)
        assert states(checks.examine(settings)[0], "error") == set()
        for id in [row["ID"] for row in company.deals if row["IS_RECURRING"] != "Y"][::3]:
            company.delete_deal(id)
        later(company)
        run(settings, portal)
    results, _damaged = checks.examine(settings)
    assert states(results, "error") == {"vanished"}
    assert stored(settings, "syncs", "utc_offset") == [(180,), (180,)]
    assert checks.sentences(results, "error") == ["Vanished rows: deals: 26, and 40 the night before"]


def test_the_document_for_operators_and_the_example_file_have_each_check_as_it_is():
    root = Path(__file__).parents[2]
    document, example = (root / name for name in ("docs/operator.md", "reports.toml"))
    for check in CHECKS.values():
        row = rf"\| `{check.name}` \| {re.escape(check.meaning)} \| [^|]+ \| {check.limit} \| {check.level} \|"
        assert re.search(row, document.read_text(encoding="utf-8")), check.name
        line = f'# {check.name} = {{ level = "{check.level}", limit = {check.limit} }}'
        assert line in example.read_text(encoding="utf-8")
