"""The texts of SQL: what each says of itself."""

import json
import re

import duckdb
import pytest

from crm_reports.sources.fields import TABLES
from crm_reports.store import Store, snapshot
from crm_reports.store.parts import PARTS, SQL, VIEWS, Part
from stores import deal, make_store, moves

FILES = sorted(SQL.glob("*/*.sql"))
KNOWN = {*TABLES, *PARTS, *VIEWS}


def _trees(node):
    """Every object within the JSON."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _trees(inner)


def read_by(sql):
    """What the engine's parser says that the SQL reads, but for what it names itself in `with`."""
    (text,) = duckdb.connect().execute("select json_serialize_sql(?::varchar)", [sql]).fetchone()
    trees = list(_trees(json.loads(text)))
    own = {entry["key"] for tree in trees if "cte_map" in tree for entry in tree["cte_map"]["map"]}
    return {tree["table_name"] for tree in trees if tree.get("type") == "BASE_TABLE"} - own


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_text_of_sql_declares_what_the_engine_reads_for_it_and_nothing_else(path):
    part = Part.read(path)
    assert list(part.needs) == sorted(read_by(part.sql))
    assert set(part.needs) <= KNOWN


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_text_of_sql_begins_with_what_its_rows_are(path):
    comment = path.read_text(encoding="utf-8").split("-- needs: ")[0]
    assert len(comment) > 20
    assert all(line.startswith("--") for line in comment.splitlines())


def test_a_part_and_a_view_and_a_table_have_names_of_their_own():
    assert len(KNOWN) == len(TABLES) + len(PARTS) + len(VIEWS)


@pytest.mark.parametrize("part", ["signs", "deal_facts", "silences", "steps_reached"])
def test_a_part_of_many_rows_finds_rows_by_their_keys_and_compares_none_with_all(tmp_path, part):
    held = make_store(tmp_path, deals=[deal(1, "2025-03-01")], stage_history=moves(1, ("2025-03-01", "NEW")))
    now = Store.open(held.store_path).now
    now.prepare(*PARTS[part].needs)
    (plan,) = now.query(f"explain {PARTS[part].sql}")["explain_value"].to_pylist()
    assert set(re.findall(r"\w+_JOIN|CROSS_PRODUCT", plan)) == {"HASH_JOIN"}


def test_a_kept_part_writes_words_once_each_and_not_thousands_of_instants(tmp_path):
    sql = "select i // 10 as instant, 'call' || i % 3 as kind from range(20000) as ids(i)"
    duckdb.execute(snapshot._written(sql, tmp_path / "part"))
    rows = duckdb.execute(f"select path_in_schema, encodings from parquet_metadata('{tmp_path / 'part'}')").fetchall()
    assert {name: "DICTIONARY" in encodings for name, encodings in rows} == {"instant": False, "kind": True}
