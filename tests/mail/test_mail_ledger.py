"""The record of what was mailed: whatever happens to its file, nothing is forgotten without a word."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crm_reports.errors import MailError
from crm_reports.mail.ledger import kept_at, kept_where_possible

KEYS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(60)]
LAST_MAIL = datetime(2030, 1, 1, 6, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "mail.sqlite3"
    with kept_at(path) as ledger:
        for key in KEYS:
            ledger.add(key, page="Sales", recipient="boss@acme.example")
    return path


def _damaged(path: Path, content: bytes) -> None:
    for left in path.parent.iterdir():
        left.unlink()
    path.write_bytes(content)
    os.utime(path, (LAST_MAIL.timestamp(), LAST_MAIL.timestamp()))


def test_what_was_noted_is_there_the_next_time(path):
    with kept_at(path) as ledger:
        assert ledger.damage == ""
        assert all(map(ledger.has, KEYS))
        assert not ledger.may_have_forgotten("2000-01-01T00:00:00+00:00")


def _forgets_silently(path: Path) -> bool:
    with kept_at(path) as ledger:
        return not ledger.damage and not all(map(ledger.has, KEYS))


def test_a_flipped_bit_never_makes_it_forget_without_a_word(path):
    whole = path.read_bytes()
    for place in [*range(0, 110, 2), *range(110, len(whole), 1201)]:
        _damaged(path, whole[:place] + bytes([whole[place] ^ 1 << place % 7]) + whole[place + 1 :])
        assert not _forgets_silently(path), place


def test_a_file_cut_short_never_makes_it_forget_without_a_word(path):
    whole = path.read_bytes()
    for length in [0, 1, 15, 16, 99, 100, 101, 512, 4095, *range(4096, len(whole), 3000)]:
        _damaged(path, whole[:length])
        assert not _forgets_silently(path), length


@pytest.mark.parametrize("content", [b"null", b"\0" * 8192, b"no database, but long enough to look at " * 200])
def test_what_is_no_ledger_is_set_aside_and_told(path, content):
    _damaged(path, content)
    with kept_at(path) as ledger:
        assert "the record of what was mailed was damaged" in ledger.damage
        ledger.add("new", page="Sales", recipient="boss@acme.example")
    (aside,) = path.parent.glob("mail.sqlite3.damaged-*")
    assert aside.read_bytes() == content
    with kept_at(path) as ledger:
        assert ledger.damage == ""
        assert ledger.has("new")


def test_pages_made_before_the_last_line_of_a_damaged_ledger_may_have_been_mailed_and_later_ones_can_not(path):
    _damaged(path, b"")
    for _attempt in range(2):  # also when it is opened again
        with kept_at(path) as ledger:
            assert ledger.may_have_forgotten((LAST_MAIL - timedelta(minutes=1)).isoformat())
            assert not ledger.may_have_forgotten((LAST_MAIL + timedelta(minutes=1)).isoformat())
            assert ledger.may_have_forgotten("")


def test_what_can_be_read_of_a_damaged_ledger_is_still_known(path):
    whole = bytearray(path.read_bytes())
    place = whole.index(KEYS[7].encode())
    whole[place] ^= 1  # in the table or in its index; the other has it still
    _damaged(path, bytes(whole))
    with kept_at(path) as ledger:
        assert ledger.damage
        assert all(map(ledger.has, KEYS))


def test_a_mail_that_has_to_go_out_does_not_wait_for_the_ledger(tmp_path):
    (tmp_path / "mail.sqlite3").mkdir()
    with pytest.raises(MailError, match="can't be used"), kept_at(tmp_path / "mail.sqlite3"):
        pass
    with kept_where_possible(tmp_path / "mail.sqlite3") as ledger:
        ledger.add("key", page="failures", recipient="it@acme.example")
        assert ledger.has("key")
