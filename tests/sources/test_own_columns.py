"""Columns of the company's own in files: named by [fields], kept as a portal's own fields are, told where they are not there."""

from pathlib import Path

import pytest

from crm_reports.errors import FilesError
from crm_reports.settings import OwnField, Settings, Source
from crm_reports.sources.files import Delivery, read

DEALS = """id;outcome;currency;Region;Score;Budget;Urgent;Ready on
1;won;RUB; North ;1,5;100;yes;31.03.2025
2;open;USD;;;20;no;
"""


def delivered(folder: Path, text: str = DEALS, **fields: dict[str, str]) -> Delivery:
    (folder / "deals.csv").write_text(text, encoding="utf-8")
    own = {name: OwnField(**field) for name, field in fields.items()}
    source = Source(kind="files", folder=folder)
    return read(Settings(time_zone="Europe/Moscow", home=folder, data=folder, source=source, fields=own))


def values(delivery: Delivery) -> list[tuple]:
    return [(row["entity_id"], row["field"], row["value"]) for row in delivery.tables["own_values"].to_pylist()]


def told(delivery: Delivery) -> list[str]:
    return [hole["text"] for hole in delivery.holes if hole["code"] == "own_field"]


@pytest.mark.parametrize(
    ("header", "kind", "kept"),
    [
        ("Region", "dimension", ["North", None]),
        ("region", "text", ["North", None]),  # letters in another case name the same column
        ("Score", "number", ["1.5", None]),
        ("Budget", "money", ["100|RUB", "20|USD"]),
        ("Urgent", "flag", ["1", "0"]),
        ("Ready on", "date", ["2025-03-31", None]),
    ],
)
def test_a_column_is_kept_as_a_portals_field_of_that_kind_is(tmp_path, header, kind, kept):
    delivery = delivered(tmp_path, own={"from": header, "as": kind})
    assert values(delivery) == [("1", header, kept[0]), ("2", header, kept[1])]
    (field,) = delivery.tables["own_fields"].to_pylist()
    assert (field["entity"], field["field"], field["label"].casefold()) == ("deal", header, header.casefold())
    assert told(delivery) == []


def test_a_cell_that_cant_be_read_is_told_with_its_line(tmp_path):
    with pytest.raises(FilesError, match=r"deals\.csv, line 3"):
        delivered(
            tmp_path, DEALS.replace("2;open;USD;;;", "2;open;USD;;many;"), score={"from": "Score", "as": "number"}
        )


def test_a_column_that_is_not_there_and_one_of_what_files_do_not_have_are_told(tmp_path):
    delivery = delivered(tmp_path, region={"from": "Regoin"}, segment={"from": "Segment", "of": "company"})
    assert told(delivery) == [
        "deals has no column 'Regoin', which [fields] in reports.toml names; it has: Region, Ready on, Urgent.",
        "[fields] in reports.toml names 'Segment' of company: files have columns of deals and leads only.",
    ]


def test_without_fields_there_are_no_tables_of_them(tmp_path):
    assert {"own_fields", "own_values"}.isdisjoint(delivered(tmp_path).tables)
