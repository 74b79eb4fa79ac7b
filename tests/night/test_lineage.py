"""Where a number comes from and what shows it, both ways: read off the code, the notebooks and reports.toml."""

import pytest
from typer.testing import CliRunner

from crm_reports.cli import app
from crm_reports.elements import ELEMENTS
from crm_reports.errors import MetricError
from crm_reports.look.uses import fields, metrics_of
from crm_reports.metrics import METRICS
from crm_reports.metrics.origins import origins
from crm_reports.night.lineage import lineage
from crm_reports.settings import Alert, Mail, Preset, Settings


@pytest.fixture
def settings(tmp_path):
    presets = (
        Preset(name="Sales", report="sales_dynamics", recipients=["boss@acme.example"]),
        Preset(name="Silent", report="forgotten_deals", each=["manager"], mail_slices=True),
    )
    alerts = (Alert(name="Little money", metric="won_money", below=1, to=["telegram:-100123"]),)
    mail = Mail(host="smtp.acme.example", sender="reports@acme.example")
    return Settings(home=tmp_path, data=tmp_path, mail=mail, presets=presets, alerts=alerts)


def stages(name, settings):
    return dict(lineage(name, settings).stages)


def test_an_element_names_its_numbers_in_its_table_or_in_its_sentence():
    assert metrics_of(ELEMENTS["losses_by_stage"]) == ("lost",)
    assert set(metrics_of(ELEMENTS["stage_matrix"])) == {"days_in_current_stage", "in_work", "in_work_money"}
    assert {"forecast_low", "forecast_high"} <= set(metrics_of(ELEMENTS["backtest"]))
    assert "pace" in metrics_of(ELEMENTS["pace"])


def test_a_number_is_followed_from_the_fields_of_the_crm_to_whoever_is_told_of_it(settings):
    won = stages("won_money", settings)
    assert "deals.amount ← crm.deal.list OPPORTUNITY" in won["Columns"]
    assert won["Rows"][0].startswith("events: One row per deal created, and one per deal won or lost")
    assert {"managers", "dynamics", "sources"} <= set(won["Elements"])
    assert won["Reports"] == ("overview", "sales_dynamics", "manager_effectiveness", "sales_plan")
    assert (won["Presets"], won["Alerts"]) == (("Sales",), ("Little money",))
    assert won["Messages"] == ("Sales → boss@acme.example", "Little money → telegram:-100123")


def test_what_only_a_notebook_names_is_in_that_report(settings):
    """The tiles' numbers stand in the notebooks."""
    assert stages("no_next_step", settings)["Reports"] == ("overview", "forgotten_deals")
    assert "Silent → each their own" in stages("forgotten", settings)["Messages"]


@pytest.mark.parametrize("name", ["OPPORTUNITY", "opportunity", "deals.amount", "crm.deal.list OPPORTUNITY"])
def test_a_field_of_the_crm_is_followed_to_the_numbers_that_change_with_it(settings, name):
    amount = stages(name, settings)
    assert amount["Columns"][0] == "deals.amount ← crm.deal.list OPPORTUNITY"
    assert {"won_money", "average_check", "in_work_money"} <= set(amount["Numbers"])
    assert not {"won", "win_rate", "calls"} & set(amount["Numbers"])
    assert "Little money" in amount["Alerts"]


def test_both_ways_say_the_same():
    forth = {(origin.api, name) for name, metric in METRICS.items() for origin in origins(metric) if origin.api}
    assert {(api, name) for api, names in fields().items() for name in names} == forth


def test_a_name_that_nothing_has_is_one_sentence_with_near_ones(settings):
    with pytest.raises(MetricError, match="'OPPORTUNTY'; near: OPPORTUNITY") as caught:
        lineage("OPPORTUNTY", settings)
    assert len(caught.value.problems) == 1


def test_the_command_prints_each_stage_with_its_lines(tmp_path):
    (tmp_path / "reports.toml").write_text('language = "ru"\n')
    outcome = CliRunner().invoke(app, ["lineage", "won_money", "--config", str(tmp_path / "reports.toml")])
    assert (outcome.exit_code, outcome.stdout.splitlines()[0]) == (0, "Столбцы: 18")
    refused = CliRunner().invoke(app, ["lineage", "won_mony", "--config", str(tmp_path / "reports.toml")])
    assert refused.exit_code == 2
