"""A company of seven managers made by hand, and everything that it publishes: report pages, indexes, the night's page, the wiki."""

from dataclasses import replace
from datetime import UTC, date, datetime

import nbformat

from crm_reports.look import completeness, publish, scripts, wiki
from crm_reports.look.mime import ELEMENT, ROWS
from crm_reports.night import NightReport, Page
from crm_reports.night.index import write_indexes
from crm_reports.night.records import keep
from reports import shown
from stores import DEFAULTS, STAGES, at, deal, make_store, moves

HOSTILE = "<img src=x onerror=alert(1)> & <b onclick=alert(2)>&amp;lt;i&gt;"
PEOPLE = {
    "1": "Андрей Ёлкин",
    "2": "Zoë Müller",
    "3": "Anna",
    "4": "Anna",
    "5": HOSTILE,
    "6": "Сергей",
    "7": "Nobody's deals",
}
ENDS = {"won": "WON", "lost": "DEAR", "open": "REQ"}
NIGHT = date(2026, 3, 1)
REPORTS = ("overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals", "sales_plan")


def _deal(number):
    """Of each six of a manager: two won, one lost, three in work; every other one of an earlier month."""
    manager = str(1 + number % 6)
    outcome = ("won", "lost", "open", "won", "open", "open")[number // 6 % 6]
    created = f"2026-{'02' if number % 2 else '01'}-{1 + number % 27:02} 10:00"
    closed = f"2026-02-{1 + number % 27:02} 18:00"
    made = deal(
        number, created, title=HOSTILE if number == 5 else f"Сделка {number}", manager_id=manager, stage_id=ENDS[outcome], outcome=outcome,
        amount=100.25 + number, source_id=("WEB", "CALL")[number % 2], closed_at=at(closed) if outcome != "open" else None,
    )  # fmt: skip
    last = [(closed, ENDS[outcome])] if outcome != "open" else [(created[:-5] + "11:00", "REQ")]
    return made, moves(number, (created, "NEW"), *last)


def company(folder, name=str):
    """Its store: six managers with 20 deals each, and one with none. `name` makes every name that it has."""
    made = [_deal(number) for number in range(120)]
    homes = [{"manager_id": id, "department_id": "10" if int(id) < 4 else "11", "position": 0} for id in PEOPLE]
    told = {"activity_id": "a1", "owner_type": "deal", "owner_id": "2", "kind": "call", "manager_id": "1", "is_done": True,
            "is_action": True, "at": at("2026-02-27 12:00"), "created_at": at("2026-02-27 12:00")}  # fmt: skip
    named = {
        table: [row | {"name": name(row["name"])} for row in DEFAULTS[table]]
        for table in ("pipelines", "departments", "sources", "companies")
    }
    return make_store(
        folder, deals=[each | {"title": name(each["title"])} for each, _path in made], stage_history=[step for _each, path in made for step in path],
        managers=[{"manager_id": id, "name": name(who), "is_active": True} for id, who in PEOPLE.items()], manager_departments=homes,
        stages=[stage | {"name": name(stage["name"])} for stage in STAGES], activities=[told], comments=[], **named,
    )  # fmt: skip


def report(folder, settings, name, *, links=(), questions=(), only=(), **parameters):
    """The page of a report, and its elements by their ids; `questions` are pairs of an element and what stands above it.

    With `only` these elements stand under its header, with the rows behind their numbers, and no other: half of what a browser does is to draw charts.
    """
    given = {"period": "2026-02", "as_of": "2026-03-01", "comparison": "none", **parameters}
    bundles = [
        each
        for each in shown(name, settings, **given)
        if not only or ROWS in each or each.get(ELEMENT, {}).get("id") in ("header", *only)
    ]
    cells = [nbformat.v4.new_markdown_cell(f"# {name}")]
    asked = dict(questions)
    for bundle in bundles:
        if question := asked.get(bundle.get(ELEMENT, {}).get("id")):
            cells.append(nbformat.v4.new_markdown_cell(question))
        cells.append(nbformat.v4.new_code_cell("…"))
        cells[-1].outputs = [nbformat.v4.new_output("display_data", data=bundle)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"crm_reports": {"notebook": f"{name}.ipynb"}})
    path = folder / f"{name}-{len(list(folder.iterdir()))}.html"
    rows = {f"{path.stem}.{end}": text for end, text in publish.rows_beside(notebook).items()}
    html = publish.html(
        notebook, assets="assets", links=links, language=given.get("language", "en"), rows="".join(rows)
    )
    assert completeness.missing_from(html, notebook) == []
    for beside, text in {path.name: html, **rows}.items():
        (folder / beside).write_text(text, encoding="utf-8")
    return path, {bundle[ELEMENT]["id"]: bundle[ELEMENT] for bundle in bundles if ELEMENT in bundle}


def site(folder, settings, name=str):
    """Every kind of page that there is, by what it is called here."""
    scripts.assets(folder / "assets")
    links = [
        publish.Link("workbook", "report.xlsx"), publish.Link("site", "index.html"), publish.Link("all", "all.html"),
        *(publish.Link(f"report:{each}", f"{each}.html") for each in REPORTS),
        *(publish.Link(key, "other.html", name(text)) for key, text in (("sibling", "Moscow"), ("sibling", "Kazan"), ("night", "28 Feb 2026"))),
    ]  # fmt: skip
    pages = {each: report(folder, settings, each, links=links)[0] for each in REPORTS}
    wiki.write(folder)
    settings = settings.model_copy(update={"data": folder / "data"})
    keep(_night(folder, name), settings)
    write_indexes(settings, folder)
    indexes = {
        "index": "index.html",
        "night": "night.html",
        "audience": "for/anna/index.html",
        "wiki": "glossary.en.html",
    }
    return pages | {each: folder / path for each, path in indexes.items()}


def _night(folder, name):
    """One night: wholes, slices, an audience's own page, and one that failed."""
    made = {
        "report": "overview",
        "state": "complete",
        "headline": name("Anna brings it in"),
        "about": name("March"),
        "seconds": 1.5,
    }
    cut = {"dimension": "manager", "id": "3", "name": name("Anna")}
    whole = Page(name("All of it"), preset=name("All of it"), key="whole", proof=name("4 charts"), **made)
    each = Page(name("Anna's"), preset=name("Each"), key="each", slice=cut, **made)
    pages = [
        whole,
        each,
        replace(whole, key="sales", report="sales_dynamics"),
        replace(each, key="own", audience="anna"),
    ]
    pages = [replace(page, files=_files(folder, page)) for page in pages]
    failed = replace(
        whole, state="failed", key="bad", error=name("There are no deals"), last_good=pages[0].file("html")
    )
    when = datetime(2026, 3, 1, 1, tzinfo=UTC)
    return NightReport(
        NIGHT,
        when,
        when,
        (*pages, failed),
        notes=(name("A note"),),
        troubles=(name("A trouble"),),
        repairs=(name("A repair"),),
    )


def _files(folder, page):
    home = folder / f"for/{page.audience}" if page.audience else folder
    (home / str(NIGHT)).mkdir(parents=True, exist_ok=True)
    paths = [home / str(NIGHT) / f"{page.key}.{suffix}" for suffix in ("html", "xlsx", "json", "ipynb")]
    for path in paths:
        path.touch()
    return tuple(path.relative_to(folder).as_posix() for path in paths)
