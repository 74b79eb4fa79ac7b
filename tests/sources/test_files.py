"""Another CRM's export: how cells are read, what tables they make, and how mistakes are told."""

import json
import logging
import os
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from babel.numbers import format_decimal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_reports.errors import FilesError
from crm_reports.settings import Settings, Source
from crm_reports.sources.fields import TABLES, VERSIONED, arrow_schema
from crm_reports.sources.files import FILES, Delivery, numbers, read

MAVEN = os.environ.get("CRM_REPORTS_MAVEN")  # read here, for each test clears the environment
DOCS = Path(__file__).parents[2] / "docs" / "files.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        lines = [line.strip() for line in text.strip().splitlines()]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def delivered(folder: Path, **chosen: object) -> Delivery:
    written = {name: chosen.pop(name) for name in ("encoding", "decimal", "dates") if name in chosen}
    source = Source(kind="files", folder=folder, **written)
    known = {"time_zone": "Europe/Moscow", "home": folder, "data": folder, "source": source}
    return read(Settings(**known | chosen))


def tables(folder: Path, **chosen: object) -> dict[str, list[dict]]:
    return {name: table.to_pylist() for name, table in delivered(folder, **chosen).tables.items()}


def read_raw(folder: Path) -> dict[str, pa.Table]:
    return delivered(folder).tables


def holes(folder: Path, **chosen: object) -> dict[str, str]:
    """The sentences on what is not told or not sure, by code."""
    return {hole["code"]: hole["text"] for hole in delivered(folder, **chosen).holes}


def refused(folder: Path, **files: str) -> list[str]:
    with pytest.raises(FilesError) as caught:
        tables(write(folder, **files))
    return str(caught.value).splitlines()


def column(rows: list[dict], name: str) -> list:
    return [row[name] for row in rows]


# Cells


def test_the_least_there_can_be_is_id_and_outcome(folder):
    made = tables(write(folder, deals="id,outcome\n1,open"))
    assert set(made) == {"deals", "currencies"}
    assert made["deals"] == [
        dict.fromkeys(TABLES["deals"].columns) | {"deal_id": "1", "outcome": "open", "pipeline_id": ""}
    ]
    assert made["currencies"] == [{"currency": "RUB", "rate": 1.0, "is_base": True}]


def test_every_table_has_the_types_of_fields(folder):
    write(
        folder,
        deals="id,outcome,manager,department,stage,source,company,contact,pipeline\n1,open,A,D,S,W,C,P,M",
        stage_history="deal_id,stage,at\n1,S,2025-01-01",
        activities="kind,at\ncall,2025-01-01",
        leads="id,outcome,stage\nL,open,New",
        product_rows="deal_id,product,section,quantity,price,discount\n1,Conveyor,Machines,2,400,100",
    )
    made = read_raw(folder)
    assert {name: table.schema for name, table in made.items()} == {name: arrow_schema(name) for name in made}
    assert set(made) == set(TABLES) - {
        "syncs",
        "plan_lines",
        "dated_notes",
        "own_fields",
        "own_options",
        "own_values",
        "comments",
        "done_seen",
        *(f"{each}_versions" for each in VERSIONED),
    }


def test_ids_are_text_whatever_they_look_like(folder):
    made = tables(write(folder, deals="id,outcome\n007,open\n1.0,open\n 1e5 ,open\nNA,open\nnull,open"))
    assert column(made["deals"], "deal_id") == ["007", "1.0", "1e5", "NA", "null"]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-12-01", datetime(2024, 11, 30, 21)),
        ("2024-12-01T10:00:00Z", datetime(2024, 12, 1, 10)),
        ("2024-12-01T10:00:00+03:00", datetime(2024, 12, 1, 7)),
        ("2024-12-01 10:00:00 +0300", datetime(2024, 12, 1, 7)),
        ("2024-12-01 10:00", datetime(2024, 12, 1, 7)),
        ("2024-12-01 9:05", datetime(2024, 12, 1, 6, 5)),
        ("2024-12-01T10:00:00.250", datetime(2024, 12, 1, 7, 0, 0, 250_000)),
        ("01.12.2024", datetime(2024, 11, 30, 21)),
        ("1.12.2024 10:00", datetime(2024, 12, 1, 7)),
        ("2024-1-5", datetime(2024, 1, 4, 21)),
    ],
)
def test_an_instant_without_offset_is_local_and_a_day_its_midnight(folder, text, utc):
    made = tables(write(folder, deals=f"id;outcome;created_at\n1;open;{text}"))
    assert made["deals"][0]["created_at"] == utc.replace(tzinfo=UTC)


def test_a_local_time_that_comes_twice_is_the_first_and_one_that_does_not_exist_is_the_jump(folder):
    write(folder, deals="id,outcome,created_at\n1,open,2025-10-26 02:30\n2,open,2025-03-30 02:30")
    made = tables(folder, time_zone="Europe/Berlin")
    assert column(made["deals"], "created_at") == [
        datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
        datetime(2025, 3, 30, 1, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234.5", 1234.5),
        ("1 234,50", 1234.5),
        ("1\u00a0234,50", 1234.5),
        ("1,234.50", 1234.5),
        ("1.234,50", 1234.5),
        ("1,234", 1234),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1234,5", 1234.5),
        ("1.234", 1.234),
        ("-5", -5),
        ("−5", -5),
        ("0", 0),
        ("1e3", 1000),
    ],
)
def test_amounts_are_read_as_people_write_them(folder, text, number):
    made = tables(write(folder, deals=f"id;outcome;amount\n1;open;{text}"))
    assert made["deals"][0]["amount"] == number


def test_a_comma_in_a_rate_is_never_one_of_thousands(folder):
    made = tables(write(folder, deals="id,outcome\n1,open", currencies="currency;rate\nusd;92,123\nEUR;100"))
    assert [(row["currency"], row["rate"], row["is_base"]) for row in made["currencies"]] == [
        ("RUB", 1.0, True),
        ("USD", 92.123, False),
        ("EUR", 100.0, False),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_any_delimiter_and_encoding_of_an_export(folder, delimiter, encoding):
    text = 'ID;Title;Outcome\r\n1;"Сделка; ""A""\nдва";WON\r\n'.replace(";", delimiter)
    (folder / "Deals.CSV").write_bytes(text.encode(encoding))
    made = tables(folder)
    assert (made["deals"][0]["title"], made["deals"][0]["outcome"]) == (f'Сделка{delimiter} "A"\nдва', "won")


def test_column_names_forgive_case_spaces_and_hyphens_and_unknown_ones_are_logged(folder, caplog):
    with caplog.at_level(logging.WARNING):
        made = tables(write(folder, deals=" ID ,Out come,OUTCOME,Created At,Loss-Reason\n1,x,lost,2025-01-01,price"))
    assert made["deals"][0]["loss_reason"] == "price"
    assert made["deals"][0]["created_at"] == datetime(2024, 12, 31, 21, tzinfo=UTC)
    assert caplog.messages == ["deals.csv: columns that are not read: Out come"]


def test_parquet_keeps_its_own_types(folder):
    table = pa.table({
        "id": pa.array([7, 8]),
        "outcome": pa.array(["won", "open"]).dictionary_encode(),
        "amount": pa.array([1.5, float("nan")]),
        "created_at": pa.array([datetime(2025, 1, 1, 12), None], pa.timestamp("ns")),
        "closed_at": pa.array([date(2025, 1, 2), None]),
        "company": pa.array([3.0, None]),
    })  # fmt: skip
    pa.parquet.write_table(table, folder / "deals.parquet")
    deals = tables(folder)["deals"]
    assert column(deals, "deal_id") == ["7", "8"]
    assert column(deals, "amount") == [1.5, None]
    assert column(deals, "company_id") == ["3", None]
    assert deals[0]["created_at"] == datetime(2025, 1, 1, 9, tzinfo=UTC)
    assert deals[0]["closed_at"] == datetime(2025, 1, 1, 21, tzinfo=UTC)


def test_parquet_instants_with_a_zone_are_those_instants(folder):
    at = pa.array([datetime(2025, 1, 1, 12, tzinfo=UTC)], pa.timestamp("ms", "Asia/Tokyo"))
    pa.parquet.write_table(pa.table({"id": ["1"], "outcome": ["open"], "created_at": at}), folder / "deals.parquet")
    assert tables(folder)["deals"][0]["created_at"] == datetime(2025, 1, 1, 12, tzinfo=UTC)


# Tables


def test_names_are_ids_in_the_order_of_appearance(folder):
    made = tables(write(folder, deals="""
        id,outcome,pipeline,source,company,contact,manager
        1,open,New,Web,,Bob,Ivan
        2,open,Old,,Acme,,Anna
        3,won,New,Web,Acme,,Ivan
    """))  # fmt: skip
    assert made["pipelines"] == [
        {"pipeline_id": "New", "name": "New", "position": 0},
        {"pipeline_id": "Old", "name": "Old", "position": 1},
    ]
    assert made["sources"] == [{"source_id": "Web", "name": "Web"}]
    assert column(made["companies"], "company_id") == ["Acme"]
    assert column(made["contacts"], "name") == ["Bob"]
    assert column(made["managers"], "manager_id") == ["Ivan", "Anna"]
    assert "stages" not in made


def test_a_stage_of_one_name_in_two_pipelines_is_two_stages(folder):
    made = tables(write(folder, deals="id,outcome,pipeline,stage\n1,open,A,B/C\n2,open,A/B,C\n3,open,,New\n4,open,A,"))
    assert column(made["deals"], "stage_id") == ["A/B/C", "A%2FB/C", "/New", None]
    assert len({row["stage_id"] for row in made["stages"]}) == 3


def test_stages_without_a_file_have_no_position_and_the_outcome_of_most_deals(folder):
    made = tables(write(folder, deals="id,outcome,stage\n1,won,Paid\n2,won,Paid\n3,lost,Paid\n4,open,New"))
    assert made["stages"] == [
        {"stage_id": "/Paid", "pipeline_id": "", "name": "Paid", "position": None, "outcome": "won"},
        {"stage_id": "/New", "pipeline_id": "", "name": "New", "position": None, "outcome": "open"},
    ]


def test_listed_stages_come_first_and_one_without_pipeline_is_in_every_one(folder):
    made = tables(write(
        folder,
        deals="id,outcome,pipeline,stage\n1,open,A,New\n2,open,B,Gone\n3,won,B,Paid",
        stages="pipeline,stage,position,outcome\n,New,10,open\n,Paid,20,\nA,Own,15,open",
    ))  # fmt: skip
    assert {(row["stage_id"], row["position"], row["outcome"]) for row in made["stages"]} == {
        ("A/New", 10, "open"), ("B/New", 10, "open"), ("A/Own", 15, "open"),
        ("A/Paid", 20, "open"), ("B/Paid", 20, "won"), ("B/Gone", None, "open"),
    }  # fmt: skip


def test_without_positions_the_order_of_the_rows_counts(folder):
    made = tables(write(folder, deals="id,outcome,stage\n1,open,B", stages="stage\nB\nA"))
    assert [(row["name"], row["position"]) for row in made["stages"]] == [("B", 0), ("A", 1)]


def test_history_takes_the_deals_pipeline_and_the_stages_outcome(folder):
    made = tables(write(
        folder,
        deals="id,outcome,pipeline,stage\n1,won,A,Paid",
        stage_history="""
            deal_id,stage,at,pipeline
            1,New,2025-01-01 10:00,B
            1,Paid,2025-01-02 10:00,
            9,New,2025-01-02,
        """,
    ))  # fmt: skip
    assert made["stage_history"] == [
        {"history_id": 1, "deal_id": "1", "stage_id": "B/New", "pipeline_id": "B", "outcome": "open",
         "at": datetime(2025, 1, 1, 7, tzinfo=UTC)},
        {"history_id": 2, "deal_id": "1", "stage_id": "A/Paid", "pipeline_id": "A", "outcome": "won",
         "at": datetime(2025, 1, 2, 7, tzinfo=UTC)},
        {"history_id": 3, "deal_id": "9", "stage_id": "/New", "pipeline_id": "", "outcome": "open",
         "at": datetime(2025, 1, 1, 21, tzinfo=UTC)},
    ]  # fmt: skip


def test_activities_done_planned_and_incoming(folder):
    made = tables(write(folder, deals="id,outcome\n1,open", activities="""
        id,deal_id,author,kind,at,completed,direction
        a,1,Anna,call,2025-01-01 10:00,да,in
        b,1,Anna,email,2025-01-01 11:00,Y,in
        c,1,Anna,email,2025-01-01 11:00,true,out
        d,1,Anna,meeting,2025-02-01 10:00,0,
        e,X,Ivan,crm_activity,2025-01-03,1,
        f,,Ivan,comment,2025-01-03,,
        ,1,Ivan,crm_activity,,no,
    """))["activities"]  # fmt: skip
    shown = ("activity_id", "owner_type", "is_done", "is_action", "is_incoming", "is_plan")
    assert [tuple(row[name] for name in shown) for row in made] == [
        ("a", "deal", True, True, False, False),
        ("b", "deal", True, False, True, False),
        ("c", "deal", True, True, False, True),
        ("d", "deal", False, False, False, True),
        ("e", "other", True, True, False, True),
        ("f", "other", True, True, False, False),
        ("#7", "deal", False, False, False, True),
    ]
    assert (made[3]["at"], made[3]["deadline_at"]) == (None, datetime(2025, 2, 1, 7, tzinfo=UTC))
    assert (made[0]["at"], made[0]["deadline_at"]) == (datetime(2025, 1, 1, 7, tzinfo=UTC), None)
    assert (made[6]["at"], made[6]["deadline_at"]) == (None, None)


def test_activities_that_do_not_say_whether_they_are_finished_are(folder):
    made = tables(write(folder, deals="id,outcome\n1,open", activities="kind,at,author\ncall,2025-01-01,Anna"))
    assert [(row["is_done"], row["is_action"], row["manager_id"]) for row in made["activities"]] == [
        (True, True, "Anna")
    ]
    assert column(made["managers"], "name") == ["Anna"]


def test_a_manager_belongs_to_the_department_of_most_deals_unless_a_file_says(folder):
    made = tables(write(
        folder,
        deals="""
            id,outcome,manager,department,created_at
            1,open,Anna,North,2025-01-03
            2,open,Anna,South,2025-01-02
            3,open,Anna,South,2025-01-01
            4,open,Ivan,South,2025-01-02
            5,open,Ivan,North,2025-01-03
            6,open,Olga,North,2025-01-01
            7,open,Nobody,,2025-01-01
        """,
        managers="name,active,job_title,email,department\nOlga,no,Boss,olga@acme.example,Board",
        departments="name,parent,head\nNorth,Company,Olga",
    ))  # fmt: skip
    homes = {row["manager_id"]: row["department_id"] for row in made["manager_departments"]}
    assert homes == {"Anna": "South", "Ivan": "North", "Olga": "Board"}  # Ivan: one each, North is the later
    assert made["managers"][0] == {
        "manager_id": "Olga", "name": "Olga", "is_active": False, "job_title": "Boss", "email": "olga@acme.example",
    }  # fmt: skip
    assert {row["department_id"]: (row["parent_id"], row["head_id"]) for row in made["departments"]} == {
        "North": ("Company", "Olga"), "Company": (None, None), "South": (None, None), "Board": (None, None),
    }  # fmt: skip


def test_leads_bring_their_stages_and_people(folder):
    made = tables(write(
        folder,
        deals="id,outcome\n1,open",
        leads="id,outcome,stage,manager,source,created_at\nL1,won,Converted,Anna,Web,2025-01-01\nL2,open,New,,,",
    ))  # fmt: skip
    assert [(row["lead_id"], row["stage_id"], row["outcome"]) for row in made["leads"]] == [
        ("L1", "Converted", "won"),
        ("L2", "New", "open"),
    ]
    assert {(row["stage_id"], row["outcome"]) for row in made["lead_stages"]} == {("Converted", "won"), ("New", "open")}
    assert (column(made["managers"], "name"), column(made["sources"], "name")) == (["Anna"], ["Web"])


def test_the_base_currency_is_the_settings(folder):
    made = tables(
        write(folder, deals="id,outcome,currency\n1,open,eur", currencies="currency,rate\nEUR,1"), base_currency="EUR"
    )
    assert made["currencies"] == [{"currency": "EUR", "rate": 1.0, "is_base": True}]
    assert made["deals"][0]["currency"] == "EUR"


# How files are written


def test_a_header_over_two_lines_leaves_every_cell_a_text(folder):
    (folder / "deals.csv").write_text('"Deal\nname",id,manager,outcome\nx,007,007,won\ny,7,7,won\nz,NA,NA,"wo\nn"\n')
    told = refused(folder)
    assert told == ["deals.csv, line 5, column outcome: 'wo\\nn' is not one of open, won, lost"]
    (folder / "deals.csv").write_text('"Deal\nname",id,manager,outcome\nx,007,007,won\ny,7,7,won\nz,NA,NA,won\n')
    made = tables(folder)
    assert column(made["deals"], "deal_id") == column(made["deals"], "manager_id") == ["007", "7", "NA"]
    assert column(made["managers"], "name") == ["007", "7", "NA"]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nid;outcome;title\n1;won;a,b\n",
        '"sep=|"\r\nid|outcome|title\r\n1|won|a,b\r\n',
        "\n  \n;;\nid;outcome;title\n1;won;a,b\n",
        "\ufeff\ufeffid;outcome;title\n1;won;a,b",
        "id;outcome;title;\n1;won;a,b;\n",
        "id;outcome;title;\n1;won;a,b\n",
        "id;outcome;title\n1;won;a,b;;\n",
        '"x;y,z";id;outcome;title\n;1;won;a,b\n',
        "x,y,z,t;id;outcome;title\n;1;won;a,b\n",
        '"cre\rated";id;out-come;title;outcome;Note;note\n;1;;a,b;won;1;2\n',
        '"id"\t"outcome"\t"title"\r1\twon\t"a,b"\r',
    ],
)
def test_a_file_is_read_whatever_program_wrote_it(folder, text):
    (folder / "deals.csv").write_text(text, encoding="utf-8", newline="")
    deals = tables(folder)["deals"]
    assert [(row["deal_id"], row["outcome"], row["title"]) for row in deals] == [("1", "won", "a,b")]


def test_quotes_in_the_middle_are_letters_and_one_that_never_ends_is_told(folder):
    made = tables(write(folder, deals='id,outcome,title\n1,won,5" pipe\n2,open,"say ""yes"""'))
    assert column(made["deals"], "title") == ['5" pipe', 'say "yes"']
    told = refused(folder, deals='id,outcome,title\n1,won,a\n2,won,"never\n3,open,c')
    assert told == ["deals.csv, line 3: a quote begins in this row and never ends; close it"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_what_excel_calls_unicode_text_is_read(folder, encoding):
    (folder / "deals.csv").write_bytes("id\toutcome\ttitle\r\n1\twon\tСделка Jörg\r\n".encode(encoding))
    assert column(tables(folder)["deals"], "title") == ["Сделка Jörg"]
    assert "encoding" not in holes(folder)


@pytest.mark.parametrize(
    ("name", "written", "read"),
    [("Jörg Müller", "latin-1", "cp1252"), ("Wałęsa", "cp1250", "cp1250"), ("Анна Орлова", "koi8-r", "koi8-r"),
     ("Анна Орлова", "cp866", "cp866")],
)  # fmt: skip
def test_another_encoding_is_guessed_by_its_words_and_the_guess_is_told(folder, name, written, read):
    (folder / "deals.csv").write_bytes(f"id,outcome,manager\n1,won,{name}\n".encode(written))
    assert column(tables(folder)["managers"], "name") == [name]
    assert holes(folder)["encoding"] == (
        f"deals.csv is not UTF-8 and was read as {read}; if its names look wrong, name another: "
        'encoding = "latin-1" under [source] in reports.toml.'
    )


def test_russian_windows_is_sure_of_itself_and_a_single_letter_is_not(folder):
    (folder / "deals.csv").write_bytes("id,outcome,manager\n1,won,Анна\n".encode("cp1251"))
    assert "encoding" not in holes(folder)
    (folder / "deals.csv").write_bytes("id,outcome,manager\n1,won,à Paris\n".encode("latin-1"))
    assert "was read as cp1251" in holes(folder)["encoding"]
    assert column(tables(folder, encoding="latin-1")["managers"], "name") == ["à Paris"]


def test_a_file_that_is_not_in_the_named_encoding_or_broken_is_told_with_its_line(folder):
    (folder / "deals.csv").write_bytes("id,outcome,manager\n1,won,Анна\n".encode("cp1251"))
    with pytest.raises(
        FilesError, match=r"deals\.csv, line 2 holds a letter that is not ascii; save the file as UTF-8"
    ):
        tables(folder, encoding="ascii")
    (folder / "deals.csv").write_bytes("id,outcome,manager\n1,won,Анна Орлова\n2,won,\xd0".encode() + b"\xd0\n")
    with pytest.raises(FilesError, match=r"deals\.csv, line 3 holds a letter that is not utf-8"):
        tables(folder)


# Every type of Parquet

WORDS = [
    pa.array(["A", None]),
    pa.array(["A", None], pa.large_string()),
    pa.array(["A", None], pa.string_view()),
    pa.array([b"A", None]),
    pa.array([b"A", None], pa.large_binary()),
    pa.array([b"A", None], pa.binary_view()),
    pa.array([b"A", None], pa.binary(1)),
    pa.array(["A", None]).dictionary_encode(),
    pa.DictionaryArray.from_arrays(pa.array([0, None], pa.int8()), pa.array(["A"], pa.large_string())),
]
SEVENS = [
    *(pa.array([7, None], kind) for kind in (pa.int8(), pa.int64(), pa.uint8(), pa.uint64())),
    *(pa.array([7.0, None], kind) for kind in (pa.float16(), pa.float32(), pa.float64())),
    *(pa.array([Decimal("7.00"), None], kind) for kind in (pa.decimal128(10, 2), pa.decimal256(60, 2))),
    *(pa.array([Decimal("7.00"), None], kind) for kind in (pa.decimal32(5, 2), pa.decimal64(12, 2))),
    pa.array(["7", None], pa.string_view()),
    pa.array(["7.0", None]).dictionary_encode(),
]
NOON = datetime(2025, 1, 1, 12)
INSTANTS = [
    *((pa.array([NOON, None], pa.timestamp(unit)), 9) for unit in ("s", "ms", "us", "ns")),
    *((pa.array([NOON, None], pa.timestamp(unit, "UTC")), 12) for unit in ("s", "ms", "us", "ns")),
    *((pa.array([NOON, None], pa.timestamp("ms", zone)), 12) for zone in ("Asia/Tokyo", "+05:30", "Old/Gone")),
    (pa.array([date(2025, 1, 1), None], pa.date32()), -3),
    (pa.array([date(2025, 1, 1), None], pa.date64()), -3),
    (pa.array(["2025-01-01 12:00", None], pa.string_view()), 9),
]


def parquet(folder: Path, **columns: pa.Array) -> Path:
    size = len(next(iter(columns.values())))
    plain = {"id": pa.array([str(place) for place in range(size)]), "outcome": pa.array(["open"] * size)}
    pa.parquet.write_table(pa.table(plain | columns), folder / "deals.parquet")
    return folder


def type_of(cells: object) -> str:
    return str(getattr(cells, "type", cells))


@pytest.mark.parametrize("cells", WORDS, ids=type_of)
def test_every_type_of_text_is_text(folder, cells):
    made = tables(parquet(folder, manager=cells, title=cells))
    assert [(row["manager_id"], row["title"]) for row in made["deals"]] == [("A", "A"), (None, None)]


@pytest.mark.parametrize("cells", SEVENS, ids=type_of)
def test_every_type_of_number_is_the_same_number_and_the_same_key(folder, cells):
    made = tables(parquet(folder, amount=cells, manager=cells))
    assert [(row["amount"], row["manager_id"]) for row in made["deals"]] == [(7, "7"), (None, None)]


@pytest.mark.parametrize(("cells", "hour"), INSTANTS, ids=type_of)
def test_every_type_of_instant_is_that_instant(folder, cells, hour):
    midnight = datetime(2025, 1, 1, tzinfo=UTC)
    made = tables(parquet(folder, created_at=cells))
    assert column(made["deals"], "created_at") == [midnight + timedelta(hours=hour), None]


def test_booleans_and_nothing_are_flags(folder):
    parquet(folder, manager=pa.array(["A", "B", "C"]), amount=pa.nulls(3), created_at=pa.nulls(3), stage=pa.nulls(3))
    people = pa.table({"name": ["A", "B", "C"], "active": pa.array([True, False, None]), "email": pa.nulls(3)})
    pa.parquet.write_table(people, folder / "managers.parquet")
    made = tables(folder)
    assert column(made["managers"], "is_active") == [True, False, True]
    assert (column(made["deals"], "amount"), column(made["deals"], "created_at")) == ([None] * 3, [None] * 3)


@pytest.mark.parametrize(
    "cells",
    [pa.array([time(12)]), pa.array([timedelta(1)]), pa.array([["a"]]), pa.array([{"a": 1}]), pa.array([b"\xff"]),
     pa.array([2.0**60])],
    ids=type_of,
)  # fmt: skip
def test_a_type_that_says_no_name_is_told(folder, cells):
    with pytest.raises(
        FilesError, match=r"^deals.parquet, column title holds .*, which can't be read; write it as text$"
    ):
        tables(parquet(folder, title=cells))


def test_instants_beyond_all_years_and_numbers_without_end_are_told_by_their_rows(folder):
    parquet(folder, created_at=pa.array([0, 2**62], pa.timestamp("us")), amount=pa.array([1.0, float("inf")]))
    with pytest.raises(FilesError) as caught:
        tables(folder)
    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()] == [
        "deals.parquet, row 2, column amount", "deals.parquet, row 2, column created_at",
    ]  # fmt: skip


# One rule for keys


def test_what_a_spreadsheet_made_1_0_of_1_is_1_in_every_table(folder):
    made = tables(write(
        folder,
        deals="id,outcome,manager,company\n1,open,17,\n 2 ,open,18,5.0\n3,open,,",
        activities='deal_id,author,kind,at\n1.0,17.0,call,2025-01-01\n"2,0",,call,2025-01-01\n,,call,2025-01-01',
        stage_history="deal_id,stage,at\n3.00,New,2025-01-01",
        managers="name,department\n17,North\n18,North",
    ))  # fmt: skip
    assert column(made["activities"], "owner_id") == ["1", "2", None]
    assert column(made["activities"], "owner_type") == ["deal", "deal", "other"]
    assert column(made["stage_history"], "deal_id") == ["3"]
    assert column(made["managers"], "manager_id") == ["17", "18"]
    assert column(made["companies"], "company_id") == ["5"]
    assert not {"foreign_activities", "foreign_history"} & holes(folder).keys()


def test_a_name_like_1_0_among_others_stays_itself(folder):
    made = tables(write(
        folder, deals="id,outcome\n1.0,open\n1.1,open", activities="deal_id,kind,at\n1.0,call,2025-01-01"
    ))  # fmt: skip
    assert column(made["deals"], "deal_id") == ["1.0", "1.1"]
    assert column(made["activities"], "owner_type") == ["deal"]


def test_rows_that_belong_to_nothing_are_told_by_table_with_examples(folder):
    write(
        folder,
        deals="id,outcome,stage\n1,open,New\n2,open,new",
        activities="deal_id,kind,at\nD-1,call,2025-01-01\nD-1,call,2025-01-02\nD-2,call,2025-01-02\n1,call,2025-01-02",
        stage_history="deal_id,stage,at\n9,New,2025-01-01\n1,Old,2025-01-02",
        stages="stage\nNew",
    )
    told = holes(folder)
    assert told["foreign_activities"] == (
        "3 activities are of deals that the files do not have ('D-1', 'D-2'); they count for their authors, on no deal."
    )
    assert told["foreign_history"] == ("1 stage entry is of a deal that the files do not have ('9'); it is left out.")
    assert told["unlisted_stages"] == (
        "2 stages of deals or history are not in the file of stages ('new', 'Old'): they are no steps of the funnel."
    )


def test_names_that_only_case_or_blanks_tell_apart_are_listed(folder):
    write(
        folder,
        deals="id,outcome,stage,manager,source,pipeline,company\n1,open,Paid,Anna Orlova,Web,Sales,Acme\n"
        "2,open,PAID,anna orlova,web,SALES,Acme\n3,open,Paid,Anna  Orlova,Web ,Sales,ACME",
        activities="author,kind,at\nAnna\u00a0Orlova,call,2025-01-01",
    )
    told = holes(folder)
    assert told["alike_manager"] == (
        "People whose names differ in case or blanks only are counted apart: "
        "'Anna\\xa0Orlova' = 'Anna Orlova' = 'anna orlova' = 'Anna  Orlova'."
    )
    assert told["alike_stage"].endswith("'Paid' = 'PAID'.")
    assert told["alike_source"].endswith("'Web' = 'web'.")
    assert told["alike_pipeline"].endswith("'Sales' = 'SALES'.")
    assert told["alike_company"].endswith("'Acme' = 'ACME'.")


# Numbers and dates that can be meant in two ways


def amounts(folder: Path, *cells: str, **chosen: object) -> list[float | None]:
    rows = "".join(f'{place};open;"{cell}"\n' for place, cell in enumerate(cells))
    (folder / "deals.csv").write_text("id;outcome;amount\n" + rows, encoding="utf-8")
    return column(tables(folder, **chosen)["deals"], "amount")


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["0,500", "1,250"], [0.5, 1.25]),
        (["2.000", "1.500,00"], [2000, 1500]),
        (["2,000", "1,500.00"], [2000, 1500]),
        (["1.234", "12,5"], [1234, 12.5]),
        (["1,234", "1234,5"], [1.234, 1234.5]),
        (["1,234", "1,234,567"], [1234, 1234567]),
        (["1.234", "0.5", ""], [1.234, 0.5, None]),
        (["1\u202f234,50", "2\u00a0000"], [1234.5, 2000]),
        (["1'234.50", "1’000"], [1234.5, 1000]),
        (["12,34,567.5"], [1234567.5]),
        (["(1,234.50)", "7-", "\u22125", "+5"], [-1234.5, -7, -5, 5]),
        (["1,5E+03", "2e2"], [1500, 200]),
        (["₽ 1 234,5", "5 руб.", "RUB 7"], [1234.5, 5, 7]),
        (["1,234.5", "1.234,5"], [1234.5, 1234.5]),
    ],
)
def test_a_comma_and_a_point_mean_what_the_whole_column_tells(folder, cells, numbers):
    assert amounts(folder, *cells) == numbers


@pytest.mark.parametrize("cell", ["12 34", "1,23,4", "1.1.1", "5%", "--5", "(-5)", "5 apples", "1,2,3", "0,500,000"])
def test_what_is_no_number_in_any_country_is_refused(folder, cell):
    with pytest.raises(FilesError, match="is not a number such as"):
        amounts(folder, cell)


def test_a_column_that_does_not_tell_is_read_as_usual_and_said(folder):
    assert amounts(folder, "1,234", "2.500", "7") == [1234, 2.5, 7]
    assert holes(folder)["undecided_decimals"] == (
        "deals.csv, column amount: no cell tells whether '1,234' has thousands or decimals; a comma was read as parting "
        'thousands, a point as the decimal sign. If it is the other way round: decimal = "," under [source] in '
        "reports.toml."
    )
    assert amounts(folder, "1,234", "2.500", "7", decimal=",") == [1.234, 2500, 7]
    assert "undecided_decimals" not in holes(folder, decimal=",")


def test_a_column_in_two_ways_is_said_and_its_doubtful_cells_are_refused(folder):
    amounts(folder, "1,234.5", "1.234,5")
    assert holes(folder)["mixed_decimals"] == (
        "deals.csv, column amount is written in two ways, '1,234.5' and '1.234,5': each cell was read by itself."
    )
    with pytest.raises(FilesError) as caught:
        amounts(folder, "1,234.5", "1.234,5", "1,234")
    assert str(caught.value) == (
        "deals.csv, line 4, column amount: '1,234' may be meant in two ways, for the column has '1,234.5' and '1.234,5': "
        "write one way"
    )


def test_a_sign_of_another_currency_is_refused(folder):
    with pytest.raises(FilesError, match=r"line 2, column amount: '\$5' names another currency than the deal's"):
        amounts(folder, "$5")
    assert amounts(folder, "$5", base_currency="USD") == [5]


LOCALES = st.sampled_from(
    ["en_US", "de_DE", "ru_RU", "fr_FR", "de_CH", "en_IN", "pl_PL", "pt_BR", "sv_SE", "it_IT", "da_DK"]
)


@given(LOCALES, st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_numbers_of_any_country_come_back_to_the_cent(locale, cents):
    def read_back(written: list[str]) -> list[float]:
        return numbers.read(pd.Series(written, dtype="str")).settle().cells.tolist()

    priced = [format_decimal(Decimal(cent) / 100, "#,##0.00", locale=locale) for cent in cents]
    assert read_back(priced) == [cent / 100 for cent in cents]
    whole = [format_decimal(cent, "#,##0", locale=locale) for cent in [*cents, 10**7]]
    assert read_back(whole) == [*cents, 10**7]


def created(folder: Path, *cells: str, **chosen: object) -> list[str]:
    rows = "".join(f'{place};open;"{cell}"\n' for place, cell in enumerate(cells))
    (folder / "deals.csv").write_text("id;outcome;created_at\n" + rows, encoding="utf-8")
    made = column(tables(folder, time_zone="UTC", **chosen)["deals"], "created_at")
    return [instant.strftime("%Y-%m-%d %H:%M") for instant in made]


@pytest.mark.parametrize(
    ("cells", "instants"),
    [
        (["03/04/2025", "25/04/2025 9:30"], ["2025-04-03 00:00", "2025-04-25 09:30"]),
        (["03/04/2025", "4/25/2025 6:30 PM"], ["2025-03-04 00:00", "2025-04-25 18:30"]),
        (["3-4-2025", "31-12-2025 12:05 am"], ["2025-04-03 00:00", "2025-12-31 00:05"]),
        (["2025/4/3", "2025.12.31, 10:00"], ["2025-04-03 00:00", "2025-12-31 10:00"]),
        (["5/5/2025", "2025-04-03"], ["2025-05-05 00:00", "2025-04-03 00:00"]),
        (["03.04.2025"], ["2025-04-03 00:00"]),
    ],
)
def test_the_whole_column_tells_which_is_the_month(folder, cells, instants):
    assert created(folder, *cells) == instants


def test_where_nothing_tells_the_month_it_is_asked_for(folder):
    with pytest.raises(FilesError) as caught:
        created(folder, "03/04/2025", "05/06/2025")
    assert str(caught.value) == (
        "deals.csv, column created_at: no cell tells which is the month in '03/04/2025'; write days as 2025-06-30, or "
        'say dates = "day first" or "month first" under [source] in reports.toml'
    )
    assert created(folder, "03/04/2025", dates="day first") == ["2025-04-03 00:00"]
    assert created(folder, "03/04/2025", dates="month first") == ["2025-03-04 00:00"]


def test_another_column_tells_the_month_too(folder):
    made = tables(write(folder, deals="id,outcome,created_at,closed_at\n1,won,03/04/2025,04/25/2025"), time_zone="UTC")
    assert made["deals"][0]["created_at"] == datetime(2025, 3, 4, tzinfo=UTC)


def test_days_in_two_orders_are_refused_where_they_are_doubtful(folder):
    assert created(folder, "25/04/2025", "04/26/2025") == ["2025-04-25 00:00", "2025-04-26 00:00"]
    assert "mixed_dates" in holes(folder, time_zone="UTC")
    with pytest.raises(FilesError, match="line 4, column created_at: '03/04/2025' may be meant in two ways"):
        created(folder, "25/04/2025", "04/26/2025", "03/04/2025")


# Mistakes


def test_mistakes_are_told_at_once_with_file_line_and_column(folder):
    told = refused(
        folder,
        deals="""
            id,title,outcome,amount,created_at
            1,"a
            b",open,x,2025-01-01

            2,,Won!,1,2025-02-30
            1,,open,,1.1.1
            ,,open,,
        """,
        stage_history="deal_id,stage,at\n1,,2025-01-01\n1,New,",
        activities="kind,at,completed,direction\nfax,2025-01-01,maybe,up\ncall,,1,",
        stages="stage,position\nNew,1.5\nNew,2",
    )
    assert told == [
        "activities.csv, line 2, column kind: 'fax' is not one of call, meeting, email, crm_activity, comment",
        "activities.csv, line 2, column completed: 'maybe' is not yes or no (1 or 0, true or false)",
        "activities.csv, line 2, column direction: 'up' is not one of in, out",
        "deals.csv, line 7, column id: is empty; it must be filled",
        "deals.csv, line 5, column outcome: 'Won!' is not one of open, won, lost",
        "deals.csv, line 2, column amount: 'x' is not a number such as 1234.50",
        "deals.csv, line 5, column created_at: '2025-02-30' is not a day or an instant such as 2025-06-30 "
        "or 2025-06-30T18:00+03:00, from 1900 to 2199",
        "deals.csv, line 6, column created_at: '1.1.1' is not a day or an instant such as 2025-06-30 "
        "or 2025-06-30T18:00+03:00, from 1900 to 2199",
        "stage_history.csv, line 2, column stage: is empty; it must be filled",
        "stage_history.csv, line 3, column at: is empty; it must be filled",
        "stages.csv, line 2, column position: '1.5' is not a whole number",
        "activities.csv, line 3, column at: is empty; a finished activity needs its instant",
        "deals.csv, line 6, column id: '1' is there twice; keep one",
        "stages.csv, line 3, column stage: 'New' is there twice; keep one",
    ]


def test_after_twenty_mistakes_only_their_number_is_told(folder):
    told = refused(folder, deals="id,outcome\n" + "\n".join(f"{number},bad" for number in range(50)))
    assert (len(told), told[-1]) == (21, "… and 30 more")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"stages": "stage\nNew"}, "must hold deals.csv, .xlsx or .parquet, or deals as a CRM exports them; it holds: stages.csv"),
        ({"deals": "id,state\n1,open"}, "deals.csv has no column outcome; it has: id, state"),
        ({"deals": "id,outcome,Outcome\n1,open,won"}, "deals.csv has the column outcome twice; keep one"),
        ({"deals": "id,outcome\n1,open,2\n2\n3,open"}, "deals.csv, line 2 has 3 cells, the header 2; check the quotes"),
        ({"deals": "id,outcome,amount\n1,open,nan"}, "'nan' is not a number"),
        ({"deals": "id,outcome,created_at\n1,open,9999-12-31"}, "'9999-12-31' is not a day"),
        ({"deals": "id,outcome", "currencies": "currency,rate\nUSD,0"}, "the rate of 'USD' is 0.0; give what one unit"),
        ({"deals": "id,outcome", "currencies": "currency,rate\nRUB,90"}, "RUB is the base currency, its rate is 90.0"),
        ({"deals": "id,outcome", "currencies": "currency,rate\nUSD,90\nusd,91"}, "'usd' is there twice"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_told(folder, files, told):
    assert told in "\n".join(refused(folder, **files))


def test_an_empty_file_and_a_broken_one_are_told(folder):
    (folder / "deals.csv").write_bytes(b"")
    (folder / "stages.parquet").write_bytes(b"no parquet")
    told = refused(folder)
    assert [line.split(" can't be read")[0] for line in told] == ["deals.csv", "stages.parquet"]


def test_a_file_that_is_there_twice_is_told(folder):
    pa.parquet.write_table(pa.table({"id": ["1"], "outcome": ["open"]}), folder / "deals.parquet")
    assert refused(folder, deals="id,outcome\n1,open") == ["deals.csv and deals.parquet are both there; keep one"]


def test_a_parquet_cell_is_told_by_its_row_and_a_list_is_no_text(folder):
    table = pa.table({"id": ["1", "2"], "outcome": ["open", "x"], "title": [["a"], ["b"]]})
    pa.parquet.write_table(table, folder / "deals.parquet")
    told = refused(folder)
    assert "deals.parquet, row 2, column outcome: 'x' is not one of open, won, lost" in told
    assert "deals.parquet, column title holds list<element: string>, which can't be read; write it as text" in told


def test_a_folder_that_is_not_there_is_told(folder):
    with pytest.raises(FilesError, match="is not there; give a folder"):
        tables(folder / "nowhere")


# What is not told


def test_empty_columns_are_holes_and_not_zeros(folder):
    write(folder, deals="id,outcome\n1,won", stage_history="deal_id,stage,at\n9,New,2025-01-01")
    assert [(hole["table"], hole["code"]) for hole in delivered(folder).holes] == [
        ("deals", "no_created_at"), ("deals", "no_closed_at"), ("deals", "no_amount"), ("deals", "no_manager_id"),
        ("stage_history", "foreign_history"),
    ]  # fmt: skip


def test_finished_activities_without_a_single_day_are_left_out_and_said(folder):
    write(folder, deals="id,outcome\n1,open", activities="kind,author\ncall,Anna")
    assert "activities" not in tables(folder)
    assert holes(folder)["no_at"] == "The files do not say when activities were done: none of them is in this report."


def test_a_full_export_and_an_empty_one_have_no_holes(folder):
    full = "id,outcome,created_at,closed_at,amount,manager\n1,won,2025-01-01,2025-01-02,5,Anna\n2,open,,,,"
    assert holes(write(folder, deals=full)) == {}
    assert holes(write(folder, deals="id,outcome")) == {}


# All together


@given(st.text(max_size=40), st.sampled_from(["deals", "stages", "activities"]))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_file_holds_is_read_or_told(folder, text, name):
    write(folder, deals="id,outcome\n1,open")
    (folder / f"{name}.csv").write_bytes(("id,outcome,stage,kind,at\n" + text).encode("utf-8", "surrogatepass"))
    try:
        made = read_raw(folder)
    except FilesError as error:
        made = str(error)
    (folder / f"{name}.csv").unlink()
    assert made


CELLS = st.text(st.characters(exclude_categories=["C"]), max_size=8).map(str.strip)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_texts_come_back_as_they_were(folder, cells):
    rows = [
        {"id": f"D{n}", "outcome": "open", "title": title, "pipeline": name} for n, (title, name) in enumerate(cells)
    ]
    pd.DataFrame(rows, columns=["id", "outcome", "title", "pipeline"]).to_csv(folder / "deals.csv", index=False)
    deals = read_raw(folder)["deals"].to_pylist()
    assert [(row["title"] or "", row["pipeline_id"]) for row in deals] == cells


def test_the_documentation_names_every_file_and_column():
    documented = set(re.findall(r"`([a-z_]+)`", DOCS.read_text("utf-8")))
    named = set(FILES) | {column.name for columns in FILES.values() for column in columns}
    assert named - documented - set(re.findall(r"^## (\w+)$", DOCS.read_text("utf-8"), re.M)) == set()


@pytest.mark.skipif(not MAVEN, reason="CRM_REPORTS_MAVEN is not set to the folder of Maven's CSV files")
def test_the_recipe_of_the_documentation_turns_a_real_export_into_ours(folder, monkeypatch):
    (folder / "maven").symlink_to(Path(MAVEN).absolute())
    monkeypatch.chdir(folder)
    recipe = re.search(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.S).group(1)
    exec(compile(recipe, str(DOCS), "exec"), {})
    made = read_raw(folder / "export")
    outcomes = pd.Series(made["deals"]["outcome"].to_pylist()).value_counts().to_dict()
    assert outcomes == {"won": 4238, "lost": 2473, "open": 2089}
    assert made["deals"]["created_at"].null_count == 500
    assert (made["managers"].num_rows, made["departments"].num_rows) == (30, 9)  # 6 teams in 3 offices
    assert holes(folder / "export") == {}


# What deals sell


def test_product_rows_of_a_deal_come_together_and_a_product_is_in_the_section_that_most_of_its_rows_name(folder):
    rows = [
        "1,Conveyor,Machines,2,400,100",
        "1,Delivery,,1,300,",
        "2,Conveyor,Machines,1,500,0",
        "2,Conveyor,Old,1,1,0",
    ]
    made = tables(
        write(
            folder,
            deals="id,outcome\n1,won\n2,won",
            product_rows="\n".join(["deal_id,product,section,quantity,price,discount", *rows]),
        )
    )
    first, second = (json.loads(row["lines"]) for row in made["product_rows"])
    conveyor = {"product": "Conveyor", "name": "Conveyor", "quantity": 2.0, "price": 400.0, "discount": 100.0}
    delivery = {"product": "Delivery", "name": "Delivery", "quantity": 1.0, "price": 300.0, "discount": None}
    assert first == [conveyor, delivery]
    assert [line["price"] for line in second] == [500.0, 1.0]
    homes = {row["product_id"]: row["section_id"] for row in made["products"]}
    assert homes == {"Conveyor": "Machines", "Delivery": None}
    assert column(made["sections"], "name") == ["Machines", "Old"]
