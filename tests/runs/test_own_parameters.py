"""The company's own fields as parameters of every report: asked for, in the header, in a night's slices."""

from datetime import date

import pytest

from crm_reports.errors import FilterError
from crm_reports.look.publish import REPORTS
from crm_reports.night.planning import planned
from crm_reports.runs import preparation
from crm_reports.runs.controls import fields, key_of, state_of
from crm_reports.serve.state import address, given
from crm_reports.settings import OwnField, Preset
from stores import at, deal, make_store

FIELDS = {"region": OwnField(**{"from": "UF_REGION"}), "score": OwnField(**{"from": "UF_SCORE", "as": "number"})}
NAMES = {"41": "South", "43": "<b>North</b>", "45": "Nobody's"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A deal in the South, one in the North; a number that nothing can be cut by."""
    kept = make_store(
        tmp_path_factory.mktemp("own"),
        deals=[deal(1, "2025-03-01"), deal(2, "2025-03-02", manager_id="2")],
        own_fields=[{"entity": "deal", "field": "UF_REGION", "label": "Region", "type": "enumeration", "is_multiple": False}],
        own_options=[
            {"entity": "deal", "field": "UF_REGION", "option_id": id, "name": name, "position": place}
            for place, (id, name) in enumerate(NAMES.items())
        ],
        own_values=[
            {"entity": "deal", "entity_id": id, "field": "UF_REGION", "value": value} for id, value in (("1", "41"), ("2", "43"))
        ],
        syncs=[{"synced_at": at("2025-04-01"), "finished_at": at("2025-04-01"), "source": "bitrix24", "holes": "[]",
                "portal_url": "https://portal.example", "present": "deals,own_values"}],
    )  # fmt: skip
    return kept.model_copy(update={"fields": FIELDS})


@pytest.fixture(scope="module")
def plan(settings):
    return preparation.prepare("overview", {"region": "south", "period": "2025-03"}, settings=settings)


@pytest.mark.parametrize("report", REPORTS)
def test_every_report_takes_a_field_by_which_can_be_cut_and_no_other(settings, report):
    names = preparation.parameters_of(report, settings)
    assert "region" in names
    assert {"score", "fields"}.isdisjoint(names)


def test_a_value_that_was_typed_is_known_by_its_id_and_the_notebook_is_given_it_among_the_fields(plan):
    assert plan.by_ids().given == {"region": ["41"], "period": "2025-03"}
    assert plan.injected == {"period": "2025-03", "fields": {"region": ["south"]}}
    assert plan.slug == "2025-03--region-41"
    assert plan.about == "March 2025 · Region: South"


def test_a_notebook_is_given_nothing_where_nothing_was_chosen(settings):
    assert preparation.prepare("overview", {"period": "2025-03"}, settings=settings).injected == {"period": "2025-03"}


def test_an_unknown_value_and_a_field_that_is_no_dimension_are_refused_in_one_sentence_each(settings):
    with pytest.raises(FilterError, match="region 'West' is not known; there are, for example: South"):
        preparation.prepare("overview", {"region": "West"}, settings=settings)
    with pytest.raises(FilterError, match="report 'overview' has no parameter 'score'"):
        preparation.prepare("overview", {"score": "5"}, settings=settings)


def test_the_header_offers_every_value_under_the_name_that_the_crm_has_for_the_field(settings, plan):
    known = preparation.load(plan.parameters, settings).names.choices
    (field,) = [field for field in fields(plan, known, settings) if field["name"] == "region"]
    assert (field["label"], field["kind"]) == ("Region", "many")
    assert [(choice["id"], choice["name"]) for choice in field["choices"]] == list(NAMES.items())


def test_the_address_is_the_state_with_it(settings, plan):
    assert state_of(plan) == {"region": ["41"], "period": "2025-03"}
    assert address("overview", state_of(plan)) == "/overview?region=41&period=2025-03"
    assert given("region=41&period=2025-03") == {"region": "41", "period": "2025-03"}
    assert key_of(plan, settings) == '[["period","2025-03"],["region","41"]]'


def test_a_night_cuts_a_page_for_each_value_that_has_something_to_show(settings):
    preset = Preset(name="By region", report="sales_dynamics", parameters={"period": "2025-03"}, each=["region"])
    pages = planned(settings.model_copy(update={"presets": (preset,)}), date(2025, 4, 1), [])
    assert [page.name for page in pages] == ["By region", "By region: South", "By region: <b>North</b>"]
    assert [page.plan.injected.get("fields") for page in pages] == [None, {"region": ["41"]}, {"region": ["43"]}]
    assert pages[1].plan.slug == "2025-03--region-41"


def test_a_page_is_made_again_of_the_same_values(settings, plan):
    filters = plan.reproduction["filters"]
    again = preparation.prepare("overview", {name: filters[name] for name in ("region", "period")}, settings=settings)
    assert (again.slug, again.injected) == (plan.slug, {"period": "2025-03", "fields": {"region": ["41"]}})
