"""A manager's own files tell nothing of anybody else (N26): companies that differ in the others' data only, side by side."""

import json
import re
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

import reports
from crm_reports.look import page
from crm_reports.measures import privacy
from crm_reports.measures.load import load
from crm_reports.measures.measure import measure
from crm_reports.runs import execution, preparation, run
from march import act
from plans import line
from stores import at, deal, lead, make_store, moves

WHEN = {"period": "2025-03", "as_of": "2025-04-01"}
REPORTS = ("overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals", "sales_plan")
PATHS = {
    "WON": ("NEW", "REQ", "INV", "WON"), "DEAR": ("NEW", "REQ", "DEAR"), "GONE": ("NEW", "GONE"), "INV": ("NEW", "REQ", "INV"),
    "REQ": ("NEW", "REQ"), "NEW": ("NEW",),
}  # fmt: skip


def _work(first, manager, ends, month="2025-03", **fields):
    """Deals of one manager that went to these stages, a step a day, and their histories."""
    deals, history = [], []
    for end, times in ends.items():
        for number in range(times):
            id = first + len(deals)
            steps = [(f"{month}-{day:02}", stage) for day, stage in enumerate(PATHS[end], 2 + number % 20)]
            outcome = {"WON": "won", "DEAR": "lost", "GONE": "lost"}.get(end, "open")
            made = {"manager_id": manager, "stage_id": end, "outcome": outcome, "amount": 100.0 + number}
            deals.append(deal(id, f"{month}-02", **made | fields))
            history += moves(id, *steps)
    return deals, history


def _acts(manager, kinds, on):
    """So many actions of each kind, one a day, on one deal."""
    done = [kind for kind, times in kinds.items() for _time in range(times)]
    return [
        act(f"{manager}-{number}", kind, manager, f"2025-03-{3 + number % 25:02}", on=str(on))
        for number, kind in enumerate(done)
    ]


OWN = {"WON": 6, "DEAR": 4, "REQ": 5, "INV": 2, "NEW": 4}
BUSY = {
    "ends": {"WON": 9, "DEAR": 2, "GONE": 3, "INV": 7, "NEW": 2},
    "kinds": {"call": 9, "meeting": 3, "email": 2},
    "amount": 1717.0,
}
IDLE = {"ends": {"WON": 2, "GONE": 8, "REQ": 3}, "kinds": {"comment": 1}, "amount": None}
STEADY = {
    "ends": {"WON": 4, "DEAR": 6, "GONE": 1, "INV": 5, "REQ": 2},
    "kinds": {"call": 5, "meeting": 6, "email": 7},
    "amount": 911.0,
}
NOBODY = {"ends": {}, "kinds": {}, "amount": 1.0}
KINDS = {"busy": BUSY, "steady": STEADY, "idle": IDLE, "nobody": NOBODY}
LATE = {"table": "deals", "code": "out_of_sight", "text": "7 of 191 rows of deals are out of sight."}


def _company(folder, people, others, same=1):
    """A store of the first `same` people of Moscow, whose data are always the same, and others, as they are told to be."""
    deals, history = _work(1, "1", OWN)
    old_deals, old_history = _work(100, "1", {"WON": 3, "DEAR": 2, "REQ": 3}, month="2024-11")
    deals, history = deals + old_deals, history + old_history
    acts, leads = _acts("1", {"call": 3, "email": 2}, 1), [lead(1, "2025-03-03")]
    for number in range(2, people + 1):
        who, more = str(number), IDLE if number <= same else others
        for month, part in (("2025-03", 1), ("2024-07", 500)):
            made = _work(number * 1000 + part, who, more["ends"], month, amount=more["amount"], company_id="6")
            deals, history = deals + made[0], history + made[1]
        acts += _acts(who, more["kinds"], number * 1000 + 1)
        leads += [lead(number * 10 + at, "2025-03-04", manager_id=who) for at in range(len(more["ends"]))]
    homes = [
        {"manager_id": str(id), "department_id": "10" if id <= same else "11", "position": 0}
        for id in range(1, people + 1)
    ]
    parts = [{"department_id": "10", "name": "Moscow"}, {"department_id": "11", "name": "Kazan"}]
    names = [{"manager_id": str(id), "name": f"Manager No{id}", "is_active": True} for id in range(1, people + 1)]
    holes = json.dumps([] if others is IDLE else [LATE])
    synced = {"synced_at": at("2030-01-01"), "finished_at": at("2030-01-01"), "source": "bitrix24", "holes": holes,
              "portal_url": "https://portal.example", "present": "deals,stages,stage_history,activities,leads,comments"}  # fmt: skip
    amount = others["amount"] or 333.0
    plan = [
        line("2025-03", 900, manager="1"), line("2025-02", 800, manager="1"), line("2025-03", amount * 7),
        line("2025-03", amount * 3, department="11"), line("2025-03", amount * 4, department="10"),
        line("2025-02", amount, pipeline="0"),
        *(line("2025-03", amount * id, manager=str(id)) for id in range(2, people + 1) if id > same),
    ]  # fmt: skip
    return make_store(
        folder, deals=deals, stage_history=history, activities=acts, plan_lines=plan if same == 1 else plan[:2], leads=leads, managers=names, syncs=[synced], comments=[],
        manager_departments=homes, departments=parts,
    )  # fmt: skip


NOW = datetime(2030, 1, 2, tzinfo=UTC)


class _Clock(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def _files(report, settings, **given):
    """The report's page, JSON, workbook and executed notebook as texts, all made at one instant; no kernel is needed."""
    given = WHEN | given
    plan = preparation.prepare(report, given, settings=settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "datetime", _Clock)
        outputs = [nbformat.v4.new_output("display_data", data) for data in reports.shown(report, settings, **given)]
    cells = [nbformat.v4.new_code_cell(outputs=outputs, id="all")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {}})
    record = run.complete(execution.Executed(plan, NOW, notebook), settings=settings, out=settings.home / "out")
    assert (record.error, record.state) == ("", "complete")
    return {path.suffix: _text(path) for path in record.files}


def _text(path):
    if path.suffix != ".xlsx":
        return path.read_text("utf-8")
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name).decode() for name in sorted(book.namelist())}
    parts["docProps/core.xml"] = re.sub(r"<dcterms.*?</dcterms:\w+>", "", parts["docProps/core.xml"])
    return "\n".join(f"{name}\n{text}" for name, text in parts.items())


@dataclass
class Companies:
    """Each company and each manager's files made once."""

    folder: Path
    stores: dict = field(default_factory=dict)
    made: dict = field(default_factory=dict)

    def store(self, people, kind, same=1):
        """The store of a company of so many people, where all but the first `same` are of that kind."""
        key = (people, kind, same)
        if key not in self.stores:
            self.stores[key] = _company(self.folder / "-".join(map(str, key)), people, KINDS[kind], same)
        return self.stores[key]

    def files(self, report, people, kind, same=1, **given):
        """Anna's files, or those of whatever else is given."""
        key = (report, people, kind, same, *given.items())
        if key not in self.made:
            whose = {} if "department" in given else {"manager": ["1"]}
            told = {name: [typed] if name == "department" else typed for name, typed in given.items()}
            self.made[key] = _files(report, self.store(people, kind, same), **whose, **told)
        return self.made[key]


@pytest.fixture(scope="module")
def companies(tmp_path_factory):
    return Companies(tmp_path_factory.mktemp("companies"))


@pytest.mark.parametrize(
    ("report", "people", "kinds"),
    [
        *((report, 2, ("busy", "idle")) for report in REPORTS),
        ("manager_effectiveness", 3, ("busy", "idle")),
        *((report, 4, ("busy", "nobody")) for report in REPORTS),
    ],
)
def test_of_fewer_than_five_people_a_manager_s_own_files_are_the_same_whatever_the_others_did(
    companies, report, people, kinds
):
    one, other = (companies.files(report, people, kind) for kind in kinds)
    assert set(one) == {".ipynb", ".html", ".xlsx", ".json"}
    for suffix in one:
        assert one[suffix] == other[suffix], suffix


def test_everything_on_a_manager_s_own_page_begins_with_his_own_first_day(companies):
    for report in ("overview", "manager_effectiveness"):
        seen = [companies.files(report, 2, kind, period="all") for kind in ("busy", "nobody")]
        assert seen[0] == seen[1]
        assert json.loads(seen[0][".json"])["filters"]["period"]["start"] == "2024-11-02"


@pytest.mark.parametrize("report", ["sales_dynamics", "forgotten_deals"])
def test_a_department_s_page_of_a_small_company_is_the_same_whatever_those_outside_did(companies, report):
    one, other = (companies.files(report, 4, kind, 2, department="Moscow") for kind in ("busy", "nobody"))
    assert json.loads(one[".json"])["total"] > 40
    for suffix in one:
        assert one[suffix] == other[suffix], suffix


# ── Five people and more: what is usual among them, and nothing else ─────────────────────────────────────────────────

# What depends on others: the middle row, the index beside the best of all, and how far a step is behind what is usual.
USUAL = {
    "tiles": {"activity_index"}, "activity": {"activity_index", "is_total"}, "index_vs_results": {"activity_index", "is_total"},
    "sensitivity": {"rank_correlation", "keeps_ranking", "n", "kind", "weight", "weight_change"},
    "narrow_places": {"team_conversion", "deals_short", "money_short"}, "needs_you": {"text"},
}  # fmt: skip
SENTENCES = {"activity", "index_vs_results", "sensitivity", "narrow_places", "needs_you"}


def _of_his_own(files):
    """The JSON of a manager's own report without what it says of the others."""
    whole = json.loads(files[".json"])
    for id, names in USUAL.items():
        if element := whole["elements"].get(id):
            rows = [row for row in element["rows"] if not row.get("is_total") and row.get("metric") not in names]
            element["rows"] = [{name: cell for name, cell in row.items() if name not in names} for row in rows]
            whole["elements"][id] = {
                key: held for key, held in element.items() if key != "finding" or id not in SENTENCES
            }
            if id in ("sensitivity", "needs_you", "narrow_places"):  # which rows there are depends on it, too
                whole["elements"][id]["rows"] = []
    return whole


@pytest.mark.parametrize(("report", "people"), [*((report, 5) for report in REPORTS), ("manager_effectiveness", 6)])
def test_of_five_people_or_more_a_manager_s_own_files_say_what_is_usual_and_nothing_else(companies, report, people):
    one, other = (companies.files(report, people, kind) for kind in ("busy", "steady"))
    assert _of_his_own(one) == _of_his_own(other)


@pytest.mark.parametrize("people", [5, 6])
def test_what_is_usual_is_the_median_of_the_managers_own_numbers(companies, people):
    settings = companies.store(people, "busy")
    shown = json.loads(companies.files("sales_dynamics", people, "busy")[".json"])["elements"]["narrow_places"]
    ds = load(**WHEN, stage_window="12 months", settings=settings)
    rates = measure(ds, ["stage_conversion"], by=["stage", "manager"], period=ds.filters.stage_period)
    for row in shown["rows"]:
        each = rates[(rates["stage_id"] == row["stage_id"]) & (rates["stage_conversion_n"] >= 5)]["stage_conversion"]
        assert row["team_conversion"] == pytest.approx(float(np.median(each)))
        assert row["deals_short"] == pytest.approx(
            row["team_conversion"] * row["stage_conversion_n"] - row["stage_conversion_k"]
        )
    assert {row["manager"] for row in shown["rows"]} == {"Manager No1"}
    assert shown["finding"].startswith("Manager No1, ")
    assert "the team's median is" in shown["finding"]


def test_a_number_that_four_people_have_has_no_middle_though_five_acted():
    assert privacy.middle(pd.Series([1.0, 2, 3, 4, 50])) == 3
    assert np.isnan(privacy.middle(pd.Series([1.0, 2, 3, 4, np.nan])))


def test_no_check_is_usual_where_only_four_won_anything(tmp_path):
    # All five acted, so there is a middle row; 4 people won, so the middle check would be of four.
    deals = [deal(id, "2025-03-01", manager_id=str(id), outcome="won" if id < 5 else "open", stage_id="WON" if id < 5 else "NEW",
                  closed_at=at("2025-03-09"), amount=10.0 * id) for id in range(1, 6)]  # fmt: skip
    acts = [act(str(id), "call", str(id), "2025-03-05", on=str(id)) for id in range(1, 6)]
    settings = make_store(tmp_path, deals=deals, activities=acts)
    shown = reports.elements(reports.shown("manager_effectiveness", settings, manager=["1"], **WHEN))
    _own, usual = shown["activity"]["rows"]
    assert (usual["actions"], usual["won"], usual["won_money"], usual["average_check"]) == (1, 1, 20, None)


# ── By subtraction ───────────────────────────────────────────────────────────────────────────────────────────────────


def _numbers(files):
    """All numbers of a report's header, tables and sentences."""
    whole = json.loads(files[".json"])
    cells = [cell for element in whole["elements"].values() for row in element["rows"] for cell in row.values()]
    said = [whole["kept"], whole["total"], *(element.get("finding", "") for element in whole["elements"].values())]
    texts = [each for each in [*cells, *said] if isinstance(each, str)]
    numbers = [each for each in [*cells, *said] if isinstance(each, int | float)]
    return {round(float(each), 6) for each in [*numbers, *re.findall(r"\d+(?:\.\d+)?", " ".join(texts))]}


SUMS = ["created_money", "won_money", "lost_money", "in_work_money"]  # a count of theirs may be anything by chance


@pytest.mark.parametrize("report", REPORTS)
def test_no_sum_of_the_others_or_of_the_company_can_be_had_by_taking_his_own_off(companies, report):
    """What the files of a company of six hold beyond those of a company where nobody else did a thing."""
    settings = companies.store(6, "busy")
    files, bare = (companies.files(report, 6, kind) for kind in ("busy", "nobody"))
    own = _numbers(bare)
    more = {round(number - less, 6) for number in _numbers(files) - own for less in own | {0.0}}
    table = measure(load(**WHEN, settings=settings), SUMS, by="manager", total=True).set_index("manager_id")
    company, mine = table.iloc[-1][SUMS].astype(float), table.loc["1", SUMS].astype(float)
    assert (company > 3 * mine).all()
    assert not {*company, *(company - mine)} & more
