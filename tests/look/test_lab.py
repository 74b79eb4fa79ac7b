"""Elements in JupyterLab and VS Code: their themes, their widths; and nothing of that on a page.

How it looks is seen by hand, for starting JupyterLab takes half a minute: `make lab`, a window 1400 pixels wide, in each report
Run All Cells, then Settings, Theme, both of them. No name runs over a number, no title lies under buttons, and all can be read.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from crm_reports import charts
from crm_reports.look import lab, lists, page, publish

ROOT = Path(__file__).parents[2]
FRAME = pd.DataFrame({"manager": ["Anna", "Boris"], "manager_id": ["3", "4"], "won": [5, 2]})
STYLE = lab.style(page.css())


@pytest.mark.parametrize(("said", "is_dark"), [("true", False), ("false", True)])
def test_elements_have_the_colours_of_the_theme_that_jupyterlab_says_it_has(said, is_dark):
    rule = re.search(rf':is\(body\[data-jp-theme-light="{said}"\],[^{{}}]*\) (\.crm)+\{{([^}}]*)\}}', STYLE)
    assert rule[2].startswith(charts.css_variables(dark=is_dark))
    assert "--bg:var(--jp-layout-color0," in rule[2]


def test_every_colour_of_a_chart_has_its_twin_in_the_dark_as_a_browser_writes_it_and_as_words_have_it():
    for light, dark in charts.dark_twins().items():
        red, green, blue = (int(light[place : place + 2], 16) for place in (1, 3, 5))
        for mark in (f'[style*="fill: rgb({red}, {green}, {blue})"]', f'[style*="fill:{light}" i]'):
            assert re.search(rf"{re.escape(mark)}[^{{}}]*\)\{{fill:{dark}!important\}}", STYLE), light


def test_our_rules_are_stronger_than_jupyterlab_s_whose_strongest_has_two_classes_and_two_tags():
    selectors = [one for rule in re.findall(r"([^{}]+)\{", STYLE) for one in rule.split(",") if ".crm" in one]
    assert [one for one in selectors if one.count(".crm") < 4] == []


@pytest.fixture
def bundle(monkeypatch):
    """What a cell shows with a chart 400 pixels high under buttons that take 44."""
    shown = []
    page.forget()
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    figure = charts.bars(FRAME, x="manager", y="won").update_layout(height=400, margin={"t": 44})
    page.show(figure, "managers", data=FRAME, finding="Anna <b>leads</b>")
    return shown[0]


def test_a_chart_alone_has_its_title_over_the_buttons_and_is_as_much_taller(bundle):
    layout = bundle[page.FIGURE]["layout"]
    assert layout["title"]["text"] == "Anna &lt;b&gt;leads&lt;/b&gt;"
    assert (layout["title"]["pad"]["b"], layout["title"]["automargin"], layout["title"]["yref"]) == (
        44,
        True,
        "container",
    )
    assert layout["height"] == 400 + lab.TITLE


def test_on_a_page_the_chart_is_as_high_as_it_was_made_and_nothing_is_jupyterlab_s(bundle):
    output = nbformat.v4.new_output("display_data", data=bundle)
    html = publish.html(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])]))
    figure = lists.unpacked(re.search(r'class="figure">(.*?)</script>', html)[1])
    assert (figure["layout"]["height"], "title" in figure["layout"]) == (400, False)
    assert "jp-" not in html
    assert ".crm.crm" not in html


def test_make_lab_starts_this_environment_s_kernel_whatever_the_home_of_its_user_knows(tmp_path):
    assert "JUPYTER_PREFER_ENV_PATH=1 $(BIN)/jupyter lab" in (ROOT / "Makefile").read_text()
    other = tmp_path / "share" / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text(
        '{"argv": ["/elsewhere/python"], "display_name": "Python 3", "language": "python"}'
    )
    command = "from jupyter_client.kernelspec import get_kernel_spec; print(get_kernel_spec('python3').argv[0])"
    ours = os.environ | {"JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_DATA_DIR": str(tmp_path / "share")}
    kernel = subprocess.run([sys.executable, "-c", command], env=ours, capture_output=True, text=True, check=True)
    assert kernel.stdout.strip() != "/elsewhere/python"


def test_the_notebooks_ask_for_that_kernel():
    names = {
        json.loads(path.read_text())["metadata"]["kernelspec"]["name"] for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    assert names == {"python3"}
