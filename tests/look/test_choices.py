"""What a report's headers offer, in one file beside its pages."""

import json

import nbformat

from crm_reports.look import choices, publish, scripts

HOSTILE = "</script><script>alert(1)</script>\u2028\x7f"
CONTROLS = {
    "report": "overview", "state": {"manager": ["1"]}, "shown": "March 2025", "views": [], "files": [],
    "fields": [{"name": "manager", "label": "Manager", "kind": "many", "choices": [{"id": "1", "name": f"Anna {HOSTILE}"}]}],
    "published": {"[]": "overview.html"},
}  # fmt: skip


def test_pages_of_a_report_share_the_file_and_keep_what_is_their_own():
    anna, files = choices.apart(CONTROLS)
    everybody, same = choices.apart(CONTROLS | {"state": {}, "shown": "April 2025"})
    assert files == same
    assert anna == {
        "report": "overview", "state": {"manager": ["1"]}, "shown": "March 2025", "views": [], "files": [],
        "beside": next(iter(files)),
    }  # fmt: skip
    assert everybody["shown"] == "April 2025"
    _own, others = choices.apart(CONTROLS | {"published": {}})
    assert set(others) != set(files)  # its name changes with its content


def test_the_file_is_a_script_that_says_one_thing_whatever_the_names_in_it_are():
    ((_name, text),) = choices.apart(CONTROLS)[1].items()
    assert text.startswith("window.crmChoices={")
    assert not {"<", "\u2028", "\x7f"} & {*text}
    told = json.loads(text.removeprefix("window.crmChoices=").rstrip(";\n"))
    assert told["fields"][0]["choices"][0]["name"].startswith("Anna </script><script>alert(1)")


def test_what_was_taken_apart_is_put_together_again_as_far_as_its_file_is_there(tmp_path):
    controls = CONTROLS | {"fields": []}
    own, files = choices.apart(controls)
    assert choices.whole(own, tmp_path) is None
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert choices.whole(own, tmp_path) == controls
    assert choices.whole(controls, tmp_path) == controls
    assert choices.whole(None, tmp_path) is None


def test_a_page_names_its_file_and_its_loader_asks_for_that_first():
    own, files = choices.apart(CONTROLS)
    page = publish.html(nbformat.v4.new_notebook(), assets="assets", controls=own)
    assert choices.beside(page) == tuple(files)
    assert "Anna" not in page
    assert scripts.LOADER.index('"controls"') < scripts.LOADER.index("assets.page")
