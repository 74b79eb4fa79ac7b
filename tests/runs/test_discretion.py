"""What shows a secret is not published, however the secret is written there."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from crm_reports.runs import discretion
from crm_reports.settings import Settings

PASSWORD = 'pa"ss<wörd>'


@pytest.fixture
def settings(tmp_path):
    webhook = SecretStr("https://portal.example/rest/1/t0ps3cr3t/")
    return Settings(home=tmp_path, data=tmp_path, webhook=webhook, login=(SecretStr("me"), SecretStr(PASSWORD)))


@pytest.mark.parametrize(
    "text",
    [
        "at /rest/1/t0ps3cr3t/crm.deal.list", "t0ps3cr3t", "T0PS3CR3T", "a mail to T0ps3cr3T@portal.example", f"it is {PASSWORD}", r'{"it": "pa\"ss<w\u00f6rd>"}',
        r'{"it": "pa\"ss<wörd>"}', "<p>pa&quot;ss&lt;wörd&gt;</p>",
    ],
)  # fmt: skip
def test_a_secret_is_seen_as_text_in_json_and_in_html(settings, tmp_path, text):
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    assert "take that out" in discretion.what_shows([text], settings)
    assert "take that out" in discretion.what_shows([tmp_path / "page.html"], settings)
    discretion.clear(tmp_path / "page.html", settings)
    assert not (tmp_path / "page.html").exists()


def test_what_shows_none_stays(settings, tmp_path):
    (tmp_path / "page.html").write_text("https://portal.example/crm/deal/details/1/, hidden")
    discretion.clear(tmp_path / "page.html", settings)
    assert discretion.what_shows([tmp_path / "page.html", "hidden", Path("none.html")], settings) == ""
    assert (tmp_path / "page.html").exists()


def test_an_error_is_said_without_the_secrets(settings):
    assert discretion.without_secrets(f"no: t0ps3cr3t, T0PS3CR3T, {PASSWORD}", settings) == "no: …, …, …"


def test_without_secrets_nothing_is_hidden(tmp_path):
    bare = Settings(home=tmp_path, data=tmp_path)
    assert discretion.what_shows(["anything"], bare) == ""
    assert discretion.without_secrets("anything", bare) == "anything"
