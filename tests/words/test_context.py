"""The report being made: each thread has its own language, currency, colours and dataset."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from crm_reports import charts, elements
from crm_reports.look import page
from crm_reports.night import work
from crm_reports.night.work import Job
from crm_reports.sources.bitrix24.pages import Command, many
from crm_reports.words import context, units
from crm_reports.words.texts import language, speaking
from stores import dataset, deal

WON = [deal(1, "2025-03-01", stage_id="WON", outcome="won", moved_at=None, amount=1000.0)]


def test_two_threads_make_two_reports_in_two_languages_and_currencies_at_once(tmp_path):
    both_began, both_loaded = Barrier(2), Barrier(2)

    def words(spoken, currency):
        both_began.wait(60)
        rates = [{"currency": currency, "rate": 1.0, "is_base": True}]
        deals = [row | {"currency": currency, "closed_at": row["created_at"]} for row in WON]
        ds = dataset(tmp_path / spoken, deals=deals, currencies=rates, stage_history=None, language=spoken)
        page.use(ds)
        both_loaded.wait(60)  # whoever came last must not have the say
        tiles = elements.tiles(ds, ["won_money"])
        money = units.write(tiles.table["value"].iloc[0], "money")
        return tiles.title, money, ds.names.managers.loc["", "manager"], context.current().metrics

    with ThreadPoolExecutor(2) as pool:
        english, russian = pool.map(words, ("en", "ru"), ("USD", "RUB"))
    assert english == ("In short", f"1{units.SPACE}000{units.SPACE}$", "no manager", ("won_money",))
    assert russian == ("Главное", f"1{units.SPACE}000{units.SPACE}₽", "без ответственного", ("won_money",))


def test_a_thread_begins_with_a_report_of_its_own():
    context.use(language="ru", currency="RUB", manager_ids=("3",))
    charts.use_managers(["3", "20"])
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(context.current).result() == context.Report()


def test_after_a_block_what_it_changed_is_as_before_and_the_rest_stays():
    with context.using(language="ru"):
        context.use(currency="RUB")
    assert (context.current().language, context.current().currency) == ("en", "RUB")


class _Portal:
    together = 2

    def call(self, method, **params):
        return language()


def test_what_goes_wrong_in_a_request_beside_others_is_said_in_the_language_of_who_asked():
    with speaking("ru"):
        assert list(many(_Portal(), [("deals", Command("crm.deal.list", {}))])) == [("deals", "ru")]


def test_what_goes_wrong_with_a_page_is_said_in_the_language_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.setattr(work, "_tried_twice", lambda job: language())
    settings = dataset(tmp_path, deals=WON).settings.model_copy(update={"language": "ru"})
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work.made, Job("mine", None, settings, tmp_path, (), {}, 1)).result() == "ru"
