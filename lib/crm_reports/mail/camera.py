"""Pictures of a page's charts and its PDF, taken by the Chromium that proves the pages; without one, nothing."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from ..runs.proof import Chromium

MOST = 6  # charts in a mail
WIDTH = 576  # as wide as the mail's column; twice as many dots, for sharp screens

# Each chart drawn anew at the width of a mail, under the heading that the page gives it.
PICTURES = """
(async () => JSON.stringify(await Promise.all([...document.querySelectorAll("div.chart")].slice(0, %d).map(async chart => ({
  title: chart.closest("[data-element]")?.querySelector("h2, h3")?.textContent.trim() ?? "",
  id: chart.closest("[data-element]")?.dataset.element ?? "",
  png: await Plotly.toImage(chart, {format: "png", width: %d, height: Math.min(chart._fullLayout.height, 460), scale: 2}),
})))))()
"""


def charts(browser: Chromium, html: Path) -> list[dict[str, Any]]:
    """The id, title and PNG of each chart of the page, in order; OSError when the browser can't."""
    parameters = {"expression": PICTURES % (MOST, WIDTH), "awaitPromise": True, "returnByValue": True}
    (answer,) = browser.ask(html, [("Runtime.evaluate", parameters)])
    if "value" not in answer["result"]:  # a page without charts has no Plotly to ask
        return []
    return [
        chart | {"png": b64decode(chart["png"].partition(",")[2])} for chart in json.loads(answer["result"]["value"])
    ]


def pdf(browser: Chromium, html: Path) -> bytes:
    """The page as it prints, on A4; OSError when the browser can't."""
    parameters = {"printBackground": True, "preferCSSPageSize": True, "paperWidth": 8.27, "paperHeight": 11.69}
    (answer,) = browser.ask(html, [("Page.printToPDF", parameters)])
    return b64decode(answer["data"])
