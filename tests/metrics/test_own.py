"""A workspace's own metrics and elements: what is beside reports.toml is there in every load, and nothing stays behind."""

import os

import pytest

from crm_reports import elements
from crm_reports.cli.new import new
from crm_reports.errors import MetricError, ReportError
from crm_reports.look import wiki
from crm_reports.measures.load import load
from crm_reports.measures.measure import measure
from crm_reports.metrics import own
from crm_reports.metrics.registry import METRICS, column
from crm_reports.runs import preparation
from crm_reports.runs import run as runs
from crm_reports.settings import Settings
from crm_reports.words.texts import speaking
from notebooks import write
from stores import deal, make_store, moves

BIG = '''
import crm_reports as crm

@crm.metric(title="Big wins", ru="Крупные победы", unit="count", good="up", on="events", formula="won, {n} and more")
def big_wins(events):
    """How many large deals were won."""
    return (events["won_money"] >= {n}).sum()
'''
WON = {"stage_id": "WON", "outcome": "won"}


@pytest.fixture
def settings(tmp_path):
    """Anna won 1 000, Boris 200 and 300, all in March 2025."""
    amounts = {1: ("1", 1000.0), 2: ("2", 200.0), 3: ("2", 300.0)}
    make_store(
        tmp_path / "data",
        deals=[deal(id, "2025-03-01", manager_id=who, amount=money, **WON) for id, (who, money) in amounts.items()],
        stage_history=[row for id in amounts for row in moves(id, ("2025-03-01", "NEW"), ("2025-03-10", "WON"))],
    )
    (tmp_path / "reports.toml").write_text('time_zone = "UTC"\n[own]\ntiles = ["big_wins"]\nmanagers = ["big_wins"]\n')
    yield Settings.read(tmp_path / "reports.toml", tmp_path / "data")
    own.take(None)


def _file(settings, name, text):
    path = settings.home / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def _march(settings):
    return load(period="2025-03", as_of="2025-04-01", settings=settings)


def test_an_own_metric_stands_in_tables_tiles_and_the_managers_with_its_russian_title(settings):
    _file(settings, "metrics/big.py", BIG.format(n=300))
    ds = _march(settings)
    assert measure(ds, ["won", "big_wins"], by="manager")["big_wins"].tolist() == [1, 1]
    assert elements.tiles(ds, ["won"]).table["value"].tolist() == [3, 2]
    assert elements.managers(ds).table["big_wins"].tolist() == [1, 1, 2]
    with speaking("ru"):
        assert column("big_wins").title == "Крупные победы"
    assert column("big_wins").title == "Big wins"
    title, entries = wiki.sections()[-1]
    assert (title, [entry.name for entry in entries]) == ("Of this company's own", ["big_wins"])


def test_an_edit_is_there_at_the_next_load_and_changes_what_a_page_is_made_of(settings):
    path = _file(settings, "metrics/big.py", BIG.format(n=300))
    before = preparation.prepare("overview", {"period": "2025-03"}, settings=settings).reproduction["code_sha256"]
    _file(settings, "metrics/big.py", BIG.format(n=900))
    os.utime(path, ns=(1, 1))
    assert measure(_march(settings), ["big_wins"], by="manager")["big_wins"].tolist() == [1, 0]
    assert (
        preparation.prepare("overview", {"period": "2025-03"}, settings=settings).reproduction["code_sha256"] != before
    )
    path.unlink()
    _march(settings)
    assert "big_wins" not in METRICS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1\n1 / 0", "metrics/big.py, line 2: ZeroDivisionError: division by zero"),
        ("def broken(:", "metrics/big.py, line 1: SyntaxError: invalid syntax"),
        (BIG.format(n=1).replace("big_wins", "won"), "metrics/big.py: 'won' is there already; give yours another name"),
        (
            BIG.format(n=1).replace('"won_money"', "won_money"),
            "metrics/big.py, line 4: metric 'big_wins' can't be measured: name 'won_money'",
        ),
        (BIG.format(n=1).replace('unit="count"', 'unit="pieces"'), "metric 'big_wins' has unit='pieces'; write one of"),
    ],
)
def test_a_file_that_can_not_be_used_is_said_at_the_top_and_stops_no_other_report(settings, text, sentence):
    won = METRICS["won"]
    _file(settings, "metrics/big.py", text)
    ds = _march(settings)
    assert sentence in ds.holes[-1]
    assert METRICS["won"] is won
    assert measure(ds, ["won"], by="manager")["won"].tolist() == [1, 2]
    with pytest.raises(MetricError, match="no metric called 'big_wins'") as refused:
        measure(ds, ["big_wins"], by="manager")
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("big_wins", "won", "metrics/big.py: имя 'won' уже занято; дайте своему другое"),
        (".sum()", ".summ()", "metrics/big.py, строка 4: показатель 'big_wins' нельзя измерить: в теле показателя нельзя .summ; похожие: sum"),
        ('unit="count"', 'unit="pieces"', "metrics/big.py, строка 4: у показателя 'big_wins' указано unit='pieces'; допустимо одно из: count"),
        ('good="up"', 'god="up"', "metrics/big.py, строка 4: @metric не принимает god=; похожие: good"),
        ('"""How many large deals were won."""', "", "metrics/big.py, строка 4: у показателя 'big_wins' нет описания"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_own_metric_is_told_in_the_language_of_the_page(settings, old, new, sentence):
    _file(settings, "metrics/big.py", BIG.format(n=1).replace(old, new))
    with speaking("ru"):
        ds = _march(settings.model_copy(update={"language": "ru"}))
        assert f": {sentence}" in ds.holes[-1]
        with pytest.raises(MetricError, match="нет разреза 'sauce'; похожие: source"):
            measure(ds, ["won"], by="sauce")


def test_what_the_command_writes_works_and_is_never_written_over(settings):
    for kind, name in (("metric", "big_wins"), ("element", "by_source"), ("report", "our_week")):
        path = new(kind, name, settings)
        with pytest.raises(ReportError, match=f"{path.name} is there already and was left as it is"):
            new(kind, name, settings)
    record = runs.run(
        "our_week", {"period": "2025-03", "as_of": "2025-04-01"}, settings=settings, out=settings.home / "out"
    )
    assert (record.error, len(record.files)) == ("", 4)
    element = elements.by_source(_march(settings))
    assert element.table["won"].tolist() == [3]
    assert element.finding == "Website brings the most"
    assert element.figure.data


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("metrics", "big", "'metrics' can't be begun; there are: metric, element, report"),
        ("metric", "Big-Wins", "'Big-Wins' is no name for it; use small Latin letters, digits and _, such as big_wins"),
        ("metric", "won", "'won' is the product's own; give yours another name"),
    ],
)
def test_a_name_that_can_not_be_is_refused_in_a_sentence(settings, kind, name, sentence):
    with pytest.raises(ReportError) as refused:
        new(kind, name, settings)
    assert str(refused.value) == sentence


def test_a_page_made_in_a_process_of_its_own_knows_them_too(settings):
    _file(settings, "metrics/big.py", BIG.format(n=300))
    cell = "crm.show(crm.measure(ds, ['big_wins'], by='manager'), 'big')"
    write(settings.home / "notebooks" / "mine.ipynb", "# Mine", "crm.header(ds)", cell)
    record = runs.run("mine", {}, settings=settings, out=settings.home / "out")
    assert record.error == ""
    assert "Big wins" in record.files[1].read_text()
