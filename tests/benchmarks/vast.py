"""A company of any size, whose rows are made when somebody asks for them: a million deals for a benchmark.

It is regular, not believable: every deal has three entries of history and three activities, and what is true of a row
follows from its id. What is changed or added afterwards is kept as in any other company.
"""

from datetime import datetime, timedelta

from bitrix24_demo import schema
from bitrix24_demo.company import ACTIVITY_KINDS, LEAD_STAGES, SALES_STAGES, Company, Currency
from bitrix24_demo.schema import OWNER_TYPES, Row
from bitrix24_demo.tables import Table

PER_DEAL = 3
DEALS_PER_CUSTOMER = 5
MANAGERS = 40
_YEARS, _QUIET = 3, timedelta(days=2)
_KINDS = ("call", "email", "todo")
# How deals end, by id: a fifth is won, three quarters are lost, one in twenty is open.
_LAST_STAGE = ("FINAL_INVOICE", *("WON",) * 4, *("LOSE",) * 10, *("APOLOGY",) * 5)


class Vast(Company):
    """`deals` made deals and what belongs to them; the newest is two days older than the company's clock."""

    def __init__(self, *, deals: int, now: datetime, time_zone: str = "Europe/Moscow") -> None:
        super().__init__(now=now, time_zone=time_zone)
        self._made_deals, self._customers_made = deals, max(1, deals // DEALS_PER_CUSTOMER)
        span = timedelta(days=365 * _YEARS)
        self._begin, self._step = self.now - _QUIET - span - timedelta(days=30), span / max(1, deals)
        self._put_off: set[tuple[str, str | int, int, int]] = set()
        self.add_pipeline("Sales", SALES_STAGES)
        self.add_lead_stages(LEAD_STAGES)
        self.add_source("WEB", "Website")
        self.add_currency(Currency("RUB", 1.0, is_base=True, name="Russian rouble"))
        department = self.add_department("Head office")
        for n in range(1, MANAGERS + 1):
            self.add_user("Manager", f"No. {n}", departments=[department])
        self._make_tables()

    def _make_tables(self) -> None:
        deals, customers, quiet = self._made_deals, self._customers_made, self.now - _QUIET
        stamps = dict.fromkeys(("DATE_CREATE", "DATE_MODIFY", "LAST_ACTIVITY_TIME", "MOVED_TIME"), quiet)
        done = dict.fromkeys(("CREATED", "LAST_UPDATED"), quiet)
        self.deals = Table(schema.DEAL, made=deals, make=self._deal, quiet_since=stamps)
        self.history = Table(
            schema.HISTORY, made=PER_DEAL * deals, make=self._entry, quiet_since={"CREATED_TIME": quiet}
        )
        self.activities = Table(schema.ACTIVITY, made=PER_DEAL * deals, make=self._action, quiet_since=done)
        self.companies = Table(schema.COMPANY, made=customers, make=self._company, quiet_since=stamps)

    # Rows that follow from their ids

    def _born(self, deal: int) -> datetime:
        return (self._begin + self._step * deal).replace(microsecond=0)

    def _deal(self, deal: int) -> Row:
        born, manager = self._born(deal), deal % MANAGERS + 1
        stage = _LAST_STAGE[deal % len(_LAST_STAGE)]
        moved, semantics = born + timedelta(days=9), self._semantics[stage]
        return self.deals.blank | self._made(manager, born) | {
            "ID": deal, "TITLE": f"Сделка {deal}", "TYPE_ID": "SALE", "STAGE_ID": stage, "STAGE_SEMANTIC_ID": semantics,
            "CATEGORY_ID": 0, "CURRENCY_ID": "RUB", "OPPORTUNITY": float(1000 + deal % 977 * 250), "TAX_VALUE": 0.0,
            "IS_MANUAL_OPPORTUNITY": "Y", "COMPANY_ID": (deal - 1) % self._customers_made + 1, "SOURCE_ID": "WEB",
            "BEGINDATE": born.date(), "CLOSEDATE": moved.date(), "CLOSED": "N" if semantics == "P" else "Y",
            "IS_NEW": "N", "IS_RECURRING": "N", "IS_RETURN_CUSTOMER": "N", "IS_REPEATED_APPROACH": "N", "COMMENTS": "",
            "DATE_MODIFY": moved, "MOVED_TIME": moved, "MOVED_BY_ID": manager, "LAST_ACTIVITY_TIME": moved,
        }  # fmt: skip

    def _entry(self, entry: int) -> Row:
        deal, place = divmod(entry - 1, PER_DEAL)
        last = _LAST_STAGE[(deal + 1) % len(_LAST_STAGE)]
        stage = ("NEW", "PREPARATION", last)[place]
        semantics = self._semantics[stage]
        return {
            "ID": entry, "TYPE_ID": 1 if place == 0 else 2 if semantics == "P" else 3, "OWNER_ID": deal + 1,
            "CREATED_TIME": self._born(deal + 1) + timedelta(days=(0, 3, 9)[place]), "CATEGORY_ID": 0,
            "STAGE_SEMANTIC_ID": semantics, "STAGE_ID": stage,
        }  # fmt: skip

    def _action(self, activity: int) -> Row:
        deal, place = divmod(activity - 1, PER_DEAL)
        at, manager = self._born(deal + 1) + timedelta(days=1 + place), (deal + 1) % MANAGERS + 1
        type_id, provider, provider_type = ACTIVITY_KINDS[_KINDS[place]]
        return self.activities.blank | {
            "ID": activity, "OWNER_ID": deal + 1, "OWNER_TYPE_ID": OWNER_TYPES["deal"], "TYPE_ID": type_id,
            "PROVIDER_ID": provider, "PROVIDER_TYPE_ID": provider_type, "SUBJECT": "Связаться с клиентом",
            "CREATED": at, "LAST_UPDATED": at, "START_TIME": at, "END_TIME": at, "DEADLINE": at, "COMPLETED": "Y",
            "STATUS": 2, "RESPONSIBLE_ID": manager, "AUTHOR_ID": manager, "EDITOR_ID": manager, "DIRECTION": 2,
            "SETTINGS": {}, "PROVIDER_PARAMS": {}, "IS_INCOMING_CHANNEL": "N", "DESCRIPTION": "",
        }  # fmt: skip

    def _company(self, company: int) -> Row:
        born = self._born(company)
        return self.companies.blank | self._made(company % MANAGERS + 1, born) | {
            "ID": company, "TITLE": f"ООО «Камень-{company}»", "COMPANY_TYPE": "CUSTOMER", "IS_MY_COMPANY": "N",
        }  # fmt: skip

    # What hangs on what, made rows included

    def _hanging(self, what: str, owner_type: str | int, owner: int) -> list[int]:
        made = (each for each in self._hanging_by_id(what, owner_type, owner))
        there = [each for each in made if (what, owner_type, owner, each) not in self._put_off]
        return [*there, *super()._hanging(what, owner_type, owner)]

    def _hanging_by_id(self, what: str, owner_type: str | int, owner: int) -> range:
        if (what, owner_type) == ("deal", "company"):
            return range(owner, self._made_deals + 1, self._customers_made)
        if (what, owner_type) in (("history", "deal"), ("activity", OWNER_TYPES["deal"])):
            return range(PER_DEAL * (owner - 1) + 1, PER_DEAL * owner + 1) if owner <= self._made_deals else range(0)
        return range(0)

    def _unhang(self, what: str, owner_type: str | int, owner: int, row_id: int) -> None:
        if row_id in super()._hanging(what, owner_type, owner):
            super()._unhang(what, owner_type, owner, row_id)
        else:
            self._put_off.add((what, owner_type, owner, row_id))

    def _unhang_all(self, what: str, owner_type: str | int, owner: int) -> list[int]:
        hung = self._hanging(what, owner_type, owner)
        self._put_off.update((what, owner_type, owner, each) for each in self._hanging_by_id(what, owner_type, owner))
        super()._unhang_all(what, owner_type, owner)
        return hung
