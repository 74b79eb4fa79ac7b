"""The company's own plan as it is read: what a line means, and every mistake with its line."""

from datetime import date

import openpyxl
import pytest

from crm_reports.errors import FilesError
from crm_reports.filters import Choice, Choices
from crm_reports.metrics import METRICS
from crm_reports.settings import Settings
from crm_reports.sources import plan
from crm_reports.sources.plan import FLOWS

PEOPLE = Choices(
    pipeline=(Choice("0", "Sales"), Choice("7", "Service")),
    department=(Choice("10", "Moscow"),),
    manager=(Choice("1", "Anna"), Choice("2", "Boris"), Choice("3", "Olga"), Choice("4", "Olga")),
)


def lines(folder, text, name="plan.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return plan.read(path, Settings(home=folder, data=folder), PEOPLE, "RUB")


def mistakes(folder, text):
    with pytest.raises(FilesError) as caught:
        lines(folder, text)
    return list(caught.value.problems)


def test_a_line_is_about_a_period_a_metric_and_somebody_and_its_money_is_of_the_base_currency(tmp_path):
    (line,) = lines(tmp_path, "period,manager,value\n2025-03,anna,1 500 000\n")
    assert line == {
        "line_id": "2025-03|won_money|1||", "period": "2025-03", "metric": "won_money", "manager_id": "1",
        "department_id": "", "pipeline_id": "", "value": 1_500_000, "currency": "RUB",
    }  # fmt: skip


def test_periods_are_months_quarters_and_years_as_people_write_them(tmp_path):
    rows = lines(tmp_path, "period;value\n2025-03;1\n04.2025;2\nмай 2025;3\n2025-Q3;4\n2026;5\n01.06.2025;6\n")
    assert [row["period"] for row in rows] == ["2025-03", "2025-04", "2025-05", "2025-Q3", "2026", "2025-06"]


def test_names_and_ids_of_managers_departments_and_pipelines_are_understood(tmp_path):
    rows = lines(
        tmp_path,
        "period,manager,department,pipeline,value\n2025,4,,,1\n2025,,Moscow,,2\n2025,,,Service,3\n2025,Anna,Moscow,,4\n",
    )  # of a manager the department only says where
    assert [(row["manager_id"], row["department_id"], row["pipeline_id"]) for row in rows] == [
        ("4", "", ""), ("", "10", ""), ("", "", "7"), ("1", "", ""),
    ]  # fmt: skip


def test_what_is_counted_has_no_currency(tmp_path):
    (row,) = lines(tmp_path, "period,metric,value\n2025-03,Won,12\n")
    assert (row["metric"], row["value"], row["currency"]) == ("won", 12, "")


def test_every_mistake_is_told_at_once_with_its_line(tmp_path):
    text = (
        "period,metric,manager,value,currency\n"
        "2025-13,,Anna,1,\n"
        "this_month,,,1,\n"
        "2025-03,profit,,1,\n"
        "2025-03,,Zoe,1,\n"
        "2025-03,,Olga,1,\n"
        "2025-03,,,much,\n"
        "2025-04,,,-5,\n"
        "2025-05,won,,5,EUR\n"
        "2025-06,,Anna,5,\n"
        "2025-06,,1,6,\n"
        ",,,7,\n"
    )
    told = mistakes(tmp_path, text)
    assert [sentence.split(":")[0] for sentence in told] == [
        "plan.csv, line 12, column period", "plan.csv, line 7, column value",
        "plan.csv, line 2, column period", "plan.csv, line 3, column period", "plan.csv, line 4, column metric",
        "plan.csv, line 5, column manager", "plan.csv, line 6, column manager", "plan.csv, line 9, column currency",
        "plan.csv, line 8, column value", "plan.csv, line 11, column period",
    ]  # fmt: skip
    assert "'this_month' is no month, quarter or year; write 2025-03, 2025-Q1 or 2025" in told[3]
    assert "'profit' is nothing that can be planned; near:" in told[4]
    assert "manager 'Zoe' is not known" in told[5]
    assert "Olga (ID 3)" in told[6]
    assert told[9].endswith("another plan for the same stands in plan.csv, line 10; keep one")


def test_a_file_without_a_value_column_says_what_it_has(tmp_path):
    assert mistakes(tmp_path, "period,sum\n2025-03,1\n") == [
        'plan.csv has no column value; it has: period, sum. Say which it is: "HEADER" = "value" under [files.columns.plan] in '
        "reports.toml"
    ]


def test_two_files_are_one_too_many(tmp_path):
    (tmp_path / "plan.xlsx").write_bytes(b"")
    assert mistakes(tmp_path, "period,value\n2025-03,1\n") == ["plan.csv and plan.xlsx are both there; keep one"]


def test_a_plan_without_lines_is_no_mistake(tmp_path):
    assert lines(tmp_path, "period,value\n") == []


def workbook(folder, *rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(folder / "plan.xlsx")
    return folder / "plan.xlsx"


def test_a_workbook_is_read_as_it_looks_also_where_excel_made_a_date_of_a_month(tmp_path):
    path = workbook(
        tmp_path,
        ["Period", "Manager", "Value"],
        [date(2025, 3, 1), "Anna", 1500],
        [None, None, None],
        [2026, 2, 2000.5],
    )
    rows = plan.read(path, Settings(home=tmp_path, data=tmp_path), PEOPLE, "RUB")
    assert [(row["period"], row["manager_id"], row["value"]) for row in rows] == [
        ("2025-03", "1", 1500),
        ("2026", "2", 2000.5),
    ]


def test_a_mistake_in_a_workbook_is_told_with_its_row(tmp_path):
    path = workbook(tmp_path, ["period", "value"], ["2025-03", 5], [None, None], ["2025-04", "much"])
    with pytest.raises(FilesError, match=r"^plan.xlsx, row 4, column value: 'much' is not a number"):
        plan.read(path, Settings(home=tmp_path, data=tmp_path), PEOPLE, "RUB")


def test_what_is_no_workbook_is_told_in_a_sentence(tmp_path):
    (tmp_path / "plan.xlsx").write_text("period,value")
    with pytest.raises(FilesError, match=r"^plan.xlsx can't be read: it is a workbook of old Excel; save it as"):
        plan.read(tmp_path / "plan.xlsx", Settings(home=tmp_path, data=tmp_path), PEOPLE, "RUB")


def test_what_can_be_planned_is_what_is_summed_over_a_period():
    assert [name for name in FLOWS if METRICS[name].unit not in ("money", "count")] == []
    assert {METRICS[name].on for name in FLOWS} == {"events", "actions", "lead_events"}
