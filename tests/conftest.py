"""What every test can rely on."""

import os

import pytest
from hypothesis import settings

# The same examples on every machine: a change is judged by what it changed. `--hypothesis-profile=default` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own CRM_REPORTS_… variables must not decide what a test sees."""
    for name in [each for each in os.environ if each.startswith("CRM_REPORTS_")]:
        monkeypatch.delenv(name)
