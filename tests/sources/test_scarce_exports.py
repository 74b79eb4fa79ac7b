"""Exports that say little: any table and any column may be missing or empty, and every report still comes out."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm_reports import mail
from crm_reports.night import How, night
from crm_reports.settings import Settings, Source
from crm_reports.store.sync import sync
from exports import MUST, WHOLE, Sheet, write_export
from mails import MAIL, Inbox, served
from reports import NOTEBOOKS, elements, shown

REPORTS = ("overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals", "sales_plan")
LEAST = {"two deals": "id,outcome\n1,won\n2,open\n", "no deal": "id,outcome\n"}
MARCH = {"period": "2025-03", "as_of": "2025-04-01"}
PRESET = '[[presets]]\nname = "{0}"\nreport = "{0}"\neach = ["manager"]\nmail_slices = true\nrecipients = ["boss@acme.example"]\n'


def synced(folder: Path) -> Settings:
    chosen = Settings(
        home=folder, data=folder / "data", base_currency="EUR", source=Source(kind="files", folder=folder)
    )
    sync(chosen)
    return chosen


def assert_every_report(chosen: Settings, **parameters: object) -> None:
    for report in REPORTS:
        assert elements(shown(report, chosen, **parameters)), report


@pytest.mark.parametrize("deals", LEAST.values(), ids=LEAST)
def test_the_least_that_files_may_hold_makes_every_report(tmp_path, deals):
    (tmp_path / "deals.csv").write_text(deals)
    assert_every_report(synced(tmp_path))


@pytest.mark.parametrize("rows", [{}, WHOLE], ids=["without a row", "with the columns that must be"])
def test_every_table_at_its_least_makes_every_report(tmp_path, rows):
    assert_every_report(synced(write_export(tmp_path, rows, MUST)), **MARCH)


@pytest.mark.usefixtures("lent_parent")
def test_a_night_and_its_mail_come_out_of_the_least_too(tmp_path):
    (tmp_path / "deals.csv").write_text(LEAST["two deals"])
    (tmp_path / "notebooks").symlink_to(NOTEBOOKS)
    inbox = Inbox()
    with served(inbox) as port:
        written = MAIL.format(port=port, security="none", timeout=30) + "".join(map(PRESET.format, REPORTS))
        (tmp_path / "reports.toml").write_text(f'source = "files:."\n{written}')
        chosen = Settings.read(tmp_path / "reports.toml")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            report = night(chosen, out=Path("output"), sync=lambda: sync(chosen), how=How(proved=False))
            sent = mail.send(chosen, report, out=Path("output"))
    assert [page.error for page in report.pages if page.error] == []
    assert {page.report for page in report.pages} == set(REPORTS)
    assert (sent.is_whole, inbox.recipients) == (True, ["boss@acme.example"] * len(REPORTS))


def test_deals_without_amounts_have_a_picture_of_their_silence(tmp_path):
    write_export(tmp_path, WHOLE, {"deals": ["id", "outcome"], "activities": list(WHOLE["activities"][0])})
    assert elements(shown("forgotten_deals", synced(tmp_path), period="all"))


@st.composite
def sheets(draw, name: str) -> tuple[Sheet, list[str]]:
    """Some rows of a whole sheet and some of its columns; what may be empty is so now and then."""
    rows = WHOLE[name][: draw(st.integers(0, len(WHOLE[name])))]
    free = [column for column in WHOLE[name][0] if column not in MUST[name]]
    columns = draw(st.sets(st.sampled_from(free))) if free else set()
    blank = draw(st.sets(st.sampled_from(sorted(columns)))) if columns else set()
    if name == "activities" and "at" in columns - blank:  # who says when must say what is not done yet
        columns, blank = columns | {"completed"}, blank - {"completed"}
    return [row | dict.fromkeys(blank, "") for row in rows], [*MUST[name], *sorted(columns)]


@st.composite
def exports(draw) -> tuple[dict[str, Sheet], dict[str, list[str]]]:
    """Some tables of a whole export, the deals always."""
    others = draw(st.sets(st.sampled_from([name for name in WHOLE if name != "deals"])))
    drawn = {name: draw(sheets(name)) for name in ["deals", *sorted(others)]}
    return {name: rows for name, (rows, _) in drawn.items()}, {name: columns for name, (_, columns) in drawn.items()}


@given(exports(), st.sampled_from([MARCH, {"period": "all"}, {"period": "last_month"}]))
@settings(
    max_examples=10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
def test_any_part_of_an_export_makes_every_report(tmp_path_factory, export, parameters):
    assert_every_report(synced(write_export(tmp_path_factory.mktemp("export"), *export)), **parameters)
