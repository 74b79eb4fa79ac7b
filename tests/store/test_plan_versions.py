"""A plan in the store: an old night knows the plan as it was that night."""

import pytest

from crm_reports.settings import Settings
from crm_reports.store import Store
from crm_reports.store.sync import sync


@pytest.fixture
def company(tmp_path):
    """A company whose CRM is one file, with a way to sync it with another plan."""
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "deals.csv").write_text("id,manager,outcome\n1,Anna,open\n2,Boris,open\n")
    (tmp_path / "reports.toml").write_text('source = "files:export"\nbase_currency = "EUR"\n')
    settings = Settings.read(tmp_path / "reports.toml")

    def night(text):
        path = tmp_path / "plan.csv"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
        return sync(settings)

    return settings, night


def known(settings):
    """Every line of the plan as it was read: whose, the value, by which sync."""
    rows = Store.open(settings.store_path).now.query("from plan_lines order by known_at, line_id").to_pylist()
    return [(row["manager_id"], row["value"], row["currency"]) for row in rows]


def test_what_changed_is_added_and_nothing_is_forgotten(company):
    settings, night = company
    night("period,manager,value\n2025-03,Anna,100\n2025-03,Boris,50\n")
    night("period,manager,value\n2025-03,Anna,100\n2025-03,Boris,50\n")
    night("period,manager,value\n2025-03,Anna,120\n")
    assert known(settings) == [("Anna", 100, "EUR"), ("Boris", 50, "EUR"), ("Anna", 120, "EUR"), ("Boris", None, "EUR")]
    night(None)
    assert known(settings)[4:] == [("Anna", None, "EUR")]
    night("period,manager,value\n2025-03,Boris,60\n")
    assert known(settings)[5:] == [("Boris", 60, "EUR")]


def test_a_plan_with_mistakes_changes_nothing_and_the_pages_say_so_without_a_name(company):
    settings, night = company
    assert night("period,manager,value\n2025-03,Anna,100\n").mistakes_beside == ()
    report = night("period,manager,value\n2025-03,Zoe,100\n2025-04,Anna,much\n")
    assert [sentence.partition(":")[0] for sentence in report.mistakes_beside] == [
        "plan.csv, line 3, column value", "plan.csv, line 2, column manager",
    ]  # fmt: skip
    assert known(settings) == [("Anna", 100, "EUR")]
    holes = Store.open(settings.store_path).last_sync["holes"]
    assert [hole["text"] for hole in holes if hole["table"] == "plan_lines"] == [
        "plan.csv has 2 mistakes and was not read: the plan is as it was before. `crm-reports plan check` tells them."
    ]


def test_a_source_that_comes_with_a_plan_is_asked_where_the_company_has_none(company):
    settings, night = company
    night(None)
    sync(settings, plan="period,value\n2025-03,7\n")
    assert known(settings) == []  # of files nobody else knows a plan


def test_notes_on_days_come_with_the_same_sync_and_keep_their_versions(company):
    settings, night = company
    path = settings.home / "notes.csv"
    path.write_text("day,text\n2025-03-14,Prices\n")
    night(None)
    path.write_text("day,text\n2025-03-14,Higher prices\n")
    night(None)
    path.write_text("day,text\nsoon,Prices\n")
    report = night(None)
    assert [sentence.partition(":")[0] for sentence in report.mistakes_beside] == ["notes.csv, line 2, column day"]
    rows = Store.open(settings.store_path).now.query("from dated_notes order by known_at, text nulls last").to_pylist()
    assert [row["text"] for row in rows] == ["Prices", "Higher prices", None]
    assert Store.open(settings.store_path).last_sync["holes"][-1]["text"] == (
        "notes.csv has 1 mistake and was not read: the notes are as they were before. `crm-reports sync` tells it."
    )
