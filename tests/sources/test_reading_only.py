"""The webhook that the data are read by changes nothing: in the client itself, and in whatever a night and the doctor ask."""

import re
from datetime import date

import pytest
from pydantic import SecretStr

from bitrix24_demo import batch, invent, serve
from crm_reports import mail
from crm_reports.cli.doctor import portal as doctor
from crm_reports.mail import Message
from crm_reports.settings import Keyring, Settings, Source
from crm_reports.sources.bitrix24.client import Client, Command
from portals import AT_ONCE, run, served

WRITING = (
    "crm.deal.add", "crm.deal.update", "crm.deal.delete", "crm.activity.todo.add", "crm.item.import", "im.notify.system.add",
    "crm.timeline.comment.add", "user.add", "placement.bind", "crm.deal.list.add", "batch.add", "crm.deal.add?x=.list",
)  # fmt: skip


@pytest.mark.parametrize("method", WRITING)
def test_a_client_calls_no_method_that_may_write_alone_or_in_a_batch(method):
    with Client("https://portal.example/rest/1/code/", transport=None) as client:
        with pytest.raises(RuntimeError, match="this webhook is for reading"):
            client.call(method)
        with pytest.raises(RuntimeError, match="this webhook is for reading"):
            client.batch({"a": Command("crm.deal.list", {}), "b": Command(method, {})})


def test_what_a_client_may_write_beside_is_named_and_nothing_else_comes_with_it():
    with (
        Client("https://portal.example/rest/1/code/", writes={"im.notify.system.add"}) as client,
        pytest.raises(RuntimeError, match=r"im\.notify\.personal\.add may change something"),
    ):
        client.call("im.notify.personal.add")


def _methods(portal) -> set[str]:
    """Every method that was called, those inside batches too."""
    inside = [batch.commands(dict(asked.params)) for asked in portal.requests if asked.method == "batch"]
    names = {re.split(r"[?/]", command)[0] for commands in inside for command in commands.values()}
    return names | {asked.method for asked in portal.requests if asked.method != "batch"}


def test_a_sync_the_doctor_and_messages_ask_the_reading_webhook_for_nothing_but_reading(tmp_path):
    company = invent(deals=10, seed=3, months=1, today=date(2025, 6, 30))
    settings = Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"))
    with served(company) as portal, serve(company, scopes=("im",)) as notices:
        keyring = Keyring(notify=SecretStr(notices.webhook))
        settings = settings.model_copy(update={"webhook": SecretStr(portal.webhook), "keyring": keyring})
        for _night in range(2):
            run(settings, portal)
        assert len(list(doctor.checks(settings, SecretStr(portal.webhook), None, AT_ONCE))) > 5
        with mail.record(settings) as ledger:
            assert mail.deliver([Message("bitrix24:1", "k", "Won money fell")], settings, ledger).is_whole
        asked, told = _methods(portal), _methods(notices)
    assert len(asked) > 15
    assert [
        name for name in asked if not re.search(r"\.(list|get|fields)$|^(profile|scope|server\.time|app\.info)$", name)
    ] == []
    assert told == {"im.notify.system.add"}
