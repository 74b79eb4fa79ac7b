"""Whatever is asked of the live page, its numbers are those of a run with the same parameters."""

import json
import random
from urllib.parse import urlencode

import httpx
import pytest
from bs4 import BeautifulSoup
from chromium import needed
from readers import Reader

from crm_reports.runs.preparation import parameters_of
from serving import made

pytestmark = [needed, pytest.mark.usefixtures("lent_parent")]
REPORTS = ("overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals", "sales_plan")
VALUES = {
    "period": ("2025-03", "2025-Q1", "March 2025", "2025-01-05..2025-03-08", "2025", "all"),
    "manager": (["1"], ["2"], ["2", "1"], ["Anna"]), "department": (["10"], ["11"], ["Kazan"]), "source": (["WEB"],),
    "pipeline": (["0"],), "comparison": ("year_ago", "none"), "as_of": ("2025-03-21", "2025-04-01"),
    "forgotten_after": (1, 5, 14, 21), "language": ("ru",), "exclude_stages": (["REQ"],),
}  # fmt: skip
TILES = "[...document.querySelectorAll('main a.tile')].map(tile => [tile.dataset.metric, tile.dataset.value === '' ? null : Number(tile.dataset.value)])"


def _asked(seed, settings):
    """A report, and one to five of its parameters."""
    dice = random.Random(seed)
    report = dice.choice(REPORTS)
    known = [name for name in VALUES if name in parameters_of(report, settings)]
    chosen = dice.sample(known, dice.randint(1, 5))
    return report, {name: dice.choice(VALUES[name]) for name in chosen}


def _in_chromium(live, address):
    """The tiles that a reader sees, and whether the page says that there is nothing to see."""
    with Reader(live, address) as reader:
        return reader.page.evaluate(TILES), reader.page.locator(".nothing-here").count() > 0


def _as_sent(_live, address):
    """The same of the page as the server sends it: to draw a dozen pages takes half a minute."""
    page = BeautifulSoup(httpx.get(address, follow_redirects=True, timeout=120).text, "html.parser")
    values = [(tile["data-metric"], tile["data-value"]) for tile in page.select("main a.tile")]
    return [[metric, float(value) if value else None] for metric, value in values], bool(page.select(".nothing-here"))


def test_the_numbers_are_those_of_a_run_with_the_same_parameters(live, server, settings, tmp_path):
    for seed in range(12):
        report, given = _asked(seed, settings)
        query = urlencode(given, doseq=True)
        shown, is_idle = (_as_sent if seed % 3 else _in_chromium)(live, f"{server}/{report}?{query}")
        answered = httpx.get(f"{server}/{report}.json?{query}").json()["elements"]
        record = made(settings, report, tmp_path / "run", **given)
        assert record.error == "", query
        ran = json.loads(record.files[-1].read_text(encoding="utf-8"))["elements"]
        assert answered == ran, query
        tiles = [row for each in ran.values() if each["kind"] == "tiles" for row in each["rows"]]
        assert shown == [[row["metric"], row["value"]] for row in tiles if row["value"] or not is_idle], query
        assert shown, query
