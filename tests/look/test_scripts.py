"""DataTables and plotly.js: where they come from, and which of them a page brings."""

import hashlib
import io
import re
import tarfile
from base64 import b64encode

import pytest

from crm_reports import charts
from crm_reports.look import bundle, scripts


def test_datatables_comes_from_the_installed_package_as_a_classic_script():
    script = scripts.script(scripts.TABLES)
    assert script.startswith("(()=>{")
    assert "window.DataTable=" in script
    assert not re.search(r"\bexport\s*\{", script)


SCRIPT = b"window.Plotly={}"


def packed(content):
    """An archive as npm's registry gives it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo(bundle.LOCKED.file)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry that has another script under the locked name, and an environment that has none yet."""
    archive = packed(SCRIPT)
    integrity = "sha512-" + b64encode(hashlib.sha512(archive).digest()).decode()
    locked = bundle.LOCKED._replace(integrity=integrity, sha256=hashlib.sha256(SCRIPT).hexdigest())
    monkeypatch.setattr(bundle, "LOCKED", locked)
    monkeypatch.setattr(bundle.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(bundle, "urlopen", lambda url, timeout: io.BytesIO(archive))
    bundle.script.cache_clear()
    yield archive
    bundle.script.cache_clear()


def test_the_small_plotly_is_of_the_version_that_the_installed_plotly_draws_for():
    assert bundle.LOCKED.version == charts.script_version()


def test_it_is_brought_once_and_then_pages_bring_it(registry):
    assert not bundle.draws({"bar"})
    bundle.script.cache_clear()
    bundle.main()
    bundle.script.cache_clear()
    assert bundle.script() == SCRIPT.decode()
    assert bundle.draws({"bar", "heatmap", "scatter"})


def test_a_chart_of_another_kind_brings_the_whole_plotly(registry):
    bundle.fetch()
    assert not bundle.draws({"bar", "sankey"})


def test_what_is_not_what_is_locked_is_not_kept(registry, monkeypatch, capsys):
    monkeypatch.setattr(bundle, "urlopen", lambda url, timeout: io.BytesIO(registry + b" "))
    bundle.main()
    assert "is not what is locked" in capsys.readouterr().err
    assert not bundle.kept().exists()


def test_what_was_changed_since_it_came_is_not_brought(registry):
    bundle.fetch()
    bundle.kept().write_bytes(SCRIPT + b";alert(1)")
    assert bundle.script() == ""


def test_without_a_network_it_is_said_in_one_line_and_pages_bring_the_whole_one(registry, monkeypatch, capsys):
    def unreachable(url, timeout):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(bundle, "urlopen", unreachable)
    bundle.main()
    assert capsys.readouterr().err.count("\n") == 1
    assert not bundle.draws({"bar"})
