"""Invents a company: two years of a business that sells fireplaces and stone to other companies.

Each deal is told as a story first; then all stories are replayed in the order of time, so that ids rise and every trace
is left by `Company` itself. Nothing depends on anything but the arguments.
"""

import math
from datetime import date, datetime, time, timedelta
from functools import partial
from random import Random
from typing import Any

from . import words
from .company import LEAD_STAGES, Company
from .stories import SAMPLES, Customer, Manager, Story, Teller, by_time

_CURRENCY_WEIGHTS = {"RUB": 920, "USD": 25, "EUR": 28, "BYN": 8, "CNY": 9, words.UNPRICED: 10}
_RATES = {each.code: each.rate / each.count for each in words.CURRENCIES} | {words.UNPRICED: 0.18}
_SOURCE_WEIGHTS = {
    "UC_COLD": 33, "CALL": 14, "WEB": 12, "WEBFORM": 8, "EMAIL": 5, "ADVERTISING": 10, "PARTNER": 5,
    "RECOMMENDATION": 6, "TRADE_SHOW": 4, None: 3,
}  # fmt: skip
# How the odds of going on differ by source, at every stage.
_SOURCE_LUCK = {"RECOMMENDATION": 1.6, "PARTNER": 1.3, "CALL": 1.2, "UC_COLD": 0.85, "UC_MRAMOR": 0.8}
_INBOUND = {"CALL", "WEB", "WEBFORM", "EMAIL", "RECOMMENDATION"}
# Advertising stopped converting at this part of the time told.
_ADVERTISING_FADES, _FADED_LUCK = 0.6, 0.3
# Fireplaces are bought before winter.
_SEASONS = (0.65, 0.8, 0.9, 0.9, 0.85, 0.9, 0.9, 1.1, 1.4, 1.45, 1.25, 0.9)
_GROWTH_PER_MONTH = 1.012

# What is there to be found: one narrow place, one who acts much and one who acts little for the same sales, and so on.
_CHARACTERS: tuple[dict[str, Any], ...] = (
    {"odds": (1.2, 1.3, 1.6, 1.3, 1.2), "pace": 1.1, "check": 1.15, "load": 1.2},
    {"odds": (1.2, 1.2, 0.25, 1.0, 1.0), "pace": 1.2, "load": 1.4},
    {"pace": 1.7, "plans": 0.8, "forgets": 0.01},
    {"odds": (1.1, 1.1, 1.2, 1.1, 1.0), "pace": 0.6, "plans": 0.3},
    {"forgets": 0.13, "plans": 0.25, "pace": 0.7},
    {"odds": (0.7, 1.0, 1.1, 1.0, 1.0)},
    {"odds": (1.0, 1.0, 1.0, 1.0, 0.45), "check": 1.4},
    {"odds": (0.8, 0.8, 0.8, 0.9, 0.9), "load": 0.8},
    {"odds": (1.4, 1.2, 1.0, 1.0, 1.1)},
    {"check": 0.8},
    {"pace": 0.8},
    {"odds": (1.0, 0.7, 1.0, 1.0, 1.0), "load": 0.8},
    {"odds": (0.9, 1.0, 1.2, 1.0, 1.0)},
    {"pace": 0.9, "load": 0.6},
)
# Who left, by place in words.MANAGERS, and at which part of the time told.
_LEFT = {5: 0.55, 11: 0.8}
_TENDER_DEPARTMENT = "Тендерный отдел"
_TENDER_SHARE = 0.07


def invent(
    *,
    deals: int = 3000,
    seed: int = 1,
    today: date,
    months: int = 26,
    managers: int = 14,
    time_zone: str = "Europe/Moscow",
    leads: bool = False,
) -> Company:
    """A company of that size as it stands at 00:05 on `today`, the same for the same arguments."""
    inventor = _Inventor(Random(seed), datetime.combine(today, time(0, 5)), months, time_zone, leads)
    inventor.found()
    inventor.hire(managers)
    inventor.tell(deals)
    return inventor.replay()


class _Inventor:
    def __init__(self, random: Random, now: datetime, months: int, time_zone: str, leads: bool) -> None:
        self._random, self._now = random, now
        self._start = now - timedelta(days=round(months * 30.44))
        self._company = Company(
            now=now,
            time_zone=time_zone,
            uses_leads=leads,
            # Stage history is younger than the company: the first deals have none, or only its end.
            history_since=self._start + timedelta(days=30),
        )
        self._teller = Teller(self._company, random, now, self._part(0.5))
        self._managers: list[Manager] = []
        self._tender_managers: list[Manager] = []
        self._stories: list[Story] = []
        self._winners: list[Story] = []

    def _part(self, share: float) -> datetime:
        """The working moment at that share of the time told."""
        moment = self._start + (self._now - self._start) * share
        return moment.replace(hour=11, minute=0, second=0, microsecond=0)

    # The company before its first deal

    def found(self) -> None:
        """Pipelines, dictionaries, currencies; the director has the id 1 and owns the webhook."""
        company = self._company
        company.now = self._start
        company.add_pipeline("Sales", words.SALES, sort=100)
        company.add_pipeline("Тендеры", words.TENDERS, sort=200)
        company.add_lead_stages(LEAD_STAGES)
        for source, name in words.SOURCES.items():
            company.add_source(source, name)
        for currency in words.CURRENCIES:
            company.add_currency(currency)
        for field in words.DEAL_FIELDS:
            company.add_field("deal", *field)
        for field in words.COMPANY_FIELDS:
            company.add_field("company", *field)
        company.add_company("Очаг и Камень", IS_MY_COMPANY="Y")
        root = company.add_department(words.DEPARTMENTS[0], head=1)
        name, last_name, position = words.HEAD
        company.add_user(name, last_name, departments=[root], WORK_POSITION=position)
        self._teller.say(self._part(0.5) + timedelta(hours=1), partial(company.delete_stage, SAMPLES))

    def hire(self, managers: int) -> None:
        """Departments in three levels, and the managers in them."""
        _, sales, *teams = words.DEPARTMENTS
        company = self._company
        parent = company.add_department(sales, parent=1, head=1)
        departments = {team: company.add_department(team, parent=parent) for team in teams}
        for place, (team, name, last_name) in enumerate(words.MANAGERS[: max(managers, 1)]):
            self._hire(place, departments[team], name, last_name, is_tender=team == _TENDER_DEPARTMENT)

    def _hire(self, place: int, department: int, name: str, last_name: str, *, is_tender: bool) -> None:
        row = self._company.departments[department]
        also = [2] if place == 8 else []
        user = self._company.add_user(
            name, last_name, departments=[department, *also], WORK_POSITION="Менеджер по продажам", ID=5 + 2 * place
        )
        row["UF_HEAD"] = row["UF_HEAD"] or user
        until = self._part(_LEFT[place]) if place in _LEFT else None
        manager = Manager(user, until=until, **_CHARACTERS[place % len(_CHARACTERS)])
        (self._tender_managers if is_tender else self._managers).append(manager)
        if until:
            self._teller.say(until, partial(self._company.dismiss, user))

    # Deals

    def tell(self, deals: int) -> None:
        """All the stories, from the first deal born to the last."""
        for begins, source in self._births(deals):
            self._stories.append(self._story(begins, source))
        self._make_hostile()
        for story in self._stories:
            self._give_customer(story)
            self._teller.tell(story)
            self._hand_over(story)
            if self._company.uses_leads and story.fields["SOURCE_ID"] in _INBOUND:
                self._lead_before(story)
            if story.won_at and story.won_at < story.horizon:
                self._winners.append(story)
        self._tell_oddities()

    def _births(self, deals: int) -> list[tuple[datetime, str | None]]:
        """When deals are created and where they come from: one by one on working days, or as an imported base."""
        partner = deals // 30
        cold = deals // 5
        born = [(self._part(0.55) + timedelta(seconds=4 * n), "UC_MRAMOR") for n in range(partner)]
        for n in range(cold):
            import_day = self._teller.calendar.working(self._part((0.5 + n * 7 // cold) / 7.2))
            born.append((import_day + timedelta(seconds=3 * (n % (cold // 7 + 1))), "UC_COLD"))
        moments = self._moments(deals - len(born))
        sources = self._random.choices(list(_SOURCE_WEIGHTS), list(_SOURCE_WEIGHTS.values()), k=len(moments))
        return sorted([*born, *zip(moments, sources, strict=True)], key=lambda birth: birth[0])

    def _moments(self, many: int) -> list[datetime]:
        span = (self._now - self._start).days
        days = [self._start + timedelta(days=n) for n in range(span)]
        days = [day for day in days if not self._teller.calendar.is_free(day)]
        weights = [_SEASONS[day.month - 1] * _GROWTH_PER_MONTH ** ((day - self._start).days / 30) for day in days]
        return [self._office_hour(day) for day in self._random.choices(days, weights, k=many)]

    def _office_hour(self, day: datetime) -> datetime:
        seconds = int(self._random.triangular(9 * 3600, 18.5 * 3600, 12 * 3600))
        return datetime.combine(day.date(), time()) + timedelta(seconds=seconds)

    def _story(self, begins: datetime, source: str | None) -> Story:
        is_tender = bool(self._tender_managers) and source != "UC_MRAMOR" and self._random.random() < _TENDER_SHARE
        manager = self._manager(begins, self._tender_managers if is_tender else self._managers)
        luck = _SOURCE_LUCK.get(source or "", 1.0) * math.exp(self._random.gauss(0, 0.3))
        if source == "ADVERTISING" and begins > self._part(_ADVERTISING_FADES):
            luck *= _FADED_LUCK
        stage = "C1:NEW" if is_tender else self._first_stage(source)
        fields = self._money(manager, 4.0 if is_tender else 1.0) | self._origin(begins, source)
        return Story(self._title(), begins, stage, manager, Customer(), self._horizon(manager), luck, fields=fields)

    def _manager(self, moment: datetime, among: list[Manager]) -> Manager:
        people = [manager for manager in among or self._tender_managers if not manager.until or moment < manager.until]
        return self._random.choices(people, [manager.load for manager in people])[0]

    def _horizon(self, manager: Manager) -> datetime:
        return min(self._now, manager.until or self._now)

    def _first_stage(self, source: str | None) -> str:
        if source not in _INBOUND:
            return "NEW"
        return self._random.choices(("NEW", "UC_WORK01", "PREPARATION", "WON"), (35, 52, 12, 1))[0]

    def _money(self, manager: Manager, scale: float) -> dict[str, Any]:
        """Roubles around 200,000 with a long tail; a few deals are in other currencies, a few carry no sum."""
        currency = self._random.choices(list(_CURRENCY_WEIGHTS), list(_CURRENCY_WEIGHTS.values()))[0]
        roubles = 175_000 * scale * manager.check * math.exp(self._random.gauss(0, 0.75))
        money = 0.0 if self._random.random() < 0.04 else float(round(roubles / _RATES[currency], -2))
        area = f"{self._random.randint(3, 900)} м²" if self._random.random() < 0.3 else None
        return {"OPPORTUNITY": money, "CURRENCY_ID": currency, "UF_CRM_1712044800123": area}

    def _origin(self, begins: datetime, source: str | None) -> dict[str, Any]:
        creator = source in ("UC_COLD", "UC_MRAMOR")
        close_on = begins.date() + timedelta(days=self._random.randint(20, 90))
        utm = {"UTM_SOURCE": "yandex", "UTM_MEDIUM": "cpc"} if source == "ADVERTISING" else {}
        return {"SOURCE_ID": source, "CLOSEDATE": close_on} | ({"CREATED_BY_ID": 1} if creator else {}) | utm

    def _title(self) -> str:
        product = self._random.choice(words.PRODUCTS).format(n=self._random.randint(2, 400))
        return f"{product} — {self._random.choice(words.CITIES)}" if self._random.random() < 0.6 else product

    def _make_hostile(self) -> None:
        """Hostile titles, spread over the later deals."""
        many = len(self._stories)
        for n, title in enumerate(words.HOSTILE_TITLES):
            if many > 2 * len(words.HOSTILE_TITLES):
                self._stories[many - 1 - n * many // (2 * len(words.HOSTILE_TITLES))].title = title

    # Customers

    def _give_customer(self, story: Story) -> None:
        """Somebody who has bought before comes back more readily; most are new firms."""
        chosen = self._random.choice(self._winners) if self._winners and self._random.random() < 0.2 else None
        if chosen and chosen.won_at < story.begins and story.fields["SOURCE_ID"] != "UC_MRAMOR":
            story.customer, story.luck = chosen.customer, story.luck * 1.7
        else:
            story.customer = self._new_customer()

    def _new_customer(self) -> Customer:
        has_firm, has_person = self._random.choices(
            ((True, True), (True, False), (False, True), (False, False)), (52, 37, 8, 3)
        )[0]
        return Customer(self._firm() if has_firm else "", self._person() if has_person else None)

    def _firm(self) -> str:
        if self._random.random() < 0.003:
            return words.HOSTILE_COMPANY
        form, word, ending = map(self._random.choice, (words.COMPANY_FORMS, words.COMPANY_WORDS, words.COMPANY_ENDINGS))
        return form.format(f"{word}-{ending}")

    def _person(self) -> tuple[str, str]:
        if self._random.random() < 0.002:
            return words.HOSTILE_CONTACT
        return self._random.choice(words.FIRST_NAMES), self._random.choice(words.LAST_NAMES)

    # What does not happen to every deal

    def _hand_over(self, story: Story) -> None:
        """Of a manager who left, half the deals get another owner and lie there."""
        until = story.manager.until
        if until and self._random.random() < 0.5:
            heir = self._manager(until, self._managers).id
            self._teller.say(until + timedelta(minutes=30), self._reassign, story, heir)

    def _reassign(self, story: Story, heir: int) -> None:
        if self._company.deals[story.deal]["CLOSED"] == "N":
            self._company.edit_deal(story.deal, ASSIGNED_BY_ID=heir, MODIFY_BY_ID=1)

    def _lead_before(self, story: Story) -> None:
        begins = self._teller.calendar.working(story.begins - timedelta(hours=self._random.randint(4, 80)))
        if begins < story.begins:
            self._teller.say(begins, self._add_lead, story)
            self._teller.say(story.begins - timedelta(seconds=1), self._convert, story)

    def _add_lead(self, story: Story) -> None:
        story.lead = self._company.add_lead(story.title, manager=story.manager.id, SOURCE_ID=story.fields["SOURCE_ID"])

    def _convert(self, story: Story) -> None:
        self._company.move_lead(story.lead, "CONVERTED")

    def _idle_lead(self, stage: str, source: str) -> None:
        lead = self._company.add_lead("Заявка", manager=self._random.choice(self._managers).id, SOURCE_ID=source)
        if stage != "NEW":
            self._company.move_lead(lead, stage)

    def _tell_oddities(self) -> None:
        """A recurring template, closing dates that people edited, creation dates that an import script got wrong."""
        say = self._teller.say
        say(self._part(0.2), self._add_template)
        say(self._now - timedelta(hours=9), self._spoil_dates)
        if self._company.uses_leads:
            for moment in self._moments(len(self._stories) // 3):
                stage = self._random.choices(("NEW", "IN_PROCESS", "JUNK"), (25, 20, 55))[0]
                say(moment, self._idle_lead, stage, self._random.choice(sorted(_INBOUND)))

    def _add_template(self) -> None:
        self._company.add_deal("Обслуживание каминов, ежемесячно", IS_RECURRING="Y", OPPORTUNITY=15_000.0)

    def _spoil_dates(self) -> None:
        won = [story for story in self._winners if story.won_at < self._now - timedelta(days=9)]
        for story in won[10::40][:6]:
            closed_on = self._company.deals[story.deal]["BEGINDATE"] - timedelta(days=3)
            self._company.edit_deal(story.deal, CLOSEDATE=closed_on)
        for story in won[25::90][:3]:
            late = self._company.deals[story.deal]["MOVED_TIME"] + timedelta(days=2)
            self._company.edit_deal(story.deal, DATE_CREATE=late)

    def replay(self) -> Company:
        """The company after everything has happened."""
        for moment, _, action, args in by_time(self._teller.steps):
            self._company.now = moment
            action(*args)
        self._company.now = self._now
        self._fill_fields(Random(len(self._stories)))
        self._company.sells = True
        return self._company

    def _fill_fields(self, random: Random) -> None:
        """Values of the company's own fields, drawn apart: nothing else depends on them. One deal in eight has no region."""
        regions = [id for _name, _kind, _label, options in words.DEAL_FIELDS[:1] for id, _text in options]
        segments = [id for _name, _kind, _label, options in words.COMPANY_FIELDS for id, _text in options]
        for row in self._company.deals:
            row |= {
                "UF_CRM_REGION": random.choices([*regions, None], (4, 2, 1.5, 1, 1.2))[0],
                "UF_CRM_SCORE": float(random.randint(0, 100)) if random.random() < 0.8 else None,
                "UF_CRM_BUDGET": f"{random.randint(5, 90) * 10_000}|{row['CURRENCY_ID']}"
                if random.random() < 0.6
                else "",
                "UF_CRM_DELIVERY": row["CLOSEDATE"] + timedelta(days=random.randint(5, 60)),
                "UF_CRM_MEASURED": random.random() < 0.4,
            }
        for row in self._company.companies:
            row["UF_CRM_SEGMENT"] = random.choice([*segments, None])
