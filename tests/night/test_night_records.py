"""What a night keeps for itself: written whole, read with suspicion, set aside when it is damaged."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crm_reports.night import NightReport, Page, nights
from crm_reports.night.records import damaged, days, folder, keep, mend, note, noted
from crm_reports.settings import Settings
from crm_reports.store.disk import seal, unseal

MONDAY, TUESDAY = date(2029, 12, 31), date(2030, 1, 1)
PAGES = tuple(
    Page(
        name, "overview", "complete", preset="Each", slice={"dimension": "manager", "id": "7", "name": name}, key=name,
        files=(f"{MONDAY}/{name}.html",), made_of="5e1f", headline="Борис\u2028 \x85 brings it in", seconds=1.5,
    )
    for name in ("Anna", "Борис")
)  # fmt: skip


def _report(day: date, **rest: object) -> NightReport:
    at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    return NightReport(day, at, at, PAGES, **rest)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path, data=tmp_path / "data")
    for day in (MONDAY, TUESDAY):
        keep(_report(day, notes=("no browser",)), settings)
    return settings


def _record(settings: Settings) -> Path:
    return folder(settings) / f"{TUESDAY}.json"


def test_what_was_kept_is_read_as_it_was_the_latest_first(settings):
    assert nights(settings) == [_report(day, notes=("no browser",)) for day in (TUESDAY, MONDAY)]
    assert damaged(settings) == []
    assert mend(settings) == []


def test_a_record_of_an_earlier_release_is_read_too(settings):
    _record(settings).write_text(unseal(_record(settings).read_text()).replace('"repairs": []', '"of_later": 1'))
    assert [each.date for each in nights(settings)] == [TUESDAY, MONDAY]


def test_a_record_cut_short_anywhere_is_not_there_and_no_error(settings):
    whole = _record(settings).read_bytes()
    for length in range(0, len(whole), 7):
        _record(settings).write_bytes(whole[:length])
        assert [each.date for each in nights(settings)] == [MONDAY], length


def test_a_flipped_bit_anywhere_is_noticed(settings):
    whole = _record(settings).read_bytes()
    for place in range(0, len(whole) - 1, 3):
        _record(settings).write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        assert damaged(settings) == [TUESDAY], place


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "7",
        '"text"',
        "{}",
        '{"date": "2030-01-01"}',
        '{"pages": null}',
        "\0" * 512,
        seal("null"),
        seal("{}"),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_record_is_set_aside_and_told_and_the_others_are_read(settings, content):
    _record(settings).write_text(content)
    (told,) = mend(settings)
    assert "the record 2030-01-01.json of a night was damaged and is kept as 2030-01-01.json.damaged-" in told
    assert [each.date for each in nights(settings)] == [MONDAY]
    assert mend(settings) == []
    (aside,) = folder(settings).glob("*.damaged-*")
    assert aside.read_text() == content


def test_a_record_under_another_nights_name_is_damaged(settings):
    _record(settings).rename(folder(settings) / "2030-01-05.json")
    assert damaged(settings) == [date(2030, 1, 5)]


def test_a_day_is_known_by_what_is_left_of_it(settings):
    _record(settings).write_text("null")
    mend(settings)
    note(PAGES[0], settings, date(2029, 12, 5))
    (folder(settings) / "2029-99-99.json").write_text("{}")
    assert days(settings) == {date(2029, 12, 5), MONDAY, TUESDAY}


# ── The journal ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _journal(settings: Settings) -> Path:
    for page in PAGES:
        note(page, settings, TUESDAY)
    return folder(settings) / f"{TUESDAY}.journal"


def test_the_journal_gives_back_the_pages_whatever_is_in_their_names(settings):
    _journal(settings)
    assert noted(settings, TUESDAY) == {page.key: page for page in PAGES}


def test_a_last_line_that_a_kill_cut_short_is_nobodys_fault_and_the_next_one_is_whole(settings):
    journal = _journal(settings)
    journal.write_bytes(journal.read_bytes()[:-40])
    assert mend(settings) == []
    note(PAGES[1], settings, TUESDAY)
    assert noted(settings, TUESDAY) == {page.key: page for page in PAGES}


@pytest.mark.parametrize("line", ["null", "[]", "7", "{}", '{"key": 1, "files": null}', "\0\0\0", '{"name": "x"'])
def test_a_line_that_is_no_page_is_told_and_the_others_count(settings, line):
    journal = _journal(settings)
    journal.write_text(f"{line}\n{journal.read_text()}")
    assert noted(settings, TUESDAY) == {page.key: page for page in PAGES}
    assert "the journal 2030-01-01.journal of a night was damaged" in mend(settings)[0]
    assert mend(settings) == []
    assert noted(settings, TUESDAY) == {page.key: page for page in PAGES}


def test_no_flipped_bit_makes_another_page_of_a_line(settings):
    journal = _journal(settings)
    whole = journal.read_bytes()
    for place in range(0, len(whole), 5):
        journal.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        found = noted(settings, TUESDAY)
        assert all(found[key] in PAGES for key in found), place
