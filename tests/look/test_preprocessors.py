"""`jupyter nbconvert --to html`: our page with our template, nbconvert's own page with our charts without it."""

import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import plotly.graph_objects as go
import pytest
from nbconvert.exporters import HTMLExporter
from traitlets.config import Config

from crm_reports import charts
from crm_reports.look import page, publish, scripts
from crm_reports.look.mime import FIGURE

BROUGHT = Path(page.__file__).parent / "template" / "jupyter"
FRAME = pd.DataFrame({"manager": ["Anna </script><b>", "Boris"], "manager_id": ["3", "4"], "won": [5, 2]})


@pytest.fixture
def notebook(monkeypatch):
    """A chart of the report's, one of somebody's own, and a table."""
    shown = []
    page.forget()
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    page.show(charts.bars(FRAME, x="manager", y="won"), "managers", data=FRAME)
    page.show(FRAME, "sources")
    shown.append({FIGURE: json.loads(go.Figure(go.Bar(x=["a"], y=[1]), layout={"title": {"text": "Mine"}}).to_json())})
    cells = [nbformat.v4.new_markdown_cell("# Sales")]
    for bundle in shown:
        output = nbformat.v4.new_output("display_data", data=bundle)
        cells.append(nbformat.v4.new_code_cell("crm.show(…)", outputs=[output]))
    return nbformat.v4.new_notebook(cells=cells)


def converted(notebook, tmp_path, **options):
    """What nbconvert makes of it where pip has put what we bring."""
    (tmp_path / "crm_reports").symlink_to(BROUGHT / "template")
    config = Config(json.loads((BROUGHT / "jupyter_nbconvert_config.json").read_text()))
    html, _resources = HTMLExporter(
        config=config, extra_template_basedirs=[str(tmp_path)], **options
    ).from_notebook_node(notebook)
    return html


def test_with_our_template_any_notebook_becomes_the_page_that_a_run_makes_of_it(notebook, tmp_path):
    html, ours = converted(notebook, tmp_path, template_name="crm_reports"), publish.html(notebook)
    # nbconvert writes the tags again, with their attributes in its own order.
    for mark in (
        r"<title>(.*?)</title>",
        r"<style>(.*?)</style>",
        r"<script[^>]*>(.*?)</script>",
        r"(sha256-[\w+/=]*)",
    ):
        assert re.findall(mark, html, re.DOTALL) == re.findall(mark, ours, re.DOTALL)


def test_with_our_template_the_page_is_in_the_language_of_its_header(notebook, tmp_path):
    header = {
        page.ELEMENT: {"id": "header", "kind": "header", "title": "", "language": "ru"},
        "text/html": "<p>О чём</p>",
    }
    notebook.cells[1:1] = [nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data=header)])]
    assert '<html lang="ru">' in converted(notebook, tmp_path, template_name="crm_reports")


def test_nbconvert_s_own_page_draws_every_chart_and_brings_plotly_once(notebook, tmp_path):
    html = converted(notebook, tmp_path)
    figures = [json.loads(text) for text in re.findall(r"figure = (\{.*\});\n", html)]
    assert [figure["data"][0]["type"] for figure in figures] == ["bar", "bar"]
    assert [figure["layout"].get("title", {}).get("text") for figure in figures] == [None, "Mine"]
    assert html.count(scripts.script(scripts.PLOTLY)) == 1
    assert html.index(scripts.script(scripts.PLOTLY)) < html.index("Plotly.newPlot(place")
    assert html.count("</script><b>") == 0
    assert len(re.findall(r'<div[^>]*class="chart"[^>]*></div>\s*<script>\(\(\) => \{', html)) == 2


def test_a_notebook_without_charts_is_converted_as_ever(tmp_path):
    plain = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Nothing of ours")])
    assert converted(plain, tmp_path) == HTMLExporter().from_notebook_node(plain)[0]
