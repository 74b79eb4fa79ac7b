"""Which notes on days a page may show."""

from crm_reports import elements, load
from plans import DEALS, HISTORY
from stores import at, make_store


def noted(id, day, text, pipeline="", manager="", known="2025-03-20"):
    return {
        "note_id": id, "day": day, "text": text, "pipeline_id": pipeline, "manager_id": manager, "known_at": at(known)
    }  # fmt: skip


NOTES = [
    noted("a", "2025-03-05", "Prices"),
    noted("b", "2025-03-04", "Service is new", pipeline="1"),
    noted("c", "2025-03-06", "Boris is ill", manager="2"),
    noted("d", "2025-03-07", "Wrong"),
    noted("d", "2025-03-07", None, known="2025-03-21"),  # taken out since
]


def texts(folder, notes=NOTES, **filters):
    settings = make_store(folder, deals=DEALS, stage_history=HISTORY, dated_notes=notes)
    return [note.text for note in load(period="2025-03", as_of="2025-04-01", settings=settings, **filters).dated_notes]


def test_a_page_about_all_shows_every_note_by_day_but_what_was_taken_out(tmp_path):
    assert texts(tmp_path) == ["Service is new", "Prices", "Boris is ill"]


def test_a_manager_s_page_shows_nothing_that_was_noted_of_another(tmp_path):
    assert texts(tmp_path, manager="Anna") == ["Service is new", "Prices"]
    assert texts(tmp_path, manager="Boris") == ["Service is new", "Prices", "Boris is ill"]
    assert texts(tmp_path, department="Moscow") == ["Service is new", "Prices", "Boris is ill"]  # Kazan is below it


def test_a_page_about_a_pipeline_leaves_out_what_was_noted_of_others(tmp_path):
    assert texts(tmp_path, pipeline="0") == ["Prices", "Boris is ill"]


def test_the_chart_and_the_page_list_the_notes_of_its_days(tmp_path):
    settings = make_store(tmp_path, deals=DEALS, stage_history=HISTORY, dated_notes=NOTES)
    element = elements.dynamics(load(period="2025-03", as_of="2025-04-01", settings=settings))
    assert element.figure.data[-1].text
    assert [note.text for note in element.dated_notes] == ["Service is new", "Prices", "Boris is ill"]
    assert element.dated_notes[2].about == "Boris"
