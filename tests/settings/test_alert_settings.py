"""[[alerts]] in reports.toml: what is read, and every mistake in a sentence with its line."""

import pytest

from crm_reports.errors import SettingsError
from crm_reports.settings import Settings

MAIL = '[mail]\nhost = "smtp.acme.example"\nsender = "reports@acme.example"\n'
WRONG = """[[alerts]]
name = "Money"
metric = "won"
below = 3
above = 1
compared = "x"
[[alerts]]
name = "money"
metric = "won"
by = "source"
mail_slices = true
to = ["nobody"]
[[alerts]]
metric = "won"
check = "freshness"
changed = -1
[[alerts]]
name = "Fresh"
check = "freshness"
above = 3.0
comparison = "x"
[[alerts]]
name = "Change"
metric = "won"
comparison = "none"
changed = 0.2
filters = { source = [["x"]] }
"""


def refused(folder, text: str) -> list[str]:
    (folder / "reports.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        Settings.read(folder / "reports.toml")
    return str(caught.value).splitlines()


def test_an_alert_says_what_is_looked_at_and_who_is_told(tmp_path):
    text = '[[alerts]]\nname = "Money"\nmetric = "won_money"\nby = "manager"\nbelow = 1_000_000\nto = ["boss@acme.example"]\n'
    (tmp_path / "reports.toml").write_text(MAIL + text)
    (alert,) = Settings.read(tmp_path / "reports.toml").alerts
    assert (alert.metric, alert.by, alert.below, alert.to) == (
        "won_money",
        "manager",
        1_000_000,
        ("boss@acme.example",),
    )
    assert (alert.period, alert.comparison, alert.above, alert.changed) == ("this_month", "previous", None, None)


def test_all_mistakes_in_alerts_are_told_at_once_each_with_its_line(tmp_path):
    lines = [line.partition("; ")[0].removeprefix("reports.toml, line ") for line in refused(tmp_path, MAIL + WRONG)]
    assert lines == [
        "8: alerts 1, above: every number is below 3 or above 1",
        "9: alerts 1 has no key 'compared'",
        "10: alerts 2, changed: nothing says when to tell",
        "15: alerts 2, to is 'nobody'",
        "14: alerts 2, mail_slices: only managers and departments have somebody to tell",
        "16: alerts 3, name is missing",
        "18: alerts 3, check: an alert looks at one thing",
        "19: alerts 3, changed is -1",
        "24: alerts 4, comparison is 'x'",
        "23: alerts 4, above: a check has its limits under [checks], and looks at everything",
        "29: alerts 5, changed: there is nothing to compare with",
        "30: alerts 5, filters: source is [['x']]",
    ]


def test_two_alerts_of_one_name_and_one_that_has_no_server_are_refused(tmp_path):
    alert = '[[alerts]]\nname = "{}"\nmetric = "won"\nbelow = 1\n'
    assert (
        "alerts: more than one is called 'Money', 'money'"
        in refused(tmp_path, alert.format("Money") + alert.format("money"))[0]
    )
    assert "no server is named" in refused(tmp_path, f'{alert.format("Money")}to = ["boss@acme.example"]\n')[0]
