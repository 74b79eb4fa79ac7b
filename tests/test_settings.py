"""reports.toml and the environment: what is read, what is refused, and that the secret stays one."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_reports.errors import SettingsError
from crm_reports.settings import REPORTS, WEIGHTS, Settings

SECRET = "s3cr3tc0de"
WEBHOOK = f"https://company.example/rest/7/{SECRET}/"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("WEBHOOK", "CONFIG", "DATA"):
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
        report = "sales"
        [[presets]]
        name = ""
        parameters = { manager = { id = 1 } }
    """)  # fmt: skip
    for sentence in (
        "there is no key 'tiem_zone'; near: time_zone",
        "time_zone is 'Moscow'; allowed: an IANA name such as 'Europe/Moscow'; near: Europe/Moscow",
        "base_currency is 'rubles'; allowed: a code of three letters",
        "language is 'de'; allowed: 'en' or 'ru'",
        "source.kind is 'demmo'; allowed: 'demo', 'bitrix24' or 'files'; near: demo",
        "source.demo.deals is 0; allowed: a whole number from 1",
        "source.demo has no key 'sead'; near: seed",
        "weights.call is -1; allowed: a number from 0",
        "weights has no key 'cals'; near: call",
        "presets 1, report is 'sales'; allowed: overview, sales_dynamics, manager_effectiveness, forgotten_deals",
        "presets 2, name is ''",
        "presets 2, report is missing",
        "presets 2, parameters: manager is {'id': 1}; allowed: a text, number",
    ):
        assert sentence in told
    assert len(told.splitlines()) == 13
    assert all(line.startswith("reports.toml: ") for line in told.splitlines())


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
    assert all(line.startswith("reports.toml: ") for line in mistakes(write(folder, text)))


def test_the_example_file_of_the_project_runs():
    project = Path(__file__).parent.parent
    read = Settings.read(project / "reports.toml", project / "data")
    assert {preset.report for preset in read.presets} <= set(REPORTS)


def test_its_commented_presets_run_too(folder):
    lines = (Path(__file__).parent.parent / "reports.toml").read_text("utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("# [[presets]]"))
    read = Settings.read(write(folder, "\n".join(line.removeprefix("# ") for line in lines[first:])))
    assert [preset.report for preset in read.presets] == [
        "overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals", "sales_dynamics",
    ]  # fmt: skip
