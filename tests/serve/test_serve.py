"""The reports over HTTP: the address is the state, the answer is the notebook's own page, and mistakes are sentences."""

import threading
from html import unescape

import httpx
import pytest
from pydantic import SecretStr

from crm_reports.runs import parent
from crm_reports.runs.preparation import prepare
from crm_reports.serve import serve
from crm_reports.serve.app import headers
from crm_reports.settings import Settings, SettingsError
from notebooks import WHOLE, write
from reports import NOTEBOOKS
from serving import choices, company, header, offered, served

pytestmark = pytest.mark.usefixtures("lent_parent")
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def settings(folder):
    return company(folder)


@pytest.fixture
def client(settings):
    with served(settings) as found:
        yield found


def _field(client: httpx.Client, answer: httpx.Response, name: str) -> dict:
    return next(field for field in offered(client, answer)["fields"] if field["name"] == name)


def test_the_page_and_its_files_are_those_of_the_notebook_with_the_same_parameters(client, settings):
    query = "period=2025-03&manager=Anna&forgotten_after=21&as_of=2025-04-01"
    answered = client.get(f"/overview.json?{query}").json()
    given = {"period": "2025-03", "manager": ["1"], "forgotten_after": "21", "as_of": "2025-04-01"}
    asked = prepare("overview", given, settings=settings)
    assert answered["parameters"] == dict(asked.parameters)
    tiles = {row["metric"]: row["value"] for row in answered["elements"]["tiles"]["rows"]}
    assert (tiles["won"], tiles["won_money"]) == (2, 1900)  # Anna's deals 1 and 3 in March
    page = client.get(f"/overview?{query}")
    assert page.status_code == 200
    assert "Anna" in page.text
    assert client.get(f"/overview.xlsx?{query}").content[:2] == b"PK"
    assert client.get(f"/overview.ipynb?{query}").json()["nbformat"] == 4


def test_a_workbook_is_made_when_somebody_asks_for_it_and_once(client, monkeypatch):
    made, usual = [], parent.file_of
    monkeypatch.setattr(
        parent,
        "file_of",
        lambda plan, notebook, kind, **named: made.append(kind) or usual(plan, notebook, kind, **named),
    )
    assert client.get("/forgotten_deals").status_code == 200
    assert made == []
    assert {client.get("/forgotten_deals.xlsx").content[:2] for _twice in range(2)} == {b"PK"}
    assert made == ["xlsx"]


def test_the_front_door_is_the_overview(client):
    assert client.get("/").url.path == "/overview"


def test_the_header_offers_every_parameter_of_the_notebook_and_whom_there_is_to_choose(client):
    page = client.get("/sales_dynamics?period=2025-03&manager=2&manager=1")
    controls = offered(client, page)
    assert controls["state"] == {"period": "2025-03", "manager": ["1", "2"]}
    assert {"period", "manager", "department", "source", "pipeline", "comparison", "as_of"} <= {
        field["name"] for field in controls["fields"]
    }
    assert [(each["id"], each["name"]) for each in _field(client, page, "manager")["choices"]] == [
        ("1", "Anna"),
        ("2", "Boris"),
    ]
    assert {"id": "11", "name": "Kazan", "above": "10"} in _field(client, page, "department")["choices"]


def test_the_choices_come_once_for_all_pages_of_a_report_and_are_kept_by_the_browser(client):
    first, second = client.get("/overview?period=2025-03"), client.get("/overview?period=2025-03&manager=2")
    assert header(first)["beside"] == header(second)["beside"]
    assert '"name":"Anna"' not in first.text.partition('id="controls">')[2].partition("</script>")[0]
    file = choices(client, first)
    assert '"name":"Anna"' in file.text
    assert file.headers["content-type"].startswith("text/javascript")
    assert file.headers["cache-control"] == "private, max-age=31536000, immutable"
    elsewhere = client.get(header(first)["beside"], headers={"Sec-Fetch-Site": "cross-site"})
    assert (elsewhere.status_code, "Anna" in elsewhere.text) == (403, False)
    unknown = client.get("/choices/choices-0.js")
    assert (unknown.status_code, "there is nothing at this address" in unknown.text) == (404, True)


def test_stages_and_pipelines_that_are_left_out_are_picked_among_the_portal_s_own_those_of_deals_in_work(client):
    page = client.get("/forgotten_deals?period=2025-03&exclude_stages=request&exclude_stages=Cold+base")
    assert [(each["id"], each["name"], each["group"]) for each in _field(client, page, "stage")["choices"]] == [
        ("NEW", "Cold base", "Sales"),
        ("REQ", "Request", "Sales"),
        ("INV", "Invoice", "Sales"),
    ]
    assert _field(client, page, "pipeline")["choices"] == [{"id": "0", "name": "Sales"}]
    for name, other in (("exclude_stages", "stage"), ("exclude_pipelines", "pipeline")):  # they are on the page once
        assert (_field(client, page, name)["like"], "choices" in _field(client, page, name)) == (other, False)
    assert header(page)["state"] == {"period": "2025-03", "exclude_stages": ["NEW", "REQ"]}


def test_however_a_stage_that_is_left_out_is_typed_it_is_one_question(client, monkeypatch):
    first = client.get("/forgotten_deals.json?exclude_stages=NEW&exclude_stages=REQ").json()
    monkeypatch.setattr("crm_reports.runs.parent.make", lambda *args, **named: 1 / 0)
    second = client.get("/forgotten_deals.json?exclude_stages=REQUEST&exclude_stages=cold+base").json()
    assert second["elements"] == first["elements"]


def test_a_page_is_about_the_deals_in_work_on_a_stage_or_lost_for_a_reason(client):
    page = client.get("/sales_dynamics?period=2025-03&stage=request")
    assert header(page)["state"] == {"period": "2025-03", "stage": ["REQ"]}
    assert 'data-link="stage:REQ" href="/sales_dynamics?period=2025-03"' in page.text  # from there to all
    assert [each["name"] for each in _field(client, page, "loss_reason")["choices"]] == ["Too expensive"]
    lost = client.get("/sales_dynamics.json", params={"period": "2025-03", "loss_reason": "Too expensive"}).json()
    assert [row["lost"] for row in lost["elements"]["loss_reasons"]["rows"]] == [1]


def test_a_name_leads_to_the_page_about_it_and_from_there_to_all(client):
    assert 'data-link="manager:1" href="/manager_effectiveness?period=2025-03&amp;manager=1"' in client.get(
        "/manager_effectiveness?period=2025-03"
    ).text  # fmt: skip


def test_what_was_asked_before_is_not_made_again_until_something_changes(settings, folder, monkeypatch):
    own = folder / "notebooks" / "mine.ipynb"
    write(own, *WHOLE)
    with served(settings) as client:
        first = client.get("/mine.json").json()["elements"]["managers"]
        monkeypatch.setattr("crm_reports.runs.parent.make", lambda *args, **named: 1 / 0)
        assert client.get("/mine.json").json()["elements"]["managers"] == first
        mark = client.get("/mine").headers["etag"]
        assert client.get("/mine", headers={"If-None-Match": mark}).status_code == 304
        monkeypatch.undo()
        write(own, *WHOLE, "## And how many were lost?", "crm.show(crm.measure(ds, ['lost'], by='manager'), 'lost')")
        assert "lost" in client.get("/mine.json").json()["elements"]
        assert client.get("/mine").headers["etag"] != mark


def test_however_managers_are_typed_and_in_whatever_order_it_is_one_question(client, monkeypatch):
    first = client.get("/overview.json?period=2025-03&manager=1&manager=2&source=WEB").json()
    monkeypatch.setattr("crm_reports.runs.parent.make", lambda *args, **named: 1 / 0)
    for query in (
        "manager=2&manager=1&source=WEB",
        "source=WEB&manager=Boris&manager=Anna",
        "manager=Anna&manager=2&source=WEB",
    ):
        assert client.get(f"/overview.json?period=2025-03&{query}").json() == first


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/overview?period=2025-13", 400, "names no day of the calendar"),
        ("/overview?manager=Zoe&source=Nothing", 400, "manager 'Zoe' is not known"),
        ("/overview?colour=red", 400, "has no parameter 'colour'"),
        ("/overview?forgotten_after=many", 400, "allowed: a whole number"),
        ("/overview?forgotten_after=-1", 400, "give a whole number of days from 1 to 36500"),
        ("/overview?forgotten_after=" + "9" * 400, 400, "give a whole number of days from 1 to 36500"),
        ("/overview?language=xx", 400, "language is 'xx'"),
        ("/nowhere", 400, "there is no report 'nowhere'"),
        ("/overview.exe", 400, "there is no .exe"),
        (f"/overview?manager={HOSTILE}", 400, "is not known"),
        (f"/{HOSTILE.replace('/', '')}", 400, "there is no report"),
        ("/overview?period=%FF%FE", 400, "too long or damaged"),
        ("/overview?" + "manager=1&" * 900, 400, "too long or damaged"),
        ("/..%2F..%2Fetc%2Fpasswd", 404, "there is nothing at this address"),
        ("/assets/none.js", 404, "there is nothing at this address"),
    ],
)
def test_what_means_nothing_is_answered_with_a_sentence(client, address, status, sentence):
    answer = client.get(address)
    assert answer.status_code == status
    assert sentence in unescape(answer.text)
    assert HOSTILE not in answer.text
    assert "Traceback" not in answer.text
    assert "No such" not in answer.text


def test_every_problem_is_said_at_once(client):
    text = unescape(client.get("/overview?manager=Zoe&source=Nothing").text)
    assert "manager 'Zoe' is not known" in text
    assert "source 'Nothing' is not known" in text


def test_other_names_of_this_machine_are_not_answered(client):
    """A page elsewhere could have its own name lead here."""
    answer = client.get("/overview", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "nothing is answered under this name" in unescape(answer.text)


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"url": "/a/b"}, 404), ({"url": "/overview", "method": "PUT"}, 405), ({"url": "/views"}, 400),
     ({"url": "/", "headers": {"Host": "evil.example"}}, 400), ({"url": "/", "headers": {"Host": "a b"}}, 400)],
)  # fmt: skip
def test_whatever_is_refused_is_our_page_and_no_other_site_may_frame_it(client, asked, status):
    answer = client.request(**{"method": "GET"} | asked)
    assert answer.status_code == status
    assert "To the reports" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_however_a_period_is_typed_it_is_one_question(client, monkeypatch):
    first = client.get("/overview.json?period=2025-03").json()
    monkeypatch.setattr("crm_reports.runs.parent.make", lambda *args, **named: 1 / 0)
    for typed in ("march 2025", "2025-3", "март 2025"):
        assert client.get("/overview.json", params={"period": typed}).json()["elements"] == first["elements"], typed


def test_one_site_may_show_the_pages_in_a_frame_where_the_settings_name_it():
    told = headers("https://acme.bitrix24.com")
    assert "X-Frame-Options" not in told  # which knows no site but its own
    assert told["Content-Security-Policy"].startswith("frame-ancestors https://acme.bitrix24.com; base-uri 'none'")
    assert headers("")["X-Frame-Options"] == "DENY"


def test_an_answer_says_what_a_browser_may_do_with_it(client):
    headers = client.get("/overview?period=2025-03").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "private, no-cache"
    page = unescape(client.get("/overview?period=2025-03").text)
    assert ("form-action 'self'" in page, "form-action 'none'" in page) == (True, False)


def test_the_rows_behind_a_pages_numbers_are_given_to_that_page_and_to_no_other_site(client):
    page, rows = (client.get(f"/overview{end}?period=2025-03") for end in ("", ".js"))
    assert '"address":"asked"' in page.text
    assert rows.headers["content-type"].startswith("text/javascript")
    assert rows.headers["cross-origin-resource-policy"] == "same-origin"
    assert rows.text.startswith('window.crmBehind="')
    refused = client.get("/overview.js?period=2025-03", headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    assert "crmBehind" not in refused.text


def test_a_notebook_that_hangs_is_ended_and_the_page_says_so(folder, settings):
    write(folder / "notebooks" / "hangs.ipynb", *WHOLE, "import time; time.sleep(600)")
    limits = settings.limits.model_copy(update={"page_seconds": 3})
    with served(settings.model_copy(update={"limits": limits})) as client:
        answer = client.get("/hangs")
    assert answer.status_code == 504
    assert "it took longer than 3 seconds and was ended" in answer.text


def test_a_notebook_that_fails_says_where_and_why(folder, settings):
    write(folder / "notebooks" / "fails.ipynb", *WHOLE, "## What broke?", "1 / 0")
    with served(settings) as client:
        answer = client.get("/fails")
    assert answer.status_code == 500
    assert "What broke?: ZeroDivisionError: division by zero" in unescape(answer.text)


@pytest.mark.parametrize("cell", ["print({path}.read_text())", "raise ValueError({path}.read_text())"])
def test_a_notebook_that_shows_a_secret_is_shown_to_nobody(folder, settings, cell):
    secret = "https://portal.example/rest/1/0123456789abcdef/"
    (folder / "secret.txt").write_text(secret)
    path = f"__import__('pathlib').Path({str(folder / 'secret.txt')!r})"
    write(folder / "notebooks" / "thief.ipynb", *WHOLE, cell.format(path=path))
    with served(settings.model_copy(update={"webhook": SecretStr(secret)})) as client:
        for kind in ("", ".json", ".ipynb"):
            answer = client.get(f"/thief{kind}")
            assert answer.status_code == 500
            assert "take that out of it" in answer.text
            assert "0123456789abcdef" not in answer.text
    assert not list((settings.data / "failed").glob("thief*"))


def test_when_the_last_reader_leaves_his_page_is_ended(folder, settings):
    write(folder / "notebooks" / "slow.ipynb", *WHOLE,
          f"import os, time; open({str(folder / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)")  # fmt: skip
    with served(settings) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("/slow", timeout=5)
        from parents import is_gone

        assert (folder / "pid").exists()
        assert is_gone(int((folder / "pid").read_text()))


def test_many_who_ask_the_same_at_once_have_it_made_once(folder, settings):
    made = folder / "made"
    made.mkdir(exist_ok=True)
    write(folder / "notebooks" / "once.ipynb", *WHOLE, f"import os; open({str(made)!r} + f'/{{os.getpid()}}', 'w')")
    answers = []
    with served(settings) as client:
        readers = [threading.Thread(target=lambda: answers.append(client.get("/once").status_code)) for _ in range(8)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert answers == [200] * 8
    assert len(list(made.iterdir())) == 1


# ── Saved views ──────────────────────────────────────────────────────────────────────────────────────────────────────

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def own(tmp_path):
    return company(tmp_path)


def test_a_saved_view_is_a_preset_of_the_night_and_comments_stay(own):
    (own.home / "views.toml").write_text("# Those of the board.\n", encoding="utf-8")
    form = {"name": "Anna's March", "address": "/overview?period=2025-03&manager=Anna"}
    with served(own) as client:
        answer = client.post("/views", data=form, headers=OURS)
        assert answer.url.query == b"period=2025-03&manager=1"
        assert {"text": "Anna's March", "url": "/overview?period=2025-03&manager=1"} in header(answer)["views"]
    text = (own.home / "views.toml").read_text(encoding="utf-8")
    assert text.startswith("# Those of the board.\n")
    (preset,) = Settings.read(own.config, own.data).views
    assert (preset.name, preset.report) == ("Anna's March", "overview")
    assert preset.parameters == {"period": "2025-03", "manager": ["1"]}


def test_a_view_of_the_same_name_takes_its_place_and_can_be_deleted(own):
    with served(own) as client:
        for period in ("2025-02", "2025-03"):
            client.post("/views", data={"name": "Mine", "address": f"/overview?period={period}"}, headers=OURS)
        assert [preset.parameters for preset in Settings.read(own.config, own.data).views] == [{"period": "2025-03"}]
        client.post("/views", data={"name": "mine", "address": "/overview", "do": "delete"}, headers=OURS)
    assert Settings.read(own.config, own.data).views == ()


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_site_can_save_nothing(own, headers):
    with served(own) as client:
        answer = client.post("/views", data={"name": "Mine", "address": "/overview"}, headers=headers)
    assert answer.status_code == 403
    assert not (own.home / "views.toml").exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
def test_a_view_needs_a_name_that_can_be_read(own, name):
    with served(own) as client:
        answer = client.post("/views", data={"name": name, "address": "/overview"}, headers=OURS)
    assert answer.status_code == 400 or (answer.status_code == 200 and name == "a\nb")


def test_a_view_with_a_hostile_name_is_text_everywhere(own):
    with served(own) as client:
        answer = client.post("/views", data={"name": HOSTILE, "address": "/overview"}, headers=OURS)
    assert HOSTILE not in answer.text
    assert [view["text"] for view in header(answer)["views"]] == [HOSTILE]


def test_what_a_browser_sends_has_a_size(own):
    with served(own) as client:
        answer = client.post("/views", data={"name": "x" * 50_000, "address": "/overview"}, headers=OURS)
    assert answer.status_code in (400, 413)


def test_others_are_not_let_in_where_nobody_is_named(settings):
    with pytest.raises(SettingsError, match="open to other machines"):
        serve(settings, host="0.0.0.0")


def test_the_product_s_own_notebooks_are_served(client):
    for name in ("sales_dynamics", "manager_effectiveness", "forgotten_deals"):
        assert (NOTEBOOKS / f"{name}.ipynb").is_file()
        assert client.get(f"/{name}?period=2025-03").status_code == 200
