"""What `jupyter nbconvert --to html` gives: our page with `--template crm_reports`; without, its own page with our charts in it.

pip puts what is in template/jupyter/ where nbconvert looks: a template that asks for `Page`, and settings that ask for `Charts`.
"""

from typing import Any

import nbformat
from nbconvert.preprocessors import Preprocessor

from ..words.texts import LANGUAGES, language, speaking
from . import lab, lists, publish, scripts
from .mime import ELEMENT, FIGURE, bundles, elements
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
        drawn = [data for data in bundles(nb.cells) if FIGURE in data]
        for data in drawn:
            data["text/html"] = _drawn(data)
        if drawn:
            name = scripts.plotly_for({"data": [], **data[FIGURE]} for data in drawn)
            drawn[0]["text/html"] = f"<script>{scripts.script(name)}</script>{drawn[0]['text/html']}"
        return nb, resources


def _language(notebook: nbformat.NotebookNode) -> str:
    """The language that the notebook's header is in."""
    headers = (element for element in elements(notebook.cells) if element["kind"] == "header")
    names = (header.get("language") for header in headers)
    return next((name for name in names if name in LANGUAGES), language())


def _drawn(data: dict[str, Any]) -> str:
    """The chart where the element's HTML has its place for it; an element's heading stands over it, not in it."""
    figure, is_element = data[FIGURE], ELEMENT in data
    figure = {
        "data": figure.get("data", []),
        "layout": lab.in_page(figure) if is_element else figure.get("layout", {}),
    }
    html = "".join(data["text/html"]) if is_element else OWN_PLACE
    return html.replace(HERE, DRAW.format(figure=lists.as_script(figure)))
