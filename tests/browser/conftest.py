"""One Chromium for the tests of a module, and a reader of the live page of a small company."""

import pytest
from chromium import CHROMIUM, FLAGS
from readers import Reader

import parents
from serving import company, served


def _launched(flags):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        launched = engine.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def browser():
    yield from _launched(FLAGS)


@pytest.fixture(scope="module")
def live():
    """One that reaches this machine, and no other."""
    yield from _launched([flag.replace("MAP * ~NOTFOUND", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1") for flag in FLAGS])


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return company(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def server(settings, _parent):
    with parents.lent(), served(settings) as client:
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def reader(live, server):
    with Reader(live, f"{server}/manager_effectiveness?period=2025-03") as found:
        yield found
