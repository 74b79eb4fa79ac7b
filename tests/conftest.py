"""What every test can rely on."""

import os
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from hypothesis import settings

import parents
from crm_reports.words import context

# The same examples on every machine: a change is judged by what it changed. `--hypothesis-profile=default` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")

# What starts kernels, browsers, servers or whole nights, the longest first: begun early, it does not keep the rest waiting.
SLOW = (
    "test_night", "test_secrets", "test_laws", "test_notebooks", "test_privacy", "test_scarce_exports", "test_night_survival",
    "test_absent", "test_page_in_chromium", "test_mail_in_chromium", "test_run", "test_disk_full", "test_warm", "test_again",
    "test_night_cluster", "test_proof", "test_sync_survival", "test_sync_histories", "test_benchmarks", "test_audit",
    "test_kernels", "test_packaging", "test_plain_tools",
)  # fmt: skip
# Half a minute and more without any of that: begun next, none of them is what everybody waits for at the end.
LONG = ("test_access_in_chromium", "test_clicks_in_chromium", "test_sync", "test_portal_quirks", "test_numbers_in_chromium", "test_alone",
        "test_files", "test_access", "test_serve", "test_headlines")  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker("slow")
    place = {name: place for place, name in enumerate((*SLOW, *LONG))}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture(autouse=True)
def _no_report_begun() -> None:
    """A report that an earlier test made leaves its language, currency and colours to the process."""
    context.use(**vars(context.Report()))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own CRM_REPORTS_… variables must not decide what a test sees, nor that `make test` is around it."""
    for name in [each for each in os.environ if each.startswith(("CRM_REPORTS_", "MAKE", "MFLAGS"))]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A client that would verify a portal reads the certificates of the whole world first, 30 ms each time; here there is one."""
    first, end, _others = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    path = tmp_path_factory.mktemp("certificates") / "one.pem"
    path.write_text(first + end, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Whether a file has come as far as the disk shows when the current fails, in no test; to wait for it takes 4 ms a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _descriptor: None)
        yield


@pytest.fixture(scope="session")
def _parent() -> Iterator[None]:
    yield
    parents.close()


@pytest.fixture
def lent_parent(_parent: None) -> Iterator[None]:
    """Nights of this test fork their pages from the one parent of this test process."""
    with parents.lent():
        yield
