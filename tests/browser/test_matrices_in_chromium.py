"""Stages of several pipelines: on screen one pipeline at a time, on paper and for a spreadsheet all of them."""

import nbformat
import pandas as pd
import pytest
from chromium import Visit, needed

from crm_reports.look import page, publish

pytestmark = needed

STANDING = (("Sales", "Cold base", "Anna", 5), ("Sales", "Cold base", "Boris", 3), ("Tenders", "New tender", "Vera", 2))


def row(pipeline, stage, manager, count):
    return {"stage": stage, "stage_id": stage, "pipeline": pipeline, "pipeline_id": pipeline, "manager": manager,
            "manager_id": manager, "is_total": False, "in_work": count}  # fmt: skip


@pytest.fixture
def matrix(browser, tmp_path, monkeypatch):
    shown = []
    page.forget()
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    frame = pd.DataFrame([row(*each) for each in STANDING])
    page.show(page.Element(page.replace(page.entry_of("stage_matrix"), matrix={"columns": ("stage",), "value": "in_work"}), None, frame))  # fmt: skip
    page.show(pd.DataFrame([{"manager": "Vera", "manager_id": "Vera", "won": 2}]), "people")
    cell = nbformat.v4.new_code_cell("")
    cell.outputs = [nbformat.v4.new_output("display_data", data=data) for data in shown]
    path = tmp_path / "page.html"
    path.write_text(publish.html(nbformat.v4.new_notebook(cells=[cell])), encoding="utf-8")
    visit = Visit(browser, path)
    yield visit
    visit.close()
    assert visit.wrong == []


def seen(visit):
    return [
        name for name in ("Anna", "Vera") if visit.page.locator(".matrix").get_by_text(name, exact=True).is_visible()
    ]


def test_the_first_pipeline_is_shown_and_another_is_one_click_away(matrix):
    assert (matrix.texts(".pickers button"), seen(matrix)) == (["Sales", "Tenders"], ["Anna"])
    matrix.page.get_by_role("button", name="Tenders").click()
    assert seen(matrix) == ["Vera"]


def test_on_paper_every_pipeline_stands_under_its_name(matrix):
    matrix.page.emulate_media(media="print")
    assert (seen(matrix), matrix.texts(".pane>h3")) == (["Anna", "Vera"], ["Sales", "Tenders"])


def test_a_click_on_a_name_elsewhere_shows_the_pipeline_where_he_has_something(matrix):
    matrix.page.locator("#people").get_by_text("Vera", exact=True).click()
    assert seen(matrix) == ["Vera"]


def test_a_spreadsheet_gets_every_pipeline_under_its_name(matrix):
    with matrix.page.expect_download() as download:
        matrix.page.locator("#stage_matrix").get_by_role("button", name="CSV").click(force=True)
    assert download.value.path().read_text(encoding="utf-8-sig").splitlines() == [
        "Sales", "Manager,Cold base", "Anna,5", "Boris,3", "Tenders", "Manager,New tender", "Vera,2",
    ]  # fmt: skip


def test_what_cannot_be_told_is_one_line_beside_its_title(browser, tmp_path, monkeypatch):
    shown = []
    page.forget()
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    page.show(pd.DataFrame(), "plan_by_month", title="Plan by month", sub="Whole months.", missing="There is no plan.")
    cell = nbformat.v4.new_code_cell("")
    cell.outputs = [nbformat.v4.new_output("display_data", data=data) for data in shown]
    path = tmp_path / "page.html"
    path.write_text(publish.html(nbformat.v4.new_notebook(cells=[cell])), encoding="utf-8")
    visit = Visit(browser, path)
    title, reason = (visit.page.locator(f"#plan_by_month {part}").bounding_box() for part in ("h2", ".missing"))
    assert (reason["y"], reason["height"]) == (title["y"], title["height"])
    assert not visit.page.locator("#plan_by_month .sub").is_visible()
    visit.close()
