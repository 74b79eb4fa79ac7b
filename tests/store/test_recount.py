"""The receipt of a sync of files: the files counted a second time, by DuckDB alone, beside what the store holds."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute
import pytest

from crm_reports.settings import Settings, Source
from crm_reports.sources import files
from crm_reports.store.receipts import Receipt
from crm_reports.store.sync import sync
from crm_reports.store.sync.recount import _Rows, recount
from exports import MUST, WHOLE, write_export
from portals import stored

HEADER = ("id", "title", "stage", "outcome", "amount", "created_at")
DEALS = (
    ("1", 'Two\nlines "quoted"', "Новая", "open", "1000.50", "2025-01-10"),
    ("2", "Столы; стулья, шкафы", "Новая", "open", "-20.25", "2025-01-11"),
    ("3", "Ещё сделка", "Продано", "won", "", "2025-01-12"),
)


def _settings(folder: Path) -> Settings:
    return Settings(home=folder, data=folder / "data", base_currency="EUR", source=Source(kind="files", folder=folder))


def _receipt(folder: Path, **changed: Callable[[pa.Table], pa.Table]) -> Receipt:
    """The receipt of tables as the reader of files gives them, some of them `changed` by a fault that it might have."""
    delivery = files.read(_settings(folder))
    with closing(duckdb.connect()) as connection:
        connection.execute("create schema crm")
        for name, table in delivery.tables.items():
            rows = changed.get(name, lambda table: table)(table)
            connection.register("rows", rows)
            connection.execute(f"create table crm.{name} as from rows")
        return recount(connection, delivery.files)


def _text(separator: str = ",", decimal: str = ".", footer: str = "") -> str:
    rows = [HEADER, *((*row[:4], row[4].replace(".", decimal), row[5]) for row in DEALS)]
    cells = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
    return "\r\n".join([*map(separator.join, cells), footer])


def _whole(folder: Path) -> Path:
    return write_export(folder, WHOLE, {name: list(WHOLE[name][0]) for name in MUST})


def test_the_files_counted_a_second_time_are_what_the_store_holds(tmp_path):
    settings = _settings(_whole(tmp_path))
    made = sync(settings).receipt
    # Rows of deals, leads and activities; the amounts; two pipelines, four stages and three managers.
    assert (made.asked, made.answered, made.equal, made.warning()) == (13, 13, 13, "")
    assert made.words() == "13 of 13 counts equal the files' own"
    assert Receipt.read(stored(settings, "syncs", "receipt")[0][0]) == made


def test_a_row_that_the_reader_lost_is_a_difference_that_nobody_explains(tmp_path):
    made = _receipt(_whole(tmp_path), leads=lambda table: table.slice(1))
    assert [(each.words, each.here, each.there, each.is_explained) for each in made.differences] == [
        ("leads", 1, 2, False)
    ]
    assert made.warning() == "1 count is not the files' own: leads: 1 here, 2 there (counted in the file itself)"


def test_amounts_a_hundred_times_too_large_are_a_difference(tmp_path):
    def hundredfold(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("amount")
        return table.set_column(place, table.schema.field(place), pa.compute.multiply(table["amount"], 100.0))

    made = _receipt(_whole(tmp_path), deals=hundredfold)
    # 100 + 250.50 + 75 - 20 = 405.50
    assert [(each.here, each.there) for each in made.unexplained] == [(40550, 406)]


@pytest.mark.parametrize(
    ("encoding", "separator", "decimal", "footer"),
    [
        ("utf-8-sig", ";", ",", "\r\nИтого: 3 сделки\r\n"), ("utf-16", "\t", ".", ""),
        ("cp1251", ";", ",", "\r\nИтого: 3 сделки\r\n"),
    ],
)  # fmt: skip
def test_however_a_file_is_written_its_own_counts_are_no_difference(tmp_path, encoding, separator, decimal, footer):
    (tmp_path / "deals.csv").write_bytes(_text(separator, decimal, footer).encode(encoding))
    made = _receipt(tmp_path)
    assert (made.equal, made.answered, made.problem) == (made.asked, made.asked, "")
    assert made.asked >= 2  # the rows and their amounts


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("deals.csv", "id,outcome\n1,open\n", "it has too few columns to tell its rows from a footer"),
        (
            "deals.csv",
            "\nsep=;\nid;outcome;amount\n1;open;5\n",
            "a second reader does not find its header, or not all its rows are as wide",
        ),
    ],
)
def test_what_a_second_reader_cannot_read_in_the_same_way_is_not_compared_and_says_why(tmp_path, file, text, why):
    (tmp_path / file).write_text(text, encoding="utf-8")
    made = _receipt(tmp_path)
    assert (made.answered, made.warning()) == (0, "")
    assert made.words() == f"The files were not counted a second time: {file}: {why}"


def test_a_file_that_the_second_reader_fails_on_is_not_compared_and_stops_no_sync(tmp_path, monkeypatch):
    def refused(rows: object, column: str) -> list[float]:
        raise duckdb.ConversionException("Could not convert 'Ann, +7 900 …'")

    monkeypatch.setattr(_Rows, "sums", refused)
    made = _receipt(_whole(tmp_path))
    assert made.differences == ()
    assert made.asked == made.answered + 1
