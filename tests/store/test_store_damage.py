"""A store whose file has rotted: it is named, set aside, and read anew, with what could be rescued of its history."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from bitrix24_demo import Company
from crm_reports.measures.load import load
from crm_reports.settings import Settings, Source
from crm_reports.store.sync import draft, rescue
from portals import assert_same, later, run, served, stored

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
HEADERS, BLOCK = 3 * 4096, 256 * 1024


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"))


@pytest.fixture
def company() -> Company:
    company = Company.small(now=NOW)
    for number in range(30):
        company.add_deal(f"deal {number}", at=NOW - timedelta(days=30))
    return company


def _flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 4]))


def _used_blocks(store: Path) -> dict[int, set[str]]:
    """The blocks of the file that tables are in, and which."""
    found: dict[int, set[str]] = {}
    with closing(duckdb.connect(str(store), read_only=True)) as connection:
        for table in rescue.read_through(connection):
            blocks = f"select distinct block_id from pragma_storage_info('crm.{table}') where block_id >= 0"
            for (block,) in connection.execute(blocks).fetchall():
                found.setdefault(block, set()).add(table)
    return found


def _with_history(settings: Settings, company: Company, portal: object) -> None:
    """Two syncs, the second of which saw another amount of deal 1."""
    run(settings, portal)
    later(company)
    company.edit_deal(1, OPPORTUNITY=777.0)
    run(settings, portal)


def test_a_rotten_block_is_named_and_the_store_set_aside_and_read_anew(settings: Settings, company: Company) -> None:
    with served(company) as portal:
        _with_history(settings, company, portal)
        (block, *_rest) = sorted(_used_blocks(settings.store_path))
        _flip(settings.store_path, HEADERS + block * BLOCK + 1000)
        rotten = settings.store_path.read_bytes()
        later(company)
        report = run(settings, portal)
        assert_same(settings, company)
        assert "the store was damaged" in report.repairs[0]
        assert "checksum" in report.repairs[0]
        (aside,) = settings.data.glob("store.duckdb.damaged-*")
        assert aside.read_bytes() == rotten
        later(company)
        assert run(settings, portal).repairs == ()


def test_after_the_next_sync_no_block_is_rotten_wherever_it_was(settings: Settings, company: Company) -> None:
    with served(company) as portal:
        _with_history(settings, company, portal)
        good = settings.store_path.read_bytes()
        blocks = sorted(_used_blocks(settings.store_path))
        places = [3, 9, 4096 + 8, *(HEADERS + block * BLOCK + 5000 for block in (blocks[0], blocks[-1]))]
        for place in places:
            settings.store_path.write_bytes(good)
            _flip(settings.store_path, place)
            assert rescue.damage_of(settings.store_path), place
            later(company)
            run(settings, portal)
            assert rescue.damage_of(settings.store_path) == "", place
            assert_same(settings, company)


def test_what_amounts_were_is_rescued_from_a_store_whose_companies_have_rotted(
    settings: Settings, company: Company
) -> None:
    with served(company) as portal:
        _with_history(settings, company, portal)
        versions = stored(settings, "deals_versions")
        assert len(versions) == 1
        _flip(settings.store_path, _place_of(settings.store_path, lambda tables: not tables & _remembered()))
        later(company)
        report = run(settings, portal)
    assert report.repairs
    assert report.holes == []
    assert stored(settings, "deals_versions") == versions
    assert len(stored(settings, "syncs")) == 3


def test_history_that_is_lost_is_said_on_the_pages_for_a_year(settings: Settings, company: Company) -> None:
    with served(company) as portal:
        _with_history(settings, company, portal)
        _flip(settings.store_path, 9)  # nothing of it can be read
        later(company)
        first = run(settings, portal)
        later(company)
        second = run(settings, portal)
        told = "read anew on 4 Jun 2025: what amounts, owners, planned dates and done activities were before"
        assert [told in hole["text"] for hole in first.holes] == [True]
        assert second.holes == first.holes
        assert second.repairs == ()
        assert told in " ".join(load(period="2025-05", as_of="2025-06-04", settings=settings).holes)
        later(company, days=366)
        assert run(settings, portal).holes == []


def test_a_store_that_another_process_writes_is_not_taken_for_damaged(tmp_path: Path) -> None:
    said = 'IO Error: Could not set lock on file "store.duckdb": Conflicting lock is held in PID 7'
    assert any(refusal in said.lower() for refusal in rescue.REFUSALS)


def test_a_portal_that_does_not_answer_leaves_the_damaged_store_where_it_is(
    settings: Settings, company: Company
) -> None:
    with served(company) as portal:
        _with_history(settings, company, portal)
    _flip(settings.store_path, 9)
    before = settings.store_path.read_bytes()
    with pytest.raises(Exception, match=r".+"):
        run(settings, portal)
    assert settings.store_path.read_bytes() == before


def test_a_draft_that_is_not_what_was_written_does_not_replace_the_store(
    settings: Settings, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(company) as portal:
        run(settings, portal)
        before = settings.store_path.read_bytes()
        later(company)
        read = draft.read_through
        monkeypatch.setattr(draft, "read_through", lambda connection: read(connection) | {"deals": 29})
        with pytest.raises(Exception, match="what was read back is not what was written"):
            run(settings, portal)
    assert settings.store_path.read_bytes() == before


def _remembered() -> set[str]:
    return {*rescue.ONLY_HERE}


def _place_of(store: Path, wanted: Callable[[set[str]], bool]) -> int:
    (block, *_rest) = [block for block, tables in sorted(_used_blocks(store).items()) if wanted(tables)]
    return HEADERS + block * BLOCK + 1000
