"""Notes on days as they are read: whom a note is about, and every mistake with its line."""

import pytest

from crm_reports.errors import FilesError
from crm_reports.filters import Choice, Choices
from crm_reports.settings import Settings
from crm_reports.sources import notes

KNOWN = Choices(pipeline=(Choice("7", "Service"),), manager=(Choice("1", "Anna"),))


def read(folder, text):
    path = folder / "notes.csv"
    path.write_text(text, encoding="utf-8")
    return notes.read(path, Settings(home=folder, data=folder, time_zone="Asia/Tokyo"), KNOWN)


def test_a_note_is_of_a_day_and_about_all_a_pipeline_or_a_manager(tmp_path):
    rows = read(
        tmp_path, "day,text,pipeline,manager\n14.03.2025,Prices,,\n2025-03-15,Fair,service,\n2025-03-16,Left,,1\n"
    )
    assert [(row["day"], row["text"], row["pipeline_id"], row["manager_id"]) for row in rows] == [
        ("2025-03-14", "Prices", "", ""), ("2025-03-15", "Fair", "7", ""), ("2025-03-16", "Left", "", "1"),
    ]  # fmt: skip


def test_the_same_note_twice_is_one(tmp_path):
    (row,) = read(tmp_path, "day,text\n2025-03-14,Prices\n14.03.2025,Prices\n")
    assert (row["text"], len(row["note_id"])) == ("Prices", 16)


def test_every_mistake_is_told_at_once_with_its_line(tmp_path):
    with pytest.raises(FilesError) as caught:
        read(tmp_path, f"day,text,manager\nsoon,Prices,\n2025-03-14,,\n2025-03-14,{'x' * 201},\n2025-03-14,Left,Zoe\n")
    places = [sentence.partition(":")[0] for sentence in caught.value.problems]
    assert sorted(places) == [
        "notes.csv, line 2, column day", "notes.csv, line 3, column text", "notes.csv, line 4, column text",
        "notes.csv, line 5, column manager",
    ]  # fmt: skip
