"""What the header of a page offers: on a published page, what of it was made that night."""

from datetime import date

from crm_reports.measures.names import Names
from crm_reports.night.links import Site
from crm_reports.night.planning import planned
from crm_reports.runs import controls, preparation
from crm_reports.store import Store
from serving import company

PRESET = """
[[presets]]
name = "Results"
report = "forgotten_deals"
parameters = { period = "2025-03" }
each = ["stage", "loss_reason"]
"""
NIGHT = date(2025, 4, 1)


def _field(offered, name):
    return next(field for field in offered["fields"] if field["name"] == name)


def test_a_night_makes_a_page_for_each_stage_where_deals_stand_and_for_each_reason_of_the_period(tmp_path):
    settings = company(tmp_path, PRESET)
    pages = planned(settings, NIGHT, ())
    # Deal 5 stands in the cold base, 4 on Request, 2 was lost.
    assert [page.key for page in pages] == [
        "Results", "Results/stage:NEW", "Results/stage:REQ", "Results/loss_reason:Too expensive",
    ]  # fmt: skip
    assert "--stage-" in pages[1].plan.slug
    assert "In work on the stage: Request" in pages[2].plan.about
    offered = Site(settings, pages, NIGHT, ()).controls(pages[0])
    assert [choice["id"] for choice in _field(offered, "stage")["choices"]] == ["NEW", "REQ"]
    assert offered["published"]['[["period","2025-03"],["stage","REQ"]]'].endswith(".html")


def test_stages_and_reasons_of_which_nothing_was_published_are_one_line_and_weigh_nothing(tmp_path):
    settings = company(tmp_path)
    plan = preparation.prepare("forgotten_deals", {"period": "2025-03"}, settings=settings)
    known = Names(Store.open(settings.store_path)).choices
    offered = controls.published(plan, known, {"[]": (plan, "page.html")}, settings)
    for name in ("stage", "loss_reason"):
        assert (_field(offered, name)["choices"], _field(offered, name)["partly"]) == ([], True)
    assert [choice["id"] for choice in _field(offered, "exclude_stages")["choices"]] == ["NEW", "REQ", "INV"]
    assert "like" in _field(offered, "exclude_pipelines")  # those of the pipeline filter
