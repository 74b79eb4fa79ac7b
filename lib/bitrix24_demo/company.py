"""A company that lives in a CRM: its people, pipelines, deals and actions, kept as a portal keeps them.

Every method does what a person or a robot could do in Bitrix24, and leaves the traces that Bitrix24 leaves: stage
history, DATE_MODIFY, MOVED_TIME, the return-customer flags. `now` is the company's clock; whatever takes `at` happens
then, and by default now. An instant without offset is the company's local time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from . import schema
from .catalogue import invented_rows
from .quirks import Quirks
from .removal import OwnerType, Removals
from .schema import OWNER_TYPES, Row
from .tables import Table
from .userfields import UserFields

Direction = Literal["none", "in", "out"]

DIRECTIONS = {"none": 0, "in": 1, "out": 2}

# TYPE_ID, PROVIDER_ID, PROVIDER_TYPE_ID
ACTIVITY_KINDS: dict[str, tuple[int, str, str]] = {
    "call": (2, "VOXIMPLANT_CALL", "CALL"),
    "call_tracker": (6, "CRM_CALL_TRACKER", "CALL_TRACKER"),
    "meeting": (1, "CRM_MEETING", "MEETING"),
    "zoom": (6, "ZOOM", "ZOOM_CONF_START"),
    "visit": (6, "VISIT_TRACKER", "VISIT"),
    "email": (4, "CRM_EMAIL", "EMAIL"),
    "todo": (6, "CRM_TODO", "TODO"),
    "task": (6, "CRM_TASKS_TASK", "TASKS_TASK"),
    "sms": (6, "CRM_SMS", "SMS"),
    "whatsapp": (6, "CRM_WHATSAPP", "WHATSAPP"),
    "chat": (6, "IMOPENLINES_SESSION", "1"),
    "webform": (6, "CRM_WEBFORM", "3"),
    "wait": (6, "CRM_WAIT", "WAIT"),
}
_INCOMING_CHANNELS = {"chat", "webform"}


@dataclass(frozen=True)
class Stage:
    """One stage of a pipeline: P in progress, S won, F lost."""

    id: str
    name: str
    semantics: Literal["P", "S", "F"] = "P"


SALES_STAGES = (
    Stage("NEW", "Cold base"),
    Stage("UC_WORK", "Taken into work"),
    Stage("PREPARATION", "Process the request"),
    Stage("PREPAYMENT_INVOICE", "Invoice / contract"),
    Stage("FINAL_INVOICE", "Awaiting payment"),
    Stage("WON", "Paid", "S"),
    Stage("LOSE", "Too expensive", "F"),
    Stage("APOLOGY", "Went to a competitor", "F"),
)
LEAD_STAGES = (
    Stage("NEW", "Unprocessed"),
    Stage("IN_PROCESS", "In process"),
    Stage("CONVERTED", "Converted", "S"),
    Stage("JUNK", "Junk", "F"),
)
_COLORS = {"P": "#39A8EF", "S": "#7BD500", "F": "#FF5752"}
_MEANINGS = {"P": "process", "S": "success", "F": "failure"}


@dataclass(frozen=True)
class Currency:
    """`rate` base units for `count` units of it, as of now: a portal keeps no older rates."""

    code: str
    rate: float
    count: int = 1
    is_base: bool = False
    name: str = ""
    changed_at: datetime = datetime(2024, 1, 29, 9, 28, 40, tzinfo=UTC)


class Company(UserFields, Removals):
    """An empty company; add pipelines, people and deals to it, or take `Company.small` or `invent`."""

    def __init__(
        self,
        *,
        now: datetime,
        time_zone: str = "Europe/Moscow",
        uses_leads: bool = False,
        history_since: datetime | None = None,
        quirks: Quirks | None = None,
    ) -> None:
        super().__init__()
        self.quirks = quirks or Quirks()
        self.zone = ZoneInfo(time_zone)
        self.now = now
        self.uses_leads = uses_leads
        self.history_since = self._instant(history_since) if history_since else None
        self.users = Table(schema.USER)
        self.departments = Table(schema.DEPARTMENT)
        self.statuses = Table(schema.STATUS)
        self.deals = Table(schema.DEAL)
        self.leads = Table(schema.LEAD)
        self.history = Table(schema.HISTORY)
        self.lead_history = Table(schema.LEAD_HISTORY)
        self.activities = Table(schema.ACTIVITY)
        self.calls = Table(schema.CALL)
        self.comments = Table(schema.COMMENT)
        self.companies = Table(schema.COMPANY)
        self.contacts = Table(schema.CONTACT)
        self.pipelines: dict[int, Row] = {}
        self.currencies: dict[str, Currency] = {}
        self._semantics: dict[str, str] = {}
        self._lead_semantics: dict[str, str] = {}
        self._last_pipeline = -1
        self.sells = False  # whether deals that nobody gave product rows have some that follow from their amounts
        self._product_rows: dict[int, list[Row]] = {}
        self._no_deadline = datetime(9999, 12, 31, tzinfo=self.zone).astimezone(UTC)

    @classmethod
    def small(
        cls,
        *,
        now: datetime,
        time_zone: str = "Europe/Moscow",
        stages: Iterable[Stage] = SALES_STAGES,
        managers: Iterable[str] = ("Anna Petrova", "Boris Lee"),
        uses_leads: bool = False,
        quirks: Quirks | None = None,
    ) -> "Company":
        """A company without deals: one pipeline, one department, roubles, and managers with the ids 1, 2 …"""
        company = cls(now=now, time_zone=time_zone, uses_leads=uses_leads, quirks=quirks)
        company.add_pipeline("Sales", stages)
        company.add_lead_stages(LEAD_STAGES)
        company.add_source("CALL", "Call")
        company.add_source("WEB", "Website")
        company.add_currency(Currency("RUB", 1.0, is_base=True, name="Russian rouble"))
        department = company.add_department("Head office")
        for name in managers:
            company.add_user(*name.split(" ", 1), departments=[department])
        return company

    # The clock

    @property
    def now(self) -> datetime:
        """The company's clock, UTC."""
        return self._now

    @now.setter
    def now(self, moment: datetime) -> None:
        self._now = self._instant(moment)

    def _instant(self, moment: datetime | None) -> datetime:
        if moment is None:
            return self._now
        local = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
        return local.astimezone(UTC).replace(microsecond=0)

    def local_date(self, moment: datetime) -> date:
        """The day of an instant by the portal's calendar."""
        return moment.astimezone(self.zone).date()

    # What deals sell

    def set_products(self, deal: int, *rows: Row, at: datetime | None = None) -> None:
        """The deal sells these rows (products.product_row) from now on, and no others."""
        self._product_rows[deal] = [row | {"id": 1000 * deal + place} for place, row in enumerate(rows, 1)]
        self.edit_deal(deal, at=at)

    def product_rows_of(self, deal: int) -> list[Row]:
        """The product rows of a deal."""
        if deal in self._product_rows or not self.sells:
            return self._product_rows.get(deal, [])
        rows = invented_rows(self.deals[deal])
        return [row | {"id": 1000 * deal + place} for place, row in enumerate(rows, 1)]

    # People and dictionaries

    def add_user(self, name: str, last_name: str = "", *, departments: Iterable[int] = (), **fields: Any) -> int:
        """The id of a new employee; `ACTIVE=False` makes a dismissed one."""
        values = {
            "ACTIVE": True, "NAME": name, "LAST_NAME": last_name, "SECOND_NAME": "", "EMAIL": "user@example.com",
            "LAST_LOGIN": self._now, "DATE_REGISTER": self._now, "TIME_ZONE": "", "IS_ONLINE": "N",
            "TIMESTAMP_X": {}, "LAST_ACTIVITY_DATE": {}, "PERSONAL_GENDER": "", "PERSONAL_WWW": "",
            "PERSONAL_BIRTHDAY": "", "PERSONAL_MOBILE": "", "PERSONAL_CITY": "", "WORK_PHONE": "", "WORK_POSITION": "",
            "UF_EMPLOYMENT_DATE": "", "UF_DEPARTMENT": list(departments), "USER_TYPE": "employee",
        }  # fmt: skip
        return self.users.add(values | fields)

    def dismiss(self, user: int) -> None:
        """The employee is gone, the deals stay theirs."""
        self.users[user]["ACTIVE"] = False

    def add_department(self, name: str, *, parent: int | None = None, head: int | None = None) -> int:
        """The id of a new department; the root is the one without a parent."""
        return self.departments.add({"NAME": name, "SORT": 500, "PARENT": parent, "UF_HEAD": head})

    def add_pipeline(self, name: str, stages: Iterable[Stage], *, sort: int = 200) -> int:
        """The id of a new pipeline: 0 for the first, the default one; the others' stages get the prefix `C{id}:`."""
        pipeline = self._last_pipeline = self._last_pipeline + 1
        self.pipelines[pipeline] = {"id": pipeline, "name": name, "sort": sort, "created_at": self._now}
        for position, stage in enumerate(stages, start=1):
            self.add_stage(pipeline, stage, sort=10 * position)
        return pipeline

    def add_stage(self, pipeline: int, stage: Stage, *, sort: int) -> str:
        """The stage's id with its pipeline's prefix, which is how deals know it."""
        entity, prefix = (f"DEAL_STAGE_{pipeline}", f"C{pipeline}:") if pipeline else ("DEAL_STAGE", "")
        stage_id = prefix + stage.id
        self._semantics[stage_id] = stage.semantics
        self._add_stage_row(entity, stage_id, stage, sort, pipeline or None)
        return stage_id

    def add_lead_stages(self, stages: Iterable[Stage]) -> None:
        """The stages that leads go through."""
        for position, stage in enumerate(stages, start=1):
            self._lead_semantics[stage.id] = stage.semantics
            self._add_stage_row("STATUS", stage.id, stage, 10 * position, None)

    def _add_stage_row(self, entity: str, stage_id: str, stage: Stage, sort: int, pipeline: int | None) -> None:
        color = _COLORS[stage.semantics]
        extra = {"SEMANTICS": _MEANINGS[stage.semantics], "COLOR": color}
        semantics = None if stage.semantics == "P" else stage.semantics
        self._add_status(
            entity, stage_id, stage.name, sort, CATEGORY_ID=pipeline, COLOR=color, SEMANTICS=semantics, EXTRA=extra
        )

    def _add_status(self, entity: str, status: str, name: str, sort: int, **fields: Any) -> None:
        values = {"ENTITY_ID": entity, "STATUS_ID": status, "NAME": name, "NAME_INIT": "", "SORT": sort, "SYSTEM": "N"}
        self.statuses.add(values | fields)

    def rename_stage(self, stage_id: str, name: str) -> None:
        """Deals do not notice: their DATE_MODIFY stays."""
        self._stage_row(stage_id)["NAME"] = name

    def _stage_row(self, stage_id: str) -> Row:
        stages = (row for row in self.statuses if row["ENTITY_ID"].startswith("DEAL_STAGE"))
        return next(row for row in stages if row["STATUS_ID"] == stage_id)

    def add_source(self, source: str, name: str) -> None:
        """A place that deals come from."""
        self._add_status("SOURCE", source, name, 10, SEMANTICS=None)

    def add_currency(self, currency: Currency) -> None:
        """A currency with its one rate."""
        self.currencies[currency.code] = currency

    def set_rate(self, code: str, rate: float) -> None:
        """The currency's rate from now on; the portal forgets the one before, and deals do not notice."""
        self.currencies[code] = replace(self.currencies[code], rate=rate, changed_at=self._now)

    @property
    def base_currency(self) -> str:
        return next((each.code for each in self.currencies.values() if each.is_base), "RUB")

    # Customers

    def add_company(self, title: str, *, manager: int = 1, at: datetime | None = None, **fields: Any) -> int:
        """The id of a new company, a customer unless `IS_MY_COMPANY="Y"`."""
        values = {
            "COMPANY_TYPE": "CUSTOMER", "TITLE": title, "INDUSTRY": "OTHER", "EMPLOYEES": "EMPLOYEES_1",
            "REVENUE": 0, "CURRENCY_ID": self.base_currency, "IS_MY_COMPANY": "N",
        }  # fmt: skip
        return self.companies.add(self._customer(manager, at) | values | fields)

    def add_contact(
        self,
        name: str,
        last_name: str = "",
        *,
        company: int | None = None,
        manager: int = 1,
        at: datetime | None = None,
        **fields: Any,
    ) -> int:
        """The id of a new person, of a company or of none."""
        values = {"NAME": name, "LAST_NAME": last_name, "COMPANY_ID": company, "TYPE_ID": "CLIENT", "EXPORT": "Y"}
        return self.contacts.add(self._customer(manager, at) | values | fields)

    def edit_company(self, company: int, at: datetime | None = None, **fields: Any) -> None:
        """The company's fields are these from then on; its deals do not notice."""
        _edit(self.companies[company], self._instant(at), fields)

    def edit_contact(self, contact: int, at: datetime | None = None, **fields: Any) -> None:
        """The contact's fields are these from then on; its deals do not notice."""
        _edit(self.contacts[contact], self._instant(at), fields)

    def _customer(self, manager: int, at: datetime | None) -> Row:
        return self._made(manager, self._instant(at)) | {"HAS_PHONE": "Y", "HAS_EMAIL": "N", "HAS_IMOL": "N"}

    def _made(self, manager: int, at: datetime) -> Row:
        return {
            "ASSIGNED_BY_ID": manager, "CREATED_BY_ID": manager, "MODIFY_BY_ID": manager, "LAST_ACTIVITY_BY": manager,
            "DATE_CREATE": at, "DATE_MODIFY": at, "LAST_ACTIVITY_TIME": at, "OPENED": "Y",
        }  # fmt: skip

    # Deals

    def add_deal(
        self, title: str, *, stage: str = "NEW", manager: int = 1, at: datetime | None = None, **fields: Any
    ) -> int:
        """The id of a new deal; its pipeline follows from the stage. `fields` are Bitrix24's: OPPORTUNITY=1000.0."""
        at = self._instant(at)
        values = self._made(manager, at) | {
            "TITLE": title, "TYPE_ID": "SALE", "CURRENCY_ID": self.base_currency, "OPPORTUNITY": 0.0,
            "IS_MANUAL_OPPORTUNITY": "Y", "TAX_VALUE": 0.0, "BEGINDATE": self.local_date(at),
            "CLOSEDATE": self.local_date(at) + timedelta(days=7), "CLOSED": "N", "COMMENTS": "", "IS_RECURRING": "N",
            "IS_RETURN_CUSTOMER": "N", "IS_REPEATED_APPROACH": "N", "SOURCE_DESCRIPTION": "",
        }  # fmt: skip
        deal = self.deals.add(values | fields)
        self._stand(self.deals[deal], stage, at, manager)
        self._join_client(deal)
        self._note_stage(deal, 3 if self._semantics[stage] != "P" else 1, at)
        return deal

    def move(self, deal: int, stage: str, at: datetime | None = None, *, by: int | None = None) -> None:
        """The deal stands on `stage` from then on, in another pipeline when the stage is of another."""
        at, row = self._instant(at), self.deals[deal]
        changes_pipeline = row["CATEGORY_ID"] != _pipeline_of(stage)
        by = by or row["ASSIGNED_BY_ID"]
        self._stand(row, stage, at, by)
        row["DATE_MODIFY"], row["MODIFY_BY_ID"] = max(at, row["DATE_MODIFY"]), by
        final = 2 if row["STAGE_SEMANTIC_ID"] == "P" else 3
        self._note_stage(deal, 5 if changes_pipeline else final, at)

    def _stand(self, row: Row, stage: str, at: datetime, by: int) -> None:
        before, semantics = row["STAGE_SEMANTIC_ID"], self._semantics[stage]
        row["STAGE_ID"], row["STAGE_SEMANTIC_ID"], row["CATEGORY_ID"] = stage, semantics, _pipeline_of(stage)
        row["MOVED_TIME"], row["MOVED_BY_ID"] = at, by
        row["CLOSED"] = "N" if semantics == "P" else "Y"
        row["IS_NEW"] = "Y" if stage.endswith("NEW") else "N"
        if semantics not in ("P", before) and not self.quirks.closing_keeps_planned_date:
            row["CLOSEDATE"] = self.local_date(at)
        if semantics == "S":
            self._flag_return_customer(row)

    def _note_stage(self, deal: int, type_id: int, at: datetime) -> None:
        if self.history_since and at < self.history_since:
            return
        row = self.deals[deal]
        kept = {name: row[name] for name in ("CATEGORY_ID", "STAGE_SEMANTIC_ID", "STAGE_ID")}
        entry = self.history.add({"TYPE_ID": type_id, "OWNER_ID": deal, "CREATED_TIME": at} | kept)
        self._hang("history", "deal", deal, entry)

    def _join_client(self, deal: int) -> None:
        for client in _clients(self.deals[deal]):
            self._hang("deal", *client, deal)

    def _leave_client(self, deal: int) -> None:
        for client in _clients(self.deals[deal]):
            self._unhang("deal", *client, deal)

    def _flag_return_customer(self, won: Row) -> None:
        """Once a client has a win all its deals are flagged, older ones too, and DATE_MODIFY does not tell."""
        client = next(iter(_clients(won)), None)
        if client is None:
            return
        deals = [self.deals[each] for each in {*self._hanging("deal", *client), won["ID"]}]
        for row in deals:
            row["IS_RETURN_CUSTOMER"], row["IS_REPEATED_APPROACH"] = "Y", "N"
        first = min((row for row in deals if row["STAGE_SEMANTIC_ID"] == "S"), key=lambda row: row["ID"])
        first["IS_RETURN_CUSTOMER"] = "N"

    def edit_deal(self, deal: int, at: datetime | None = None, **fields: Any) -> None:
        """The deal's fields are these from then on; for a stage use `move`."""
        at, row = self._instant(at), self.deals[deal]
        self._leave_client(deal)
        _edit(row, at, fields)
        self._join_client(deal)

    # Leads

    def add_lead(
        self, title: str, *, stage: str = "NEW", manager: int = 1, at: datetime | None = None, **fields: Any
    ) -> int:
        """The id of a new lead."""
        at = self._instant(at)
        values = self._made(manager, at) | {
            "TITLE": title, "CURRENCY_ID": self.base_currency, "OPPORTUNITY": 0.0, "IS_MANUAL_OPPORTUNITY": "N",
            "COMPANY_ID": 0, "IS_RETURN_CUSTOMER": "N", "BIRTHDATE": "", "DATE_CLOSED": "",
            "HAS_PHONE": "Y", "HAS_EMAIL": "N", "HAS_IMOL": "N",
        }  # fmt: skip
        lead = self.leads.add(values | fields)
        self._stand_lead(lead, stage, at, 1)
        return lead

    def move_lead(self, lead: int, stage: str, at: datetime | None = None) -> None:
        """The lead stands on `stage` from then on."""
        at = self._instant(at)
        self.leads[lead]["DATE_MODIFY"] = max(at, self.leads[lead]["DATE_MODIFY"])
        self._stand_lead(lead, stage, at, 2)

    def _stand_lead(self, lead: int, stage: str, at: datetime, type_id: int) -> None:
        row, semantics = self.leads[lead], self._lead_semantics[stage]
        row["STATUS_ID"], row["STATUS_SEMANTIC_ID"], row["DATE_CLOSED"] = (
            stage,
            semantics,
            at if semantics != "P" else "",
        )
        row["MOVED_TIME"], row["MOVED_BY_ID"] = at, row["ASSIGNED_BY_ID"]
        self._note_lead_stage(lead, type_id if semantics == "P" else 3, at)

    def _note_lead_stage(self, lead: int, type_id: int, at: datetime) -> None:
        kept = {name: self.leads[lead][name] for name in ("STATUS_ID", "STATUS_SEMANTIC_ID")}
        entry = self.lead_history.add({"TYPE_ID": type_id, "OWNER_ID": lead, "CREATED_TIME": at} | kept)
        self._hang("history", "lead", lead, entry)

    def edit_lead(self, lead: int, at: datetime | None = None, **fields: Any) -> None:
        """The lead's fields are these from then on; for a stage use `move_lead`."""
        _edit(self.leads[lead], self._instant(at), fields)

    # Actions

    def add_activity(
        self,
        kind: str,
        *,
        owner: int,
        owner_type: OwnerType = "deal",
        manager: int | None = None,
        at: datetime | None = None,
        start: datetime | None = None,
        minutes: float = 5,
        deadline: datetime | None = None,
        direction: Direction = "none",
        done: bool = False,
        **fields: Any,
    ) -> int:
        """The id of a new activity, put into the CRM `at` for `start`; `kind` is a key of ACTIVITY_KINDS.

        Without `deadline` the year 9999 stands there; calls, meetings and sent letters carry their start instead.
        """
        at, manager = self._instant(at), manager or self._manager_of(owner_type, owner)
        values = self._activity(kind, at, self._instant(start) if start else at, minutes) | {
            "OWNER_ID": owner, "OWNER_TYPE_ID": OWNER_TYPES[owner_type], "DIRECTION": DIRECTIONS[direction],
            "RESPONSIBLE_ID": manager, "AUTHOR_ID": manager, "EDITOR_ID": manager,
        }  # fmt: skip
        if kind in _INCOMING_CHANNELS or (kind == "email" and direction == "in"):
            values["IS_INCOMING_CHANNEL"] = "Y"
        values["DEADLINE"] = self._deadline(values, deadline)
        if deadline and kind in ("todo", "task"):
            values["END_TIME"] = values["DEADLINE"]
        activity = self.activities.add(values | fields)
        self._hang("activity", OWNER_TYPES[owner_type], owner, activity)
        self._feel(owner_type, owner, at, manager)
        if done:
            self.complete(activity, at)
        return activity

    def _activity(self, kind: str, at: datetime, begins: datetime, minutes: float) -> Row:
        type_id, provider, provider_type = ACTIVITY_KINDS[kind]
        return _ACTIVITY_DEFAULTS | {
            "TYPE_ID": type_id, "PROVIDER_ID": provider, "PROVIDER_TYPE_ID": provider_type, "CREATED": at,
            "LAST_UPDATED": at, "START_TIME": begins, "END_TIME": begins + timedelta(minutes=minutes),
            "SETTINGS": {}, "PROVIDER_PARAMS": {},
        }  # fmt: skip

    def _deadline(self, values: Row, deadline: datetime | None) -> datetime:
        if values["IS_INCOMING_CHANNEL"] == "Y":
            return self._no_deadline
        if deadline:
            return self._instant(deadline)
        return values["START_TIME"] if values["TYPE_ID"] in (1, 2, 4) else self._no_deadline

    def add_call(
        self,
        *,
        owner: int,
        direction: Literal["in", "out"] = "out",
        seconds: int = 180,
        code: str = "200",
        at: datetime | None = None,
        **fields: Any,
    ) -> int:
        """The id of a telephone call's activity; telephony keeps the call as well. Code 200 is talked, 304 missed."""
        missed = code == "304"
        if missed:
            # A missed call waits for somebody to call back: an incoming channel, not completed.
            fields |= {"SETTINGS": {"MISSED_CALL": True}, "IS_INCOMING_CHANNEL": "Y"}
            fields |= {"DEADLINE": self._no_deadline}
        activity = self.add_activity(
            "call", owner=owner, direction=direction, done=not missed, at=at, minutes=seconds / 60, **fields
        )
        self._log_call(self.activities[activity], seconds, code)
        return activity

    def _log_call(self, activity: Row, seconds: int, code: str) -> None:
        owner_types = {number: name.upper() for name, number in OWNER_TYPES.items()}
        self.calls.add({
            "PORTAL_USER_ID": activity["RESPONSIBLE_ID"], "PORTAL_NUMBER": "reg100001", "PHONE_NUMBER": "+70000000000",
            "CALL_ID": f"demo.{activity['ID']}", "CALL_CATEGORY": "external", "CALL_DURATION": seconds,
            "CALL_START_DATE": activity["START_TIME"], "CALL_RECORD_URL": "", "COST": "0.0000", "COST_CURRENCY": "RUR",
            "CALL_FAILED_CODE": code, "CALL_FAILED_REASON": "",
            "CRM_ENTITY_TYPE": owner_types[activity["OWNER_TYPE_ID"]], "CRM_ENTITY_ID": activity["OWNER_ID"],
            "CRM_ACTIVITY_ID": activity["ID"], "TRANSCRIPT_PENDING": "N",
            "CALL_TYPE": 2 if activity["DIRECTION"] == 1 else 1,
        })  # fmt: skip

    def complete(self, activity: int, at: datetime | None = None, *, by_robot: bool = False) -> None:
        """The activity is done, by its manager or by a robot (STATUS 3)."""
        at, row = self._instant(at), self.activities[activity]
        row["COMPLETED"], row["STATUS"], row["LAST_UPDATED"] = "Y", 3 if by_robot else 2, at
        owner_type = next(name for name, number in OWNER_TYPES.items() if number == row["OWNER_TYPE_ID"])
        self._feel(owner_type, row["OWNER_ID"], at, row["RESPONSIBLE_ID"])

    def edit_activity(self, activity: int, at: datetime | None = None, **fields: Any) -> None:
        """The activity's fields are these from then on."""
        self.activities[activity].update({"LAST_UPDATED": self._instant(at)} | fields)

    def add_comment(
        self,
        text: str,
        *,
        owner: int,
        owner_type: OwnerType = "deal",
        manager: int | None = None,
        at: datetime | None = None,
    ) -> int:
        """The id of a new comment in somebody's timeline."""
        at, manager = self._instant(at), manager or self._manager_of(owner_type, owner)
        values = {"ENTITY_ID": owner, "ENTITY_TYPE": owner_type, "CREATED": at, "COMMENT": text, "AUTHOR_ID": manager}
        comment = self.comments.add(values)
        self._hang("comment", owner_type, owner, comment)
        self._feel(owner_type, owner, at, manager)
        return comment

    def comments_of(self, owner_type: str, owner: int) -> list[Row]:
        """The comments in one timeline, by id."""
        return [self.comments[comment] for comment in sorted(self._hanging("comment", owner_type, owner))]

    def edit_comment(self, comment: int, text: str) -> None:
        """The text is another; when it was changed is told nowhere."""
        self.comments[comment]["COMMENT"] = text

    def _table_of(self, owner_type: OwnerType) -> Table:
        return {"deal": self.deals, "lead": self.leads, "contact": self.contacts, "company": self.companies}[owner_type]

    def _manager_of(self, owner_type: OwnerType, owner: int) -> int:
        return self._table_of(owner_type)[owner]["ASSIGNED_BY_ID"]

    def _feel(self, owner_type: OwnerType, owner: int, at: datetime, by: int) -> None:
        """LAST_ACTIVITY_TIME only moves forward, and counts robots; DATE_MODIFY mostly does not move at all."""
        row = self._table_of(owner_type)[owner]
        if at > row["LAST_ACTIVITY_TIME"]:
            row["LAST_ACTIVITY_TIME"], row["LAST_ACTIVITY_BY"] = at, by
        if self.quirks.activities_stamp_deals:
            row["DATE_MODIFY"] = max(at, row["DATE_MODIFY"])


_ACTIVITY_DEFAULTS: Row = {
    "ASSOCIATED_ENTITY_ID": 0, "SUBJECT": "", "COMPLETED": "N", "STATUS": 1, "PRIORITY": 2, "NOTIFY_TYPE": 0,
    "NOTIFY_VALUE": 0, "DESCRIPTION": "", "DESCRIPTION_TYPE": 1, "LOCATION": "", "RESULT_MARK": 0, "RESULT_STATUS": 0,
    "RESULT_STREAM": 0, "AUTOCOMPLETE_RULE": 0, "IS_INCOMING_CHANNEL": "N",
}  # fmt: skip


def _pipeline_of(stage: str) -> int:
    return int(stage[1:].split(":")[0]) if ":" in stage else 0


def _clients(deal: Row) -> list[tuple[str, int]]:
    """Whose deal it is: the company's, else the primary contact's, else nobody's."""
    if deal["COMPANY_ID"]:
        return [("company", deal["COMPANY_ID"])]
    return [("contact", deal["CONTACT_ID"])] if deal["CONTACT_ID"] else []


def _edit(row: Row, at: datetime, fields: Row) -> None:
    row.update({"DATE_MODIFY": max(at, row["DATE_MODIFY"])} | fields)
