"""What `jupyter nbconvert --to html` gives: our page with `--template crm_reports`; without, its own page with our charts in it.

pip puts what is in template/jupyter/ where nbconvert looks: a template that asks for `Page`, and settings that ask for `Charts`.
"""

from collections.abc import Iterator
from typing import Any

import nbformat
from nbconvert.preprocessors import Preprocessor

from ..words.texts import LANGUAGES, language, speaking
from . import lab, lists, publish, scripts
from .mime import ELEMENT, FIGURE
from .page import HERE

TEMPLATE = "crm_reports"
OWN_PLACE = f'<div class="chart"></div>{HERE}'
# In the place that stands before it; what nbconvert's page measures as it is read may be narrower than in the end.
DRAW = """<script>(() => {{
const place = document.currentScript.previousElementSibling, figure = {figure};
Plotly.newPlot(place, figure.data, figure.layout, {{responsive: true, displaylogo: false}});
}})();</script>"""


class Page(Preprocessor):
    """The whole page as a resource, which is all that our template writes down."""

    def preprocess(self, nb: nbformat.NotebookNode, resources: dict[str, Any]) -> tuple[nbformat.NotebookNode, dict]:
        with speaking(_language(nb)):
            resources["crm_reports_page"] = publish.html(nb)
        return nb, resources


class Charts(Preprocessor):
    """Every chart as HTML that nbconvert's own page draws, and plotly.js once; nothing is fetched for it."""

    def preprocess(self, nb: nbformat.NotebookNode, resources: dict[str, Any]) -> tuple[nbformat.NotebookNode, dict]:
        if getattr(self.parent, "template_name", "") == TEMPLATE:
            return nb, resources
        bundles = list(_with_figures(nb))
        for data in bundles:
            data["text/html"] = _drawn(data)
        if bundles:
            name = scripts.plotly_for({"data": [], **data[FIGURE]} for data in bundles)
            bundles[0]["text/html"] = f"<script>{scripts.script(name)}</script>{bundles[0]['text/html']}"
        return nb, resources


def _language(notebook: nbformat.NotebookNode) -> str:
    """The language that the notebook's header is in."""
    headers = (data[ELEMENT] for data in _bundles(notebook) if data.get(ELEMENT, {}).get("kind") == "header")
    known = (header.get("language") for header in headers)
    return next((name for name in known if name in LANGUAGES), language())


def _bundles(notebook: nbformat.NotebookNode) -> Iterator[dict[str, Any]]:
    for cell in notebook.cells:
        yield from (output["data"] for output in cell.get("outputs", ()) if "data" in output)


def _with_figures(notebook: nbformat.NotebookNode) -> Iterator[dict[str, Any]]:
    """The bundles that hold a chart, of an element or of somebody's own."""
    yield from (data for data in _bundles(notebook) if FIGURE in data)


def _drawn(data: dict[str, Any]) -> str:
    """The chart where the element's HTML has its place for it; an element's heading stands over it, not in it."""
    figure, is_element = data[FIGURE], ELEMENT in data
    figure = {
        "data": figure.get("data", []),
        "layout": lab.in_page(figure) if is_element else figure.get("layout", {}),
    }
    html = "".join(data["text/html"]) if is_element else OWN_PLACE
    return html.replace(HERE, DRAW.format(figure=lists.as_script(figure)))
