"""An invented report, without a kernel: frames as `measure` gives them, put through `page` into a notebook."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import nbformat
import pandas as pd

from crm_reports import charts, metrics  # noqa: F401  (importing metrics registers them)
from crm_reports.look import page
from crm_reports.words import context

NAMES = (
    "Айдар Каримов", "Алина Сафина", "Артур Гизатуллин", "Дина Мансурова", "Эльмира Валеева", "Илья Новиков",
    "Lilia Rakhimova", "Marat B.",
)  # fmt: skip
STAGES = ("Взят в работу", "Запрос обработан", "Счёт / договор", "Ожидание оплаты", "Оплачен")
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    '=HYPERLINK("http://x","y")',
    "<b>$$x$$ %{y}</b>",
)
NAN = float("nan")


@dataclass
class Filters:
    """As crm_reports.filters, as far as a header asks."""

    as_of: datetime = datetime(2025, 3, 12, 21, tzinfo=UTC)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Moscow"))

    def words(self) -> list[tuple[str, str, bool]]:
        return [
            ("Period", "2024-12-01 – 2025-03-31 (running: 102 days have gone by)", False),
            ("Compared with", "2023-12-01 – 2024-03-12", False), ("Pipeline", "B2B <продажи>", True),
            ("Department", "all", False), ("Manager", "all", False), ("Source", "all", False),
            ("Data as of", "2025-03-13 00:00 (Europe/Moscow)", False),
        ]  # fmt: skip

    def ids(self, dimension: str) -> tuple[str, ...]:
        return ()

    def as_json(self) -> dict:
        return {"pipeline": [{"id": "0", "name": "B2B <продажи>"}], "time_zone": "Europe/Moscow"}


@dataclass
class Dataset:
    filters: Filters = field(default_factory=Filters)
    synced_at: datetime = datetime(2025, 3, 12, 21, 5, tzinfo=UTC)
    currency: str = "RUB"
    size: int = 2252
    total: int = 2611
    portal_url: str = "https://example.bitrix24.ru"
    holes: tuple[str, ...] = ()
    quality: tuple = (
        {"code": "no_customer", "count": 14, "text": "14 deals have no customer"},
        SimpleNamespace(code="unpriced", count=6, text="6 deals in USD have no rate: counted, not priced"),
        {"code": "history", "count": 1, "text": "History starts on 1 Feb, so repeat customers are understated"},
    )
    names: object = field(
        default_factory=lambda: SimpleNamespace(managers=pd.DataFrame(index=[str(10 + n) for n in range(8)]))
    )


def interval(k: float, n: float) -> tuple[float, float]:
    """Not Wilson's, near enough for a drawing."""
    half = 1.96 * (max(k / n * (1 - k / n), 0.01) / n) ** 0.5
    return max(k / n - half, 0), min(k / n + half, 1)


def rate(name: str, k: float, n: float, **more: object) -> dict[str, object]:
    low, high = interval(k, n) if n else (NAN, NAN)
    return {name: k / n if n else NAN, f"{name}_k": k, f"{name}_n": n, f"{name}_low": low, f"{name}_high": high} | {
        f"{name}_{end}": value for end, value in more.items()
    }


def tiles() -> pd.DataFrame:
    dice = Random(1)
    rows = [
        ("won", 39, 33, "3 repeat"), ("won_money", 8.7e6, 7.4e6, ""),
        ("average_check", 223_400, 232_000, "median 141 k ₽"),
        ("conversion", 39 / 359, 0.102, ""), ("cycle_days", 17.2, 19.4, "median 12 days"), ("in_work", 2252, 2190, ""),
        ("lost", 121, 111, "75.6 % of 160 closed"), ("repeat_share", NAN, NAN, ""),
    ]  # fmt: skip
    return pd.DataFrame([
        {"metric": name, "value": value, "previous": before, "change": value / before - 1, "note": note,
         "k": 39 if name == "conversion" else NAN, "n": 359 if name == "conversion" else NAN, "low": NAN, "high": NAN,
         "spark": [dice.random() + place / 9 for place in range(12)]}
        for name, value, before, note in rows
    ])  # fmt: skip


def dynamics() -> pd.DataFrame:
    dice, rows = Random(2), []
    for size, days, count in (("week", 7, 60), ("month", 30.4, 14), ("quarter", 91, 5), ("year", 365, 2)):
        for place in range(count):
            start = date(2024, 1, 1) + timedelta(days=round(days * place))
            won, created = round(days * (0.3 + dice.random() / 5)), round(days * 3)
            rows.append({
                "size": size, "period": str(start)[:7], "start": start, "is_running": place == count - 1,
                "won_money": won * 2.2e5, "won": won, "created": created,
                "average_check": 2.2e5 * dice.uniform(0.8, 1.2), **rate("conversion", won, created),
                "won_money_previous": won * 2e5 * dice.uniform(0.7, 1.1) if place else NAN,
                "won_money_change": 0.1, "won_previous": won * 0.9, "won_change": 0.11,
            })  # fmt: skip
    return pd.DataFrame(rows)


def managers(names: tuple[str, ...] = NAMES) -> pd.DataFrame:
    dice, rows = Random(3), []
    for place, name in enumerate(names):
        created, won, closed = dice.randint(12, 76), dice.randint(1, 9), 24
        money = won * dice.uniform(1e5, 5e5)
        rows.append({
            "manager": name, "manager_id": str(10 + place), "created": created, "won": won,
            **rate("conversion", won, created, differs=place == 3), "cycle_days": dice.uniform(4, 30),
            "won_money": money, "average_check": money / won, "in_work": dice.randint(90, 250),
            "in_work_money": dice.uniform(1e6, 9e6),
            "lost": dice.randint(5, 20), **rate("lost_share", dice.randint(5, 20), closed),
            **rate("repeat_share", 1 if won > 2 else 0, won if won > 2 else 0), "is_total": False,
        })  # fmt: skip
    total = {"is_total": True, "created": 433, "won": 39, **rate("conversion", 39, 433), "cycle_days": 17.2,
             "won_money": 8.7e6, "average_check": 223_400, "in_work": 1542, "in_work_money": 4.13e7, "lost": 121,
             **rate("lost_share", 121, 160), **rate("repeat_share", 3, 39)}  # fmt: skip
    return pd.DataFrame([*rows, total])


def over_time() -> pd.DataFrame:
    dice = Random(4)
    return pd.DataFrame([
        {"manager": name, "manager_id": str(10 + place), "size": "month", "start": date(2024, month, 1),
         "period": f"2024-{month:02}", "won_money": dice.uniform(0, 2e6), "won": dice.randint(0, 9),
         **rate("conversion", 3, dice.randint(10, 60))}
        for place, name in enumerate(NAMES) for month in range(1, 13)
    ])  # fmt: skip


def funnel() -> pd.DataFrame:
    counts = (359, 214, 96, 71, 39)
    return pd.DataFrame([
        {"pipeline": "B2B", "pipeline_id": "0", "stage": stage, "stage_id": str(place), "position": place,
         "reached": counts[place] + 8, "visited": counts[place], "cohort_reached": counts[place],
         **rate("stage_conversion", *((counts[place + 1], counts[place]) if place < 4 else (0, 0))),
         "to_stage": STAGES[place + 1] if place < 4 else None, "is_narrowest": place == 1}
        for place, stage in enumerate(STAGES)
    ])  # fmt: skip


def stage_conversion(names: tuple[str, ...] = NAMES) -> pd.DataFrame:
    dice, rows = Random(5), []
    for who, name in [*enumerate(names), (None, None)]:
        for step in range(4):
            n = dice.choice((6, 11, 24, 42, 31)) if who is not None else (359, 214, 96, 71)[step]
            k = round(n * (0.6, 0.45, 0.74, 0.55)[step] * (dice.uniform(0.6, 1.3) if who is not None else 1))
            rows.append({
                "pipeline": "B2B", "pipeline_id": "0", "stage": STAGES[step], "stage_id": str(step),
                "to_stage": STAGES[step + 1], "to_stage_id": str(step + 1), "manager": name,
                "manager_id": None if who is None else str(10 + who),
                **rate("stage_conversion", min(k, n), n, differs=who == 4 and step == 1),
                "visited_next": k, "lost_on_the_way": 3, "on_the_way": 2, "is_total": who is None,
            })  # fmt: skip
    return pd.DataFrame(rows)


def loss_reasons() -> pd.DataFrame:
    reasons = (("Слишком дорого", 48, 4.1e6), ("Ушли к конкуренту", 30, 2.2e6), (HOSTILE[0], 21, 9e5), ("", 22, 3e5))
    return pd.DataFrame([{"loss_reason": name or "no reason", "loss_reason_id": name, "lost": n, "lost_money": money}
                         for name, n, money in reasons])  # fmt: skip


def deals(count: int = 600) -> pd.DataFrame:
    dice = Random(6)
    start = pd.Timestamp("2024-12-01", tz="UTC")
    return pd.DataFrame([
        {"deal_id": str(n), "title": HOSTILE[n] if n < len(HOSTILE) else f"Заказ {3300 + n}",
         "url": "javascript:alert(3)" if n == 1 else f"https://example.bitrix24.ru/crm/deal/details/{n}/",
         "customer": f"ООО «Ромашка {n % 70}»" if n % 9 else None,
         "status": ("Won", "Lost", "In work")[n % 3], "outcome": ("won", "lost", "open")[n % 3],
         "manager": NAMES[n % 8], "manager_id": str(10 + n % 8), "stage": STAGES[n % 5],
         "money": round(dice.uniform(0, 9e5)) if n % 11 else NAN, "created_at": start + timedelta(hours=4 * n),
         "closed_at": start + timedelta(hours=4 * n, days=20) if n % 3 < 2 else pd.NaT,
         "duration_days": dice.uniform(0, 80), "days_in_current_stage": dice.uniform(0, 60) if n % 3 == 2 else NAN,
         "loss_reason": "Слишком дорого" if n % 3 == 1 else None, "last_action_at": start + timedelta(hours=5 * n),
         "is_touched": n % 3 < 2 or n < 300, "is_created": n < 300, "is_won": n % 3 == 0, "is_lost": n % 3 == 1,
         "is_in_work": n % 3 == 2, "is_forgotten": n % 6 == 5}
        for n in range(count)
    ])  # fmt: skip


def activity() -> pd.DataFrame:
    dice = Random(7)
    return pd.DataFrame([
        {"manager": name, "manager_id": str(10 + n), "activity_index": dice.uniform(1, 10),
         "won_money": dice.uniform(1e5, 2e6), "won": dice.randint(1, 9)} for n, name in enumerate(NAMES)
    ])  # fmt: skip


class Recorder:
    """Collects what a cell displays, as a kernel would."""

    def __init__(self) -> None:
        self.outputs: list = []

    def __call__(self, bundle: dict, raw: bool = False) -> None:
        self.outputs.append(nbformat.v4.new_output("display_data", data=bundle))

    def cell(self, draw, *, tags: tuple[str, ...] = (), source: str = "…"):
        self.outputs = []
        draw()
        made = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}, execution_count=1)
        made.outputs = self.outputs
        return made


METRICS = (
    "won", "won_money", "conversion", "cycle_days", "stage_conversion", "activity_index"
)  # fmt: skip


def _glossary(ds: Dataset) -> None:
    context.use(metrics=METRICS)
    page.glossary(ds)


def notebook(monkeypatch) -> nbformat.NotebookNode:
    """The whole report, executed."""
    record, ds, say = Recorder(), Dataset(), nbformat.v4.new_markdown_cell
    monkeypatch.setattr(page, "display", record)
    page.use(ds)

    def shown(*what, **words):
        return record.cell(lambda: page.show(*what, **words))

    grown = "Money grew 18 % on the year before; February alone brought a third of it"
    narrow = "The narrow place is request → invoice: 118 of 214 never got an invoice"
    month, each, reasons = dynamics(), over_time(), loss_reasons()
    cells = [
        say("# Sales dynamics\nWhat came in, what was won, who brings it, and where deals stop."),
        record.cell(lambda: None, tags=("parameters",), source="period: str = 'last_month'"),
        record.cell(lambda: page.header(ds)),
        record.cell(lambda: page.show(tiles(), "tiles")),
        say("## Is money growing?"),
        shown(charts.dynamics(month, before="the year before"), "dynamics", data=month, finding=grown),
        say("## Where do deals stop?"),
        shown(charts.funnel(funnel()), "funnel", data=funnel(), finding=narrow),
        shown(stage_conversion(), "stage_conversion"),
        say("## Who brings it in?"),
        shown(managers(), "managers", finding="Two of eight managers bring 61 % of the money"),
        shown(charts.small_multiples(each, by="manager"), "managers_over_time", data=each),
        shown(charts.compared(each), "managers_compared"),
        shown(charts.scatter(activity(), x="activity_index", y="won_money"), "index_vs_results", data=activity()),
        say("## Why are deals lost?"),
        shown(charts.bars(reasons, x="loss_reason", y="lost"), "loss_reasons", data=reasons),
        record.cell(lambda: page.verdict("48 of 121 lost deals were too expensive.")),
        shown(None, "leads", missing="The portal has no leads."),
        shown(reasons.iloc[:0], "sources"),
        shown(deals(), "deals", finding="600 deals created or closed in the period"),
        record.cell(lambda: _glossary(ds)),
        nbformat.v4.new_markdown_cell("## Things to try", metadata={"tags": ["recipes"]}),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def part(notebook: nbformat.NotebookNode, *elements: str) -> nbformat.NotebookNode:
    """The same report with these elements under its header, and no other."""

    def ids(cell: nbformat.NotebookNode) -> set[str]:
        return {output.data[page.ELEMENT]["id"] for output in cell.get("outputs", ()) if page.ELEMENT in output.data}

    return nbformat.v4.new_notebook(cells=[each for each in notebook.cells if ids(each) & {"header", *elements}])
