"""Whatever a notebook's author pastes or shows stands on the page as far as a page can hold it, and kills no report."""

import re
from base64 import b64decode

import nbformat
import pytest

from crm_reports.look import outputs, publish

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def prose(source, **attachments):
    given = {"attachments": attachments} if attachments else {}
    return outputs.prose(nbformat.from_dict({"cell_type": "markdown", "source": source, **given}))


def page(*cells):
    return publish.html(nbformat.v4.new_notebook(cells=list(cells)))


def test_a_picture_pasted_into_a_cell_is_on_the_page():
    html = prose("Look: ![our office](attachment:image.png)", **{"image.png": {"image/png": PNG}})
    assert f'<img class="output" alt="our office" src="data:image/png;base64,{PNG}">' in html


def test_a_pasted_picture_may_have_any_name():
    name = "снимок «1» (2).png"
    html = prose(f"![x](<attachment:{name}>)", **{name: {"image/png": [PNG[:10], PNG[10:]]}})
    assert PNG in html


@pytest.mark.parametrize(
    ("source", "attachments"),
    [("![plan](attachment:gone.png)", {}), ("![plan](attachment:x)", {"x": {"text/html": "<b>"}}), ("![plan](attachment:x)", {"x": None}),
     ("![plan](https://spy.example/x.png)", {}), ("![plan](office.png)", {}), ("![plan](data:text/html;base64,AAAA)", {}),
     ("![plan](attachment:x)", {"x": {"image/png": '" onerror="alert(1)'}})],
)  # fmt: skip
def test_a_picture_that_is_not_in_the_notebook_is_said_in_its_place(source, attachments):
    html = prose(source, **attachments)
    assert "<img" not in html
    assert "plan (a picture that is not in the notebook: paste it into the cell)" in html


def test_brackets_within_brackets_are_shown_as_they_stand():
    assert "[" * 100 in prose("[" * 20_000)


def test_a_drawing_runs_no_script_and_is_a_picture_only():
    html = outputs.shown({"image/svg+xml": [SVG], "text/plain": "<Figure>"})
    packed = re.fullmatch(r'<img class="output" alt="" src="data:image/svg\+xml;base64,([^"]+)">', html)
    assert b64decode(packed[1]).decode() == SVG


@pytest.mark.parametrize("kind", [kind for kind in outputs.PICTURES if kind != outputs.SVG])
def test_every_kind_of_picture_is_shown(kind):
    assert outputs.shown({"text/plain": "x", kind: PNG + "\n"}) == (
        f'<img class="output" alt="" src="data:{kind};base64,{PNG}">'
    )


def test_a_formula_stands_as_its_text():
    assert outputs.shown({"text/latex": ["$\\frac{a}", "{b} < 1$"], "text/plain": "<Math object>"}) == (
        "<pre>$\\frac{a}{b} &lt; 1$</pre>"
    )


def test_json_and_other_texts_are_shown_as_text():
    assert outputs.shown({"application/json": {"won": [1, "<b>"]}}) == (
        "<pre>{\n &#34;won&#34;: [\n  1,\n  &#34;&lt;b&gt;&#34;\n ]\n}</pre>"
    )
    assert outputs.shown({"text/csv": "a;b", "text/plain": "object"}) == "<pre>a;b</pre>"


@pytest.mark.parametrize(
    "kind", ["application/pdf", "application/javascript", "text/javascript", "video/mp4", "<b>odd</b>"]
)
def test_what_a_page_can_not_show_is_said_and_its_text_shown(kind):
    html = outputs.shown({kind: "alert(1)", "text/plain": "a player"})
    assert "alert" not in html
    assert html.startswith('<p class="dim">A page can’t show ')
    assert "<b>" not in html
    assert html.endswith("<pre>a player</pre>")


def test_colours_of_a_terminal_are_colours_and_its_other_orders_are_gone():
    text = "\x1b[1;31mred\x1b[0m \x1b]0;a new title\x07\x1b]8;;http://spy.example\x1b\\link\x1b]8;;\x1b\\ \x1b[2J\x1b[5A\x1bcplain <b>"
    stream = nbformat.v4.new_output("stream", name="stdout", text=text)
    html = outputs.stream(stream)
    assert html == '<pre><span class="ansi-red-intense-fg ansi-bold">red</span> link plain &lt;b&gt;</pre>'


def test_no_control_character_reaches_the_page():
    controls = "".join(map(chr, (*range(9), 11, 12, *range(14, 32), *range(127, 160), 0xD800, 0xFFFF)))
    cell = nbformat.v4.new_code_cell("x")
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=f"a{controls}b"),
        nbformat.v4.new_output("display_data", data={"text/html": f"<i>{controls}</i>"}),
        nbformat.v4.new_output("display_data", data={"text/plain": controls, "application/odd": controls}),
        nbformat.v4.new_output("error", ename="Error", evalue=controls, traceback=[]),
    ]
    html = page(nbformat.v4.new_markdown_cell(f"# Sales{controls}"), cell)
    assert outputs.CONTROLS.findall(html) == []
    html.encode()


@pytest.mark.parametrize("content", [["a", "b"], None, 7, {"a": 1}, ["a", 1]])
@pytest.mark.parametrize("kind", ["text/plain", "text/html", "image/png", "text/markdown", "text/latex"])
def test_content_of_an_odd_form_ends_no_page(kind, content):
    assert outputs.shown({kind: content})
