"""What every test can rely on."""

import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own CRM_REPORTS_… variables must not decide what a test sees."""
    for name in [each for each in os.environ if each.startswith("CRM_REPORTS_")]:
        monkeypatch.delenv(name)
