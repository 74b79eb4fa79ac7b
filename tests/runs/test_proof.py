"""Each page is opened once in Chromium, which can reach nobody: what is not drawn there has not come out."""

import json
import re
import time

import nbformat
import pytest

from crm_reports.charts import go
from crm_reports.look import publish, scripts
from crm_reports.runs import proof

needs_chromium = pytest.mark.skipif(
    proof.browser() is None, reason="no Chromium on this machine: apt-get install chromium"
)


@pytest.fixture(scope="module")
def prover():
    told = []
    with proof.prover(told.append) as found:
        yield found
    assert told == found.notes == []


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    scripts.assets(folder / "assets")
    return folder


def _page(folder, name, *figures, assets="assets", before="", after=""):
    """A page of these figures, and the notebook that it was made of; `before` becomes `after` in the page."""
    outputs = [
        nbformat.v4.new_output("display_data", data={publish.FIGURE: json.loads(each.to_json())}) for each in figures
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[each]) for each in outputs])
    html = publish.html(notebook, assets=assets)
    assert before in html
    (folder / f"{name}.html").write_text(html.replace(before, after) if before else html, encoding="utf-8")
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.html", folder / f"{name}.ipynb"


BAR = go.Figure(go.Bar(x=["a", "b"], y=[1, 2]))
FUNNEL = go.Figure(go.Funnel(y=["a", "b"], x=[2, 1]))
LINES = go.Figure([go.Scatter(x=[1, 2], y=[3, 4]), go.Scatter(x=[1, 2], y=[4, 3])])


@needs_chromium
def test_a_whole_page_is_proved_and_says_how_much_was_drawn(prover, assets):
    assert prover.look(*_page(assets, "whole", BAR, FUNNEL, LINES)) == ("", "3 charts drawn")
    assert prover.look(*_page(assets, "inline", BAR, assets="inline")) == ("", "1 charts drawn")
    assert prover.look(*_page(assets, "none")) == ("", "0 charts drawn")


@needs_chromium
def test_a_chart_that_the_page_lost_is_missed(prover, assets):
    html, _ = _page(assets, "lost", BAR)
    _, notebook = _page(assets, "both", BAR, FUNNEL)
    assert prover.look(html, notebook)[0] == "the page has 1 of 2 charts"


@needs_chromium
def test_a_chart_drawn_as_something_else_is_noticed(prover, assets):
    found = prover.look(*_page(assets, "other", FUNNEL, before='"type":"funnel"', after='"type":"fennel"'))
    assert found[0] == "chart '' is drawn as scatter and should be funnel"


@needs_chromium
def test_a_page_without_its_script_is_not_drawn(prover, assets):
    problem, _ = prover.look(*_page(assets, "bare", BAR, assets="elsewhere"))
    assert "chart '' is not drawn" in problem
    assert "ERR_FILE_NOT_FOUND" in problem


@needs_chromium
def test_a_page_that_wants_to_leave_is_caught(prover, assets):
    # The policy stops it, and says so; without the policy nobody answers.
    leaving = '<img src="http://192.0.2.1/spy.png"></main>'
    problem, _ = prover.look(*_page(assets, "leaving", BAR, before="</main>", after=leaving))
    assert "Content Security Policy" in problem
    html, notebook = _page(assets, "open", BAR, before="</main>", after=leaving)
    html.write_text(html.read_text().replace("Content-Security-Policy", "Nothing"))
    assert "the page asks for something outside" in prover.look(html, notebook)[0]


@needs_chromium
def test_a_browser_that_dies_is_begun_again(prover, assets):
    page = _page(assets, "again", BAR)
    prover.look(*page)
    prover._process.kill()
    prover._process.wait()
    assert prover.look(*page) == ("", "1 charts drawn")


LEAVING = ("HOST_RESOLVER_MANAGER_REQUEST", "UDP_CONNECT", "TCP_CONNECT_ATTEMPT")


@needs_chromium
def test_chromium_of_itself_looks_up_no_name_and_connects_to_nobody(assets, tmp_path, monkeypatch):
    log = tmp_path / "net.json"
    monkeypatch.setattr(proof, "FLAGS", (*proof.FLAGS, f"--log-net-log={log}"))
    with proof.Chromium(proof.browser()) as browser:
        assert browser.look(*_page(assets, "quiet", BAR)) == ("", "1 charts drawn")
        time.sleep(5)  # its own errands begin in the first seconds
        browser._call("Browser.close", {})
        browser._process.wait()
    text = log.read_text()
    numbers = json.loads(text[: text.index("\n")].rstrip(",") + "}")["constants"]["logEventTypes"]
    assert [name for name in LEAVING if re.search(rf'"type":{numbers[name]}\b', text.partition("\n")[2])] == []


def test_without_a_browser_nothing_is_proved_and_that_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(proof, "browser", lambda: None)
    told = []
    with proof.prover(told.append) as found:
        assert found.look(tmp_path / "x.html", tmp_path / "x.ipynb") == ("", "")
    assert told == found.notes == ["Chromium was not found, so no page was opened in a browser."]


def test_whoever_wants_no_proof_gets_none(tmp_path):
    told = []
    with proof.prover(told.append, is_wanted=False) as found:
        assert found.look(tmp_path / "x.html", tmp_path / "x.ipynb") == ("", "")
    assert told == ["The pages were not opened in a browser: --no-proof."]
