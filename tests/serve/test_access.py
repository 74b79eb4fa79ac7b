"""Nobody sees more over HTTP than they may: who asks is known, and what they ask is cut to what is theirs."""

from html import unescape

import pytest
from typer.testing import CliRunner

from crm_reports.cli import app
from crm_reports.serve import access
from crm_reports.settings import SettingsError
from notebooks import WHOLE, write
from serving import choices, company, header, offered, served

pytestmark = pytest.mark.usefixtures("lent_parent")
PASSWORD = "correct horse battery"
TOML = """
[serve]
user_header = "X-Forwarded-User"
trusted = ["127.0.0.1"]
[serve.access]
anna = { manager = ["Anna"] }
kazan = { department = ["11"] }
boss = {}
ghost = { manager = ["Nobody"] }
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    found = company(tmp_path_factory.mktemp("access"), TOML)
    access.add(found, "anna", PASSWORD)
    access.add(found, "stranger", PASSWORD)
    return found


@pytest.fixture
def client(settings):
    with served(settings) as found:
        yield found


def _as(name):
    return {"X-Forwarded-User": name}


def _choices(client, answer, dimension):
    fields = offered(client, answer)["fields"]
    return [each["id"] for field in fields if field["name"] == dimension for each in field["choices"]]


def test_whoever_says_no_name_is_asked_for_one(client):
    answer = client.get("/overview")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("password", ["", "wrong horse", PASSWORD + " "])
def test_a_wrong_password_lets_nobody_in(client, password):
    assert client.get("/overview", auth=("anna", password)).status_code == 401
    assert client.get("/overview", auth=("nobody", password)).status_code == 401


def test_a_known_reader_who_is_named_nowhere_sees_nothing(client):
    answer = client.get("/overview", auth=("stranger", PASSWORD))
    assert answer.status_code == 403
    assert "[serve.access]" in answer.text


def test_a_name_in_a_header_counts_only_from_a_trusted_proxy(settings):
    rules = settings.serve.model_copy(update={"trusted": ("192.0.2.1",)})
    with served(settings.model_copy(update={"serve": rules})) as client:
        assert client.get("/overview", headers=_as("boss")).status_code == 401


def test_a_manager_sees_his_own_page_whether_he_says_so_or_not(client):
    for query in ("", "&manager=1", "&manager=Anna"):
        answer = client.get(f"/overview.json?period=2025-03{query}", auth=("anna", PASSWORD)).json()
        assert [each["id"] for each in answer["filters"]["manager"]] == ["1"]
        tiles = {row["metric"]: row["value"] for row in answer["elements"]["tiles"]["rows"]}
        assert tiles["won_money"] == 1900  # hers: deals 1 and 3


def test_he_is_offered_nobody_else(client):
    page = client.get("/overview?period=2025-03", headers=_as("anna"))
    assert _choices(client, page, "manager") == ["1"]
    assert _choices(client, page, "department") == []
    assert "Boris" not in page.text
    assert header(page)["state"] == {"period": "2025-03"}


@pytest.mark.parametrize("query", ["manager=2", "manager=1&manager=2", "manager=Boris", "manager=1&department=11"])
@pytest.mark.parametrize("kind", ["", ".json", ".xlsx", ".ipynb", ".pdf"])
def test_whoever_asks_for_somebody_else_is_told_that_it_is_not_his(client, query, kind):
    answer = client.get(f"/overview{kind}?period=2025-03&{query}", headers=_as("anna"))
    assert answer.status_code == 403
    assert "this is not yours" in answer.text


GUESSES = (
    "Borys",
    "Bor",
    "3",
    "2 ",
    "boris,anna",
    "Anna,Boris",
    "*",
    "%",
    "'",
    "\x00",
    "[]",
    "<b>",
    "x" * 3000,
    "Ann",
)


@pytest.mark.parametrize("kind", ["", ".json", ".xlsx", ".ipynb", ".pdf"])
def test_whoever_guesses_names_learns_of_nobody(client, kind):
    """The same is said of somebody else and of nobody: what is near, or of one name, would be somebody's name."""
    for dimension in ("manager", "department"):
        for guess in GUESSES:
            answer = client.get(f"/overview{kind}", params={dimension: guess}, headers=_as("anna"))
            assert (answer.status_code, "this is not yours" in answer.text) == (403, True), (dimension, guess)
            assert "Boris" not in answer.text
            assert "Kazan" not in answer.text


def test_a_head_of_a_department_sees_nobody_of_another_of_that_name(tmp_path):
    departments = [{"department_id": id, "name": "Sales", "parent_id": None} for id in ("10", "11")]
    with served(company(tmp_path, TOML, departments=departments)) as client:
        assert _choices(client, client.get("/overview?period=2025-03", headers=_as("kazan")), "manager") == ["2"]
        assert client.get("/overview?manager=1", headers=_as("kazan")).status_code == 403


def test_whoever_sees_some_people_only_is_offered_and_told_of_no_reason_but_theirs(client):
    """Deal 2, lost as too expensive, is Boris's: what is written about it is no business of Anna's."""
    assert _choices(client, client.get("/overview?period=2025-03", headers=_as("kazan")), "loss_reason") == [
        "Too expensive"
    ]
    page = client.get("/overview?period=2025-03", headers=_as("anna"))
    assert _choices(client, page, "loss_reason") == []
    assert "expensive" not in page.text + choices(client, page).text
    for guess in ("Too expensive", "too expensiv", "nonsense"):
        answer = client.get("/overview", params={"loss_reason": guess}, headers=_as("anna"))
        assert (answer.status_code, "expensive" in answer.text) == (403, False)


def test_one_reader_leaves_room_for_the_others(settings, monkeypatch):
    monkeypatch.setattr("crm_reports.serve.pages.MOST_OF_ONE", 0)
    with served(settings) as client:
        assert client.get("/overview?period=2024-01", headers=_as("boss")).status_code == 503
        assert client.get("/nowhere", headers=_as("boss")).status_code == 400


def test_a_head_of_a_department_sees_its_people_only(client):
    page = client.get("/overview?period=2025-03", headers=_as("kazan"))
    assert (_choices(client, page, "manager"), _choices(client, page, "department")) == (["2"], ["11"])
    assert client.get("/overview?manager=2", headers=_as("kazan")).status_code == 200
    assert client.get("/overview?manager=1", headers=_as("kazan")).status_code == 403
    assert client.get("/overview?department=10", headers=_as("kazan")).status_code == 403


def test_the_boss_sees_everything(client):
    page = client.get("/overview?period=2025-03", headers=_as("boss"))
    assert _choices(client, page, "manager") == ["1", "2"]


def test_what_one_audience_is_offered_is_told_to_no_other(client):
    """The address is not a secret: whoever has it must be of that audience, too."""
    boss = client.get("/overview?period=2025-03", headers=_as("boss"))
    assert "Boris" in choices(client, boss).text
    answer = client.get(header(boss)["beside"], headers=_as("anna"))
    assert (answer.status_code, "Boris" in answer.text) == (404, False)
    assert client.get(header(boss)["beside"]).status_code == 401


def test_one_reader_s_pages_are_never_another_s(client):
    """The same address, made for the boss first."""
    whole = client.get("/overview.json?period=2025-03", headers=_as("boss")).json()
    own = client.get("/overview.json?period=2025-03", headers=_as("anna")).json()
    assert whole["filters"]["manager"] == []
    assert [each["id"] for each in own["filters"]["manager"]] == ["1"]


def test_a_name_in_the_settings_that_is_nobody_s_shows_nothing(client):
    answer = client.get("/overview", headers=_as("ghost"))
    assert answer.status_code == 403
    assert "'Nobody' under [serve.access]" in unescape(answer.text)


def test_a_notebook_that_can_not_be_cut_to_a_person_is_for_nobody_but_those_who_see_all(client, settings):
    write(
        settings.home / "notebooks" / "uncut.ipynb", *WHOLE, parameters='manager = []\nperiod = "2025-03"\nas_of = ""'
    )
    notebook = (settings.home / "notebooks" / "uncut.ipynb").read_text()
    (settings.home / "notebooks" / "uncut.ipynb").write_text(
        notebook.replace("manager = []", "boss = []").replace("manager=manager, ", "")
    )
    assert client.get("/uncut", headers=_as("boss")).status_code == 200
    assert client.get("/uncut", headers=_as("anna")).status_code == 403


def test_a_notebook_that_forgets_its_filter_is_not_shown_to_whom_it_would_show_others(client, settings):
    write(settings.home / "notebooks" / "forgets.ipynb", *WHOLE)
    notebook = (settings.home / "notebooks" / "forgets.ipynb").read_text()
    (settings.home / "notebooks" / "forgets.ipynb").write_text(notebook.replace("manager=manager, ", ""))
    assert client.get("/forgets", headers=_as("boss")).status_code == 200
    for kind in ("", ".json", ".xlsx", ".ipynb"):
        answer = client.get(f"/forgets{kind}", headers=_as("anna"))
        assert answer.status_code == 403
        assert "Boris" not in answer.text


def test_a_view_that_somebody_saved_for_himself_is_his_alone(client):
    ours = {"Sec-Fetch-Site": "same-origin"}
    form = {"name": "My March", "address": "/overview?period=2025-03"}
    page = client.post("/views", data=form, headers=ours | _as("anna"))
    assert [view["text"] for view in header(page)["views"]] == ["My March"]
    assert header(client.get("/overview", headers=_as("kazan")))["views"] == []
    assert [view["text"] for view in header(client.get("/overview", headers=_as("boss")))["views"]] == ["My March"]
    stolen = client.post("/views", data=form | {"do": "delete"}, headers=ours | _as("kazan"))
    assert stolen.status_code == 403


def test_passwords_are_kept_hashed_and_private(settings):
    path = access.passwords(settings)
    assert PASSWORD not in path.read_text()
    assert path.read_text().count("$argon2id$") == 2
    assert path.stat().st_mode & 0o077 == 0


def test_a_short_password_is_refused(settings):
    with pytest.raises(SettingsError, match="too short: take 8 letters or more"):
        access.add(settings, "anna", "secret")


def test_the_command_asks_for_the_password_and_says_what_is_missing(settings):
    given = ["access", "add", "new", "--config", str(settings.config), "--data", str(settings.data)]
    done = CliRunner().invoke(app, given, input=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.exit_code == 0
    assert "'new' sees nothing yet" in done.output
    assert PASSWORD not in done.output
    access.remove(settings, "new")
    with pytest.raises(SettingsError, match="'new' has no password"):
        access.remove(settings, "new")
