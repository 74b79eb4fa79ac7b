"""reports.toml and the environment: what is read, what is refused, and that the secret stays one."""

import re
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_reports.errors import SettingsError
from crm_reports.look.publish import REPORTS
from crm_reports.runs.surroundings import NO_WEBHOOK
from crm_reports.settings import (
    WEIGHTS,
    Act,
    Alert,
    CheckLimit,
    CheckName,
    Demo,
    Engine,
    Files,
    History,
    Limits,
    Mail,
    Night,
    Own,
    OwnField,
    PlanItems,
    Preset,
    Products,
    Serve,
    Settings,
    Source,
    is_address,
)
from crm_reports.settings.keys import keys as keys_of
from crm_reports.settings.mistakes import Lines
from crm_reports.settings.readers import Access

SECRET = "s3cr3tc0de"
WEBHOOK = f"https://company.example/rest/7/{SECRET}/"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("WEBHOOK", "CONFIG", "DATA", "SMTP_USER", "SMTP_PASSWORD"):
        monkeypatch.delenv(f"CRM_REPORTS_{name}", raising=False)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "reports.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str, **said: object) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.read(write(folder, text), **said)
    return str(caught.value)


def mistakes(config: Path) -> list[str]:
    try:
        Settings.read(config)
    except SettingsError as error:
        return str(error).splitlines()
    return []


def test_without_a_file_everything_has_a_default(folder):
    read = Settings.read()
    assert (read.time_zone, read.base_currency, read.language) == ("Europe/Moscow", "", "en")
    assert (read.source.kind, read.source.demo.deals, read.source.demo.seed, read.source.demo.months) == (
        "demo", 3000, 1, 26,
    )  # fmt: skip
    assert read.weights == {
        "call": 2, "meeting": 5, "email": 1, "crm_activity": 1, "comment": 0.5, "stage_move": 0.5,
    }  # fmt: skip
    assert (read.presets, read.webhook, read.home) == ((), None, folder)
    assert (read.history.keep_days, read.mail) == (30, None)
    assert read.store_path == folder / "data" / "store.duckdb"
    assert read.zone.key == "Europe/Moscow"


def test_a_whole_file_is_read(folder):
    read = Settings.read(write(folder, """
        time_zone = "Asia/Almaty"
        base_currency = " kzt "
        language = "ru"
        [source]
        kind = "demo"
        [source.demo]
        deals = 50
        today = 2025-06-30
        [weights]
        call = 3
        [[presets]]
        name = "Monday"
        report = "overview"
        parameters = { period = 2025-01-01, manager = ["7", 8], forgotten_after = 21 }
        [[presets]]
        name = "North"
        report = "sales_dynamics"
        [presets.parameters]
        department = "North"
    """))  # fmt: skip
    assert (read.zone.key, read.base_currency, read.language) == ("Asia/Almaty", "KZT", "ru")
    assert (read.source.demo.deals, read.source.demo.today, read.source.demo.seed) == (50, date(2025, 6, 30), 1)
    assert read.weights == WEIGHTS | {"call": 3}
    assert [(p.name, p.report, p.parameters) for p in read.presets] == [
        ("Monday", "overview", {"period": "2025-01-01", "manager": ["7", 8], "forgotten_after": 21}),
        ("North", "sales_dynamics", {"department": "North"}),
    ]


def test_all_mistakes_are_told_at_once_each_in_a_sentence(folder):
    told = refused(folder, """
        tiem_zone = "UTC"
        time_zone = "Moscow"
        base_currency = "rubles"
        language = "de"
        [source]
        kind = "demmo"
        [source.demo]
        deals = 0
        sead = 3
        [weights]
        call = -1
        cals = 2
        [[presets]]
        name = "a"
        report = "../sales"
        [[presets]]
        name = ""
        parameters = { manager = { id = 1 } }
    """)  # fmt: skip
    for sentence in (
        "line 2: there is no key 'tiem_zone'; near: time_zone",
        "line 3: time_zone is 'Moscow'; allowed: an IANA name such as 'Europe/Moscow'; near: Europe/Moscow",
        "line 4: base_currency is 'rubles'; allowed: a code of three letters",
        "line 5: language is 'de'; allowed: 'en' or 'ru'",
        "line 7: source.kind is 'demmo'; allowed: 'demo', 'bitrix24' or 'files'; near: demo",
        "line 9: source.demo.deals is 0; allowed: a whole number from 1",
        "line 10: source.demo has no key 'sead'; near: seed",
        "line 12: weights.call is -1; allowed: a number from 0",
        "line 13: weights has no key 'cals'; near: call",
        "line 16: presets 1, report is '../sales'; allowed: the name of a notebook in notebooks/",
        "line 18: presets 2, name is ''",
        "line 17: presets 2, report is missing",
        "line 19: presets 2, parameters: manager is {'id': 1}; allowed: a text, number",
    ):
        assert f"reports.toml, {sentence}" in told
    assert len(told.splitlines()) == 13


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ('source = 5', "source is 5; allowed: a table"),
        ('source = "fils:x"', "source.kind is 'fils:x'; allowed"),
        ('source = "files"', "source: kind 'files' came without a folder"),
        ('[source]\nkind = "files"\nfolder = 3', "source.folder is 3; allowed: the folder"),
        ('[source]\ndemo = 3', "source.demo is 3; allowed: a table"),
        ("presets = 3", "presets is 3; allowed: a list"),
        ("presets = [3]", "presets 1 is 3; allowed: a list"),
        ("weights = 3", "weights is 3; allowed: a table of call"),
        ("[weights]\ncall = nan", "weights.call is nan; allowed: a number from 0"),
        ("[weights]\ncall = true", "weights.call is True; allowed: a number from 0"),
        ('time_zone = "Europe"', "time_zone is 'Europe'"),
        ('time_zone = "../etc"', "time_zone is '../etc'"),
        ('time_zone = ""', "time_zone is ''"),
        ("time_zone = 3", "time_zone is 3"),
        ('data = "x"', "'data' does not belong here; say it with --data DIR"),
        ("a b", "is not TOML: Expected '=' after a key in a key/value pair (at line 1, column 3)"),
    ],
)  # fmt: skip
def test_a_wrong_value_says_what_is_allowed(folder, held, told):
    assert told in refused(folder, held)


def test_two_presets_of_one_name_are_refused(folder):
    preset = '[[presets]]\nname = "{}"\nreport = "overview"\n'
    assert "more than one is called 'Daily', 'daily '" in refused(
        folder, preset.format("Daily") + preset.format("daily ")
    )


def test_a_file_that_is_not_utf_8_is_told_so(folder):
    (folder / "reports.toml").write_bytes('language = "ru" # язык'.encode("cp1251"))
    with pytest.raises(SettingsError, match="byte 19 is not UTF-8"):
        Settings.read()


def test_the_byte_order_mark_of_windows_is_no_mistake(folder):
    (folder / "reports.toml").write_text('language = "ru"', encoding="utf-8-sig")
    assert Settings.read().language == "ru"


# Which file


def test_the_nearest_reports_toml_above_is_read(folder, monkeypatch):
    write(folder, 'language = "ru"')
    (folder / "notebooks").mkdir()
    monkeypatch.chdir(folder / "notebooks")
    assert (Settings.read().language, Settings.read().data) == ("ru", folder / "data")


def test_the_environment_names_the_file_and_an_argument_goes_before_it(folder, monkeypatch):
    (folder / "a.toml").write_text('language = "ru"')
    (folder / "b.toml").write_text('time_zone = "UTC"')
    monkeypatch.setenv("CRM_REPORTS_CONFIG", str(folder / "a.toml"))
    assert Settings.read().language == "ru"
    assert Settings.read(Path("b.toml")).time_zone == "UTC"


def test_a_file_that_was_asked_for_must_be_there(folder, monkeypatch):
    with pytest.raises(SettingsError, match=r"--config is 'no.toml', and no such file is there"):
        Settings.read(Path("no.toml"))
    monkeypatch.setenv("CRM_REPORTS_CONFIG", "gone.toml")
    with pytest.raises(SettingsError, match=r"CRM_REPORTS_CONFIG is 'gone.toml'"):
        Settings.read()


def test_data_lie_beside_the_file_unless_said_otherwise(folder, monkeypatch):
    (folder / "there").mkdir()
    config = write(folder / "there", "")
    assert Settings.read(config).data == folder / "there" / "data"
    monkeypatch.setenv("CRM_REPORTS_DATA", str(folder / "elsewhere"))
    assert Settings.read(config).data == folder / "elsewhere"
    assert Settings.read(config, Path("said")).data == folder / "said"


# Which source


def test_a_folder_in_the_file_is_relative_to_the_file_and_one_said_to_where_we_are(folder):
    (folder / "there").mkdir()
    config = write(folder / "there", 'source = "files:export"')
    assert (Settings.read(config).source.kind, Settings.read(config).source.folder) == (
        "files", folder / "there" / "export",
    )  # fmt: skip
    assert Settings.read(config, source="files:mine").source.folder == folder / "mine"
    assert Settings.read(config, source="files").source.folder == folder / "there" / "export"


def test_a_source_said_on_the_command_line_keeps_the_rest_of_the_table(folder):
    config = write(folder, '[source]\nkind = "files"\nfolder = "x"\n[source.demo]\ndeals = 9')
    read = Settings.read(config, source="demo").source
    assert (read.kind, read.demo.deals) == ("demo", 9)


def test_an_unknown_source_on_the_command_line_is_refused(folder):
    with pytest.raises(SettingsError, match="--source is 'bitrix'; allowed: demo, bitrix24 or files:DIR"):
        Settings.read(source="bitrix")


# The secret


def test_the_webhook_comes_from_the_environment_and_ends_in_a_slash(monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", WEBHOOK.rstrip("/"))
    assert Settings.read(source="bitrix24").webhook.get_secret_value() == WEBHOOK


def test_the_webhook_comes_from_env_beside_the_file(folder):
    (folder / ".env").write_text(f"OTHER=1\nCRM_REPORTS_WEBHOOK={WEBHOOK}\n")
    assert Settings.read(write(folder, 'source = "bitrix24"')).webhook.get_secret_value() == WEBHOOK


def test_the_environment_goes_before_the_env_file(folder, monkeypatch):
    (folder / ".env").write_text("CRM_REPORTS_WEBHOOK=https://other.example/rest/1/x/\n")
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", WEBHOOK)
    assert Settings.read(source="bitrix24").webhook.get_secret_value() == WEBHOOK


def test_only_a_portal_gets_the_webhook(folder, monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", "nonsense")
    assert Settings.read(source="demo").webhook is None


def test_the_reports_of_a_portal_are_read_without_the_webhook(folder):
    assert Settings.read(write(folder, 'source = "bitrix24"')).webhook is None


@pytest.mark.parametrize("host", ["127.0.0.1:8024", "localhost", "[::1]:80"])
def test_loopback_needs_no_https(monkeypatch, host):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", f"http://{host}/rest/1/code/")
    assert Settings.read(source="bitrix24").webhook.get_secret_value() == f"http://{host}/rest/1/code/"


@pytest.mark.parametrize(
    "address",
    [
        f"http://company.example/rest/7/{SECRET}/",
        f"http://127.0.0.1.example/rest/7/{SECRET}/",
        f"http://localhost@company.example/rest/7/{SECRET}/",
        f"https://company.example/rest/{SECRET}/",
        f"https://company.example/rest/7/{SECRET}/profile.json",
        f"https://company.example/rest/7/{SECRET}/?auth=1",
        f"https://company.example:port/rest/7/{SECRET}/",
        f"https://[{SECRET}/rest/7/x/",
        f"ftp://company.example/rest/7/{SECRET}/",
        f"company.example/rest/7/{SECRET}",
        SECRET,
    ],
)
def test_what_is_no_webhook_is_refused_without_showing_it(folder, monkeypatch, address):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", address)
    told = refused(folder, 'source = "bitrix24"\nlanguage = "de"')
    assert "CRM_REPORTS_WEBHOOK (hidden" in told
    assert "language is 'de'" in told
    assert SECRET not in told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "TELEGRAM_TOKEN",
            SECRET,
            "CRM_REPORTS_TELEGRAM_TOKEN (hidden, 10 characters) is no token; allowed: what @BotFather",
        ),
        (
            "NOTIFY_WEBHOOK",
            f"https://a.example/{SECRET}",
            "CRM_REPORTS_NOTIFY_WEBHOOK (hidden, 28 characters) is no webhook",
        ),
        (
            "NOTIFY_WEBHOOK",
            f"http://a.example/rest/1/{SECRET}",
            "CRM_REPORTS_NOTIFY_WEBHOOK (hidden) begins with http://",
        ),
        (
            "NOTIFY_WEBHOOK",
            WEBHOOK.rstrip("/"),
            "is the webhook that the data are read by; make one of its own in Bitrix24",
        ),
        (
            "WEBHOOK_SALES",
            f"http://a.example/{SECRET}",
            "CRM_REPORTS_WEBHOOK_SALES (hidden, 27 characters) is no webhook",
        ),
        (
            "WEBHOOK_SALES",
            f"https://u:{SECRET}@a.example/",
            "CRM_REPORTS_WEBHOOK_SALES (hidden, 31 characters) is no webhook",
        ),
    ],
)
def test_what_opens_no_channel_is_refused_without_showing_it(folder, monkeypatch, name, value, told):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", WEBHOOK)
    monkeypatch.setenv(f"CRM_REPORTS_{name}", value)
    sentence = refused(folder, "")
    assert told in sentence
    assert SECRET not in sentence


def test_what_opens_the_channels_comes_from_the_environment_or_the_env_file(folder, monkeypatch):
    (folder / ".env").write_text(
        "crm_reports_webhook_sales=https://a.example/x\nCRM_REPORTS_WEBHOOK_OPS=https://b.example/y\n"
    )
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK_SALES", "https://c.example/z")
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK_OPS", "")
    webhooks = Settings.read(write(folder, "")).keyring.webhooks
    assert {name: address.get_secret_value() for name, address in webhooks.items()} == {"sales": "https://c.example/z"}


def test_a_token_in_the_file_is_refused_with_the_place_where_it_belongs(folder):
    sentence = refused(folder, f'[mail]\ntelegram_token = "{SECRET}"')
    assert "put it into the environment as CRM_REPORTS_TELEGRAM_TOKEN" in sentence
    assert SECRET not in sentence


def test_the_secret_is_in_no_text_of_the_settings(monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", WEBHOOK)
    read = Settings.read(source="bitrix24")
    for text in (repr(read), str(read), read.model_dump_json(), repr(read.model_dump())):
        assert SECRET not in text


@pytest.mark.parametrize(
    "text", ["webhook = '{}'", "source = '{}'", "time_zone = '{}'", "source = {{ kind = ['{}'] }}"]
)
def test_a_webhook_in_the_wrong_place_is_not_shown_either(folder, text):
    assert SECRET not in refused(folder, text.format(WEBHOOK))


def test_an_error_drags_no_chain_of_exceptions_that_holds_the_secret(folder, monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", WEBHOOK)
    with pytest.raises(SettingsError) as caught:
        Settings.read(write(folder, 'source = "bitrix24"\nlanguage = "de"'))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_an_env_file_that_is_no_text_is_told_without_its_content(folder):
    (folder / ".env").write_bytes(f"CRM_REPORTS_WEBHOOK={SECRET}\xff".encode("latin-1"))
    with pytest.raises(SettingsError, match="can't be read; it must be a text file in UTF-8") as caught:
        Settings.read()
    assert SECRET not in str(caught.value)


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Settings.read().language = "ru"


@given(
    st.dictionaries(
        st.sampled_from(["time_zone", "base_currency", "language", "source"]), st.text("aZ:/.-яё ", max_size=12)
    )
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_read_or_refused_in_sentences(folder, held):
    text = "\n".join(f'{key} = "{value}"' for key, value in held.items())
    assert all(line.startswith("reports.toml, line ") for line in mistakes(write(folder, text)))


def test_the_example_file_of_the_project_runs():
    project = Path(__file__).parents[2]
    read = Settings.read(project / "reports.toml", project / "data")
    assert {preset.report for preset in read.presets} <= set(REPORTS)


def test_everything_that_is_commented_in_it_may_be_taken_as_it_is(folder):
    lines = (Path(__file__).parents[2] / "reports.toml").read_text("utf-8").splitlines()
    taken = [re.sub(r'^# (?=\[|"|\w+ = )', "", line) for line in lines]
    read = Settings.read(write(folder, "\n".join(taken)))
    assert [preset.report for preset in read.presets] == [
        "overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals", "sales_dynamics",
    ]  # fmt: skip
    assert read.mail.port == 587
    assert read.mail.addresses["Anna Petrova"] == "anna@acme.example"


def test_every_key_is_in_the_example_file():
    told = (Path(__file__).parents[2] / "reports.toml").read_text("utf-8")
    keys = [key.rpartition(".")[2] for key in keys_of(Settings)]
    assert [key for key in keys if not re.search(rf"\b{key}\b", told)] == []


# Presets, history and mail

MAIL = '[mail]\nhost = "smtp.acme.example"\nsender = "reports@acme.example"\n'
PRESET = '[[presets]]\nname = "a"\nreport = "overview"\n'


def test_a_preset_says_for_whom_and_how_often(folder):
    read = Settings.read(write(folder, MAIL + """
        addresses = { "Anna Petrova" = "anna@acme.example", "12" = "twelve@acme.example" }
        [history]
        keep_days = 7
        [[presets]]
        name = "Effectiveness"
        report = "my own report"
        each = ["manager", "department"]
        whole = false
        schedule = "weekly"
        audience = "heads-of-sales"
        mail_slices = true
        attach = ["html", "xlsx", "pdf"]
        pictures = true
        [[presets]]
        name = "Overview"
        report = "overview"
        recipients = ["boss@acme.example"]
    """))  # fmt: skip
    first, second = read.presets
    assert (first.report, first.each, first.whole) == ("my own report", ("manager", "department"), False)
    assert (first.schedule, first.audience, first.mail_slices) == ("weekly", "heads-of-sales", True)
    assert (first.attach, first.pictures, first.recipients) == (("html", "xlsx", "pdf"), True, ())
    assert (second.each, second.whole, second.schedule, second.audience) == ((), True, "nightly", "")
    assert (second.recipients, second.mail_slices, second.attach) == (("boss@acme.example",), False, ())
    assert read.history.keep_days == 7
    assert read.mail.addresses == {"Anna Petrova": "anna@acme.example", "12": "twelve@acme.example"}
    assert (read.mail.security, read.mail.port, read.mail.timeout) == ("starttls", 587, 30)


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_is_the_usual_one_of_the_security(folder, security, port):
    config = write(folder, f'{MAIL}security = "{security}"')
    assert Settings.read(config).mail.port == port
    assert Settings.read(write(folder, f'{MAIL}security = "{security}"\nport = 2525')).mail.port == 2525


def test_the_published_folder_ends_in_a_slash(folder):
    read = Settings.read(write(folder, MAIL + 'base_url = "https://reports.acme.example/sales"'))
    assert read.mail.base_url == "https://reports.acme.example/sales/"


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ('each = ["team"]', "line 7: presets 1, each is 'team'; allowed: a list of 'pipeline', 'department', 'manager', 'source'"),
        ('each = ["managr"]', "near: manager"),
        ('each = "manager"', "line 7: presets 1, each is 'manager'; allowed: a list"),
        ('each = ["source", "source"]', "line 7: presets 1, each: 'source' comes more than once"),
        ("whole = 0", "line 7: presets 1, whole is 0; allowed: true or false"),
        ("each = []\nwhole = false", "line 8: presets 1, whole: without the whole and without slices there is no page"),
        ("whole = false", "line 7: presets 1, whole: without the whole and without slices there is no page"),
        ('schedule = "dayly"', "line 7: presets 1, schedule is 'dayly'; allowed: 'nightly', 'weekly' or 'monthly'"),
        ('audience = "../x"', "line 7: presets 1, audience is '../x'; allowed: a name of small Latin letters"),
        ('audience = "Heads"', "line 7: presets 1, audience is 'Heads'"),
        ('audience = "a\\n"', "line 7: presets 1, audience is 'a\\n'"),
        ('recipients = ["ok@acme.example", "boss"]', "line 7: presets 1, recipients is 'boss'; allowed: a list of recip"),
        ('recipients = [\n "ok@acme.example",\n "boss" ]', "line 7: presets 1, recipients is 'boss'"),
        ('recipients = ["a@b.example", "A@b.example"]', "recipients: 'a@b.example' comes more than once"),
        ('each = ["source"]\nwhole = false\nrecipients = ["a@b.example"]', "line 9: presets 1, recipients: recipients get"),
        ('each = ["source"]\nmail_slices = true', "line 8: presets 1, mail_slices: only managers' and departments'"),
        ("mail_slices = true", "line 7: presets 1, mail_slices: only managers'"),
        ('attach = ["doc"]', "line 7: presets 1, attach is 'doc'; allowed: a list of 'html', 'xlsx', 'pdf'"),
        ("recipient = 3", "line 7: presets 1 has no key 'recipient'; near: recipients"),
        ('[night]\nslices = ["team"]', "night.slices is 'team'; allowed: a list of 'pipeline', 'department', 'manager', 'source'"),
        ('[night]\nslices_also_of = ["today"]', "night.slices_also_of is 'today'; allowed: a list of 'last_month'"),
        ("[history]\nkeep_days = 0", "line 8: history.keep_days is 0; allowed: a whole number of days from 1"),
    ],
)  # fmt: skip
def test_a_wrong_preset_is_told_with_its_line(folder, held, told):
    assert told in refused(folder, f"{MAIL}{PRESET}{held}")


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ("mail = 3", "line 1: mail is 3; allowed: a table with host and sender"),
        ('[mail]\nhost = "smtp.acme.example"', "line 1: mail.sender: host came without it; add an address such as"),
        ('[mail]\nsender = "a@b.example"', "line 2: mail.sender: it came without host; add the name of the mail server"),
        (f'[mail]\nbase_url = "https://a.example"\n{PRESET}recipients = ["a@b.example"]', "line 3: presets: 'a' should be mailed, and no server is named; add"),
        (f'{PRESET}recipients = ["telegram:me"]', "line 4: presets 1, recipients is 'telegram:me'; allowed: a list of"),
        (f'{PRESET}recipients = ["bitrix24:0"]', "line 4: presets 1, recipients is 'bitrix24:0'; allowed: a list of"),
        (f'{PRESET}recipients = ["webhook:Sales"]', "line 4: presets 1, recipients is 'webhook:Sales'; allowed: a list of"),
        ('[mail]\ntelegram_api = "http://telegram.example"', "line 2: mail.telegram_api is 'http://telegram.example'; allowed: the address of"),
        ('[mail]\nhost = "smtp://mail"', "line 2: mail.host is 'smtp://mail'; allowed: the name of the mail server"),
        ('[mail]\nhost = "smtp.acme.example:25"', "line 2: mail.host is 'smtp.acme.example:25'"),
        ('[mail]\nsender = "boss"', "line 2: mail.sender is 'boss'; allowed: an address"),
        ('[mail]\nsender = "A <a@b.example>\\nBcc: c@d.example"', "line 2: mail.sender is "),
        ('[mail]\nsender = "a@b.example, c@d.example"', "line 2: mail.sender is "),
        ("[mail]\nport = 0", "line 2: mail.port is 0; allowed: a whole number from 1 to 65535"),
        ('[mail]\nsecurity = "ssl"', "line 2: mail.security is 'ssl'; allowed: 'starttls', 'tls' or 'none'"),
        ("[mail]\nsecurity = []", "line 2: mail.security is []"),
        ("[mail]\ntimeout = 0", "line 2: mail.timeout is 0; allowed: a number of seconds above 0"),
        ('[mail]\nbase_url = "reports.acme.example"', "line 2: mail.base_url is 'reports.acme.example'"),
        ('[mail]\nbase_url = "javascript:alert(1)"', "line 2: mail.base_url is "),
        ('[mail]\nbase_url = "https://h.example/?a=b"', "line 2: mail.base_url is "),
        ('[mail]\nbase_url = "https://h.example:port/"', "line 2: mail.base_url is "),
        ('[mail.addresses]\n"Anna" = "anna"', "line 2: mail.addresses, 'Anna' is 'anna'; allowed: a table of a manager's"),
        (f'{PRESET}recipients = ["a@b.example"]', "line 1: presets: 'a' should be mailed, and no server is named; add"),
    ],
)  # fmt: skip
def test_a_wrong_mail_server_is_told_with_its_line(folder, held, told):
    assert f"reports.toml, {told}" in refused(folder, held)


@pytest.mark.parametrize(
    "text",
    [
        "", "anna", "anna@", "@acme.example", "a b@acme.example", "a@b@c", "a@acme..example", "a@-acme.example",
        "a@acme.example, b@acme.example", "<a@acme.example>", "a@acme.example\n", "a@acme.example\r\nBcc: b@c.example",
        "анна@acme.example", f"{'a' * 65}@acme.example", None, 3,
    ],
)  # fmt: skip
def test_what_is_no_address(text):
    assert not is_address(text)


@pytest.mark.parametrize("text", ["a@b", "anna.petrova+crm@sales.acme.example", "o'neill@xn--e1afmkfd.xn--p1ai"])
def test_what_is_an_address(text):
    assert is_address(text)


# The mail server's password

PASSWORD = "pa55-w0rd"


@pytest.fixture
def with_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_REPORTS_SMTP_USER", "reports@acme.example")
    monkeypatch.setenv("CRM_REPORTS_SMTP_PASSWORD", PASSWORD)


def test_the_login_is_read_from_the_environment(folder, with_login):
    read = Settings.read(write(folder, MAIL))
    assert (read.login.user.get_secret_value(), read.login.password.get_secret_value()) == (
        "reports@acme.example", PASSWORD,
    )  # fmt: skip


def test_the_login_is_read_from_env_beside_the_file(folder):
    (folder / ".env").write_text(f"CRM_REPORTS_SMTP_USER=u\nCRM_REPORTS_SMTP_PASSWORD={PASSWORD}\n")
    assert Settings.read(write(folder, MAIL)).login.password.get_secret_value() == PASSWORD


def test_a_variable_that_is_set_to_nothing_hides_what_the_env_file_has(folder, monkeypatch):
    """This is how the kernel of a report is kept away from the password."""
    (folder / ".env").write_text(f"CRM_REPORTS_SMTP_USER=u\nCRM_REPORTS_SMTP_PASSWORD={PASSWORD}\n")
    for name, held in NO_WEBHOOK.items():
        monkeypatch.setenv(name, held)
    assert Settings.read(write(folder, MAIL)).login is None


def test_a_server_may_ask_for_no_login(folder):
    assert Settings.read(write(folder, MAIL)).login is None


def test_only_who_mails_gets_the_password(folder, with_login):
    assert Settings.read(write(folder, "")).login is None


def test_the_password_is_in_no_text_of_the_settings(folder, with_login):
    read = Settings.read(write(folder, MAIL))
    for text in (repr(read), str(read), read.model_dump_json(), repr(read.model_dump()), repr(read.login)):
        assert PASSWORD not in text


def test_the_secrets_are_known_to_whoever_has_to_hide_them(folder, with_login, monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", WEBHOOK)
    assert Settings.read(write(folder, f'source = "bitrix24"\n{MAIL}')).secrets == (SECRET, PASSWORD)
    assert Settings.read(write(folder, "")).secrets == ()


def test_a_user_without_a_password_is_told(folder, monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_SMTP_USER", "reports@acme.example")
    assert "CRM_REPORTS_SMTP_USER is set and CRM_REPORTS_SMTP_PASSWORD is not" in refused(folder, MAIL)
    assert Settings.read(write(folder, "")).mail is None  # nobody mails, nobody needs it


def test_a_password_does_not_cross_the_network_in_the_open(folder, with_login):
    told = refused(folder, f'{MAIL}security = "none"')
    assert "mail.security is 'none' and CRM_REPORTS_SMTP_PASSWORD is set" in told
    assert PASSWORD not in told
    here = MAIL.replace("smtp.acme.example", "127.0.0.1")
    assert Settings.read(write(folder, f'{here}security = "none"')).mail.security == "none"


@pytest.mark.parametrize(
    "held",
    [f'password = "{PASSWORD}"', f'user = "u"\npassword = "{PASSWORD}"', f'base_url = "https://u:{PASSWORD}@h/"'],
)
def test_a_password_in_the_file_is_refused_without_showing_it(folder, held):
    told = refused(folder, MAIL + held)
    assert PASSWORD not in told
    assert "reports.toml, line 4: " in told


# Lines


@pytest.mark.parametrize(
    ("at", "line"),
    [
        (("language",), 1),
        (("source",), 3),
        (("source", "demo", "deals"), 5),
        (("source", "demo", "today"), 8),
        (("weights", "call"), 11),
        (("presets", 0, "name"), 13),  # is not written: the preset's own line
        (("presets", 0, "each", 1), 14),
        (("presets", 1), 19),
        (("presets", 1, "parameters", "period"), 20),
        (("nowhere", "at", "all"), 0),
    ],
)
def test_a_key_is_found_however_it_is_written(at, line):
    text = "\n".join([
        'language = "en"  # [source]',
        "",
        "[source] # kind =",
        "[source.demo]",
        "deals = 5",
        "# today = 1",
        "",
        "today = 2025-01-01",
        "[weights]",
        "# a comment",
        "'call' = 1",
        "",
        "[[presets]]",
        "each = [",
        "  'manager',",
        "  'x', # [[presets]]",
        "]",
        'about = """[[presets]]"""',
        "[[presets]]",
        "parameters.period = 'x'",
    ])  # fmt: skip
    assert Lines(text).of(at) == line


PIECES = ["a = 1", "# a", "", "b = [", "1,", "]", "[t]", "[[l]]", 'c = """', 'x"""']


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_a_line_that_is_told_is_the_keys_own(lines):
    told = Lines("\n".join(lines)).of(("a",))
    assert told == 0 or lines[told - 1] == "a = 1"


# What is allowed


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("language", "'en' or 'ru'"),
        ("source.demo.months", "a whole number from 1 to 240"),
        ("source.demo.seed", "a whole number from 0"),
        ("weights", "a table of call, meeting, email, crm_activity, comment, stage_move"),
        ("weights.call", "a number from 0"),
        ("presets.whole", "true or false"),
        ("presets.attach", "a list of 'html', 'xlsx', 'pdf'"),
        ("mail", "a table with host and sender, or without both where nothing goes by mail"),
        ("mail.port", "a whole number from 1 to 65535, or left out"),
    ],
)
def test_what_is_allowed_at_a_key_is_read_off_the_field_that_checks_it(key, allowed):
    assert keys_of(Settings)[key].words == allowed


def test_what_does_not_belong_into_the_file_is_no_key_of_it():
    assert {"webhook", "login", "keyring", "home", "data", "config"} & set(keys_of(Settings)) == set()


def test_every_key_of_the_file_says_what_is_allowed():
    tables = (
        Settings,
        Source,
        Demo,
        Files,
        Preset,
        Engine,
        Limits,
        History,
        Night,
        Own,
        OwnField,
        PlanItems,
        Products,
        Act,
        Mail,
        Serve,
        Access,
        Alert,
        CheckLimit,
    )
    names = {field.alias or name for table in tables for name, field in table.model_fields.items()}
    names -= {"webhook", "login", "keyring", "home", "data", "config"}
    names |= set(get_args(CheckName))
    assert names == {key.rpartition(".")[2] for key in keys_of(Settings)} - set(WEIGHTS)


# Fields of the company's own

REGION = '[fields]\nregion = { from = "UF_CRM_123" }\n'


def test_a_field_is_a_dimension_of_deals_unless_said_otherwise(folder):
    (field,) = Settings.read(write(folder, REGION)).fields.values()
    assert (field.source, field.kind, field.of, field.column) == ("UF_CRM_123", "dimension", "deal", False)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('region = { from = "UF_CRM_123", as = "dimensions" }',
         "line 2: fields.region.as is 'dimensions'; allowed: 'dimension', 'flag', 'number', 'money', 'date' or 'text'; near: dimension"),
        ('region = { as = "text" }',
         "line 2: fields.region.from is missing; give the field's name in the CRM such as 'UF_CRM_123', or a column's header"),
        ('region = { from = "UF_CRM_123", fro = 1 }', "line 2: fields has no key 'fro'; near: from"),
        ('Region = { from = "UF_CRM_123" }',
         "line 1: fields: 'Region': name a field in small Latin letters, digits and _, without _id at its end"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_field_is_told_with_its_line(folder, line, sentence):
    with pytest.raises(SettingsError) as told:
        Settings.read(write(folder, f"[fields]\n{line}\n"))
    assert str(told.value) == f"reports.toml, {sentence}"


def test_slices_can_be_cut_by_a_field_of_the_company_and_by_no_other_name(folder):
    cut = '[[presets]]\nname = "one"\nreport = "overview"\neach = ["region"]\n'
    assert Settings.read(write(folder, REGION + cut)).presets[0].each == ("region",)
    with pytest.raises(SettingsError, match=r"presets 1, each is 'region'; allowed: a list of 'pipeline'"):
        Settings.read(write(folder, REGION.replace("region", "area") + cut))
