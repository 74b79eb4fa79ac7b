"""The portal: is it reached, whose is the webhook, what may it read, do the clocks agree, is the CRM set up to report on."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import SecretStr

from ...errors import PortalError
from ...settings import Settings
from ...sources.bitrix24 import probe, tables
from ...sources.bitrix24.client import Client
from ...sources.bitrix24.pace import Pace
from ...sources.bitrix24.reading import LOST, SCOPES, begin
from ...sources.bitrix24.refusals import AuthError, Passing
from ...words.texts import _, many
from ...words.units import span
from .check import Check, State, safely

ATTEMPTS = 2
# A clock that is further off than this is not kept by anybody.
DRIFT_SECONDS = 60

Replies = Mapping[str, probe.Reply]


def checks(settings: Settings, webhook: SecretStr, portal_url: str | None, pace: Pace) -> Iterator[Check]:
    with Client(webhook, pace=pace, attempts=ATTEMPTS, limits=settings.limits) as client:
        first = list(_answer(client, portal_url))
        yield from first
        if any(check.state == "broken" for check in first):
            return
        yield from safely(_owner, client, name=_("Webhook"))
        yield from safely(_plan, client, name=_("Plan"))
        yield from safely(_clock, client, settings, name=_("Clock"))
        yield from safely(_survey, client, settings, name=_("Tables"))


def _survey(client: Client, settings: Settings) -> Iterator[Check]:
    replies = probe.survey(client)
    rights = tables.scopes(replies["scope"])
    yield from safely(_scopes, rights, settings, name=_("Rights"))
    yield from safely(_tables, replies, rights, name=_("Tables"))
    yield from safely(_leads, replies, name=_("Leads"))
    yield from safely(_pipelines, client, replies, name=_("Pipelines"))
    yield from safely(_currencies, replies, settings, name=_("Currencies"))


def _answer(client: Client, portal_url: str | None) -> Iterator[Check]:
    """The portal's line, and the webhook's when the portal will have nothing of it."""
    url = portal_url or client.portal_url
    try:
        begin(client)
    except AuthError as error:
        yield Check(_("Portal"), "ok", _("{url} answers", url=url))
        yield Check(_("Webhook"), "broken", str(error))
    except Passing as error:
        yield Check(_("Portal"), "broken", str(error), _remedy(client.portal_url))
    except PortalError as error:
        yield Check(_("Portal"), "broken", str(error))
    else:
        yield Check(_("Portal"), "ok", _("{url} answers", url=url))


def _remedy(url: str) -> str:
    return _(
        "See whether this machine reaches {host}: network, DNS, proxy (HTTPS_PROXY), firewall, certificates; and whether "
        "the host in CRM_REPORTS_WEBHOOK is right.",
        host=urlsplit(url).netloc,
    )


def _owner(client: Client) -> Iterator[Check]:
    owner = probe.owner(client)
    sentence = _("it is accepted; it belongs to {name} (user {id})", name=owner.name or "—", id=owner.id)
    if owner.is_admin:
        yield Check(_("Webhook"), "ok", f"{sentence}, {_('an administrator')}")
        return
    remedy = _("It shows only what this person may see. Let an administrator make the webhook.")
    yield Check(_("Webhook"), "look", f"{sentence}, {_('no administrator')}", remedy)


def _scopes_needed(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The scopes, each with those that do in its place; that of the catalogue where products are read."""
    needed = {scopes[0]: scopes for step, scopes in SCOPES.items() if step != "products" or settings.products.read}
    return {"crm": ("crm",)} | needed


def _scopes(rights: set[str] | None, settings: Settings) -> Iterator[Check]:
    if rights is None:
        yield Check(_("Rights"), "look", _("the portal does not tell what the webhook may do"))
        return
    needed = _scopes_needed(settings)
    for scope, any_of in needed.items():
        if rights.isdisjoint(any_of):
            state: State = "broken" if scope == "crm" else "look"
            yield Check(_("Rights"), state, _loss(scope), _("Add the scope {scope!r} to the webhook.", scope=scope))
    useful = sorted(rights & {scope_name for any_of in needed.values() for scope_name in any_of})
    yield Check(_("Rights"), "ok", _("granted: {scopes}", scopes=", ".join(useful) or _("nothing")))
    if needless := sorted(rights - set(useful)):
        sentence = _("granted and not needed: {scopes}", scopes=", ".join(needless))
        yield Check(
            _("Rights"), "look", sentence, _("What a webhook may not do, it can't be misused for: take them away.")
        )


def _loss(scope: str) -> str:
    losses = [LOST[step] for step, any_of in SCOPES.items() if any_of[0] == scope]
    if not losses:
        return _("without the scope {scope!r} there is nothing to report on", scope=scope)
    words = "; ".join(_(text) for text in losses)
    return _("without the scope {scope!r} the reports lack: {lost}", scope=scope, lost=words)


def _plan(client: Client) -> Iterator[Check]:
    plan = probe.plan(client)
    pace = _("5 requests a second") if probe.is_enterprise(plan) else _("2 requests a second")
    yield Check(
        _("Plan"), "ok", f"{plan}: {pace}" if plan else _("the portal does not tell it; 2 requests a second are safe")
    )


def _clock(client: Client, settings: Settings) -> Iterator[Check]:
    clock = probe.clock(client)
    if settings.source.kind != "demo":  # an invented company has its own today
        yield _drift(clock)
    clock_here = clock.at.astimezone(settings.zone)
    words = {"there": _offset(clock.offset), "zone": settings.time_zone, "here": _offset(clock_here.utcoffset())}
    if clock_here.utcoffset() == clock.offset:
        yield Check(_("Time zone"), "ok", _("the portal and {zone} are both at {here}", **words))
        return
    sentence = _("the portal writes times at {there}, and {zone} is at {here}", **words)
    remedy = _(
        "Days in the reports begin in {zone}. Correct time_zone, unless that is where the company works.", **words
    )
    yield Check(_("Time zone"), "look", sentence, remedy)


def _offset(offset: timedelta) -> str:
    seconds = offset.total_seconds()
    hours, minutes = divmod(round(abs(seconds) / 60), 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"


def _drift(clock: probe.Clock) -> Check:
    # A portal tells whole seconds, and nobody knows when in the question's time it looked.
    if abs(clock.ahead) <= 1 + clock.took:
        return Check(_("Clock"), "ok", _("it agrees with the portal's to the second"))
    words = {"drift": span(clock.ahead)}
    slow, fast = (
        _("it is {drift} slow against the portal's", **words),
        _("it is {drift} fast against the portal's", **words),
    )
    sentence = slow if clock.ahead > 0 else fast
    if abs(clock.ahead) <= DRIFT_SECONDS:
        return Check(_("Clock"), "ok", sentence)
    return Check(_("Clock"), "look", sentence, _("Let this machine's clock be set over the network (NTP)."))


def _tables(replies: Replies, rights: set[str] | None) -> Iterator[Check]:
    """What can't be read though the webhook has the right to."""
    refusals = {table: error for table, error in probe.refusals(replies).items() if _is_granted(table, rights)}
    for table, error in refusals.items():
        if table != "calls":
            state: State = "broken" if table == "deals" else "look"
            yield Check(_("Tables"), state, f"{table}: {error}", _reports_lack(table))
    if not refusals.keys() - {"calls"}:
        yield Check(_("Tables"), "ok", _("whatever the webhook may read answers"))
    if _is_granted("calls", rights):
        yield _telephony(refusals.get("calls"))


def _is_granted(table: str, rights: set[str] | None) -> bool:
    return rights is None or not rights.isdisjoint(SCOPES.get(table, ("crm",)))


def _reports_lack(table: str) -> str:
    return _("Without it the reports lack: {lost}.", lost=_(LOST[table]) if table in LOST else _("everything"))


def _telephony(refusal: PortalError | None) -> Check:
    if refusal is None:
        return Check(_("Telephony"), "ok", _("calls can be read: those that nobody answered are told apart"))
    if probe.is_unknown(refusal):
        return Check(_("Telephony"), "ok", _("the portal has none of its own"))
    return Check(_("Telephony"), "look", str(refusal), _reports_lack("calls"))


def _leads(replies: Replies) -> Iterator[Check]:
    mode = replies["lead_mode"]
    uses = not probe.is_unknown(mode) and tables.uses_leads(probe.answer(mode))
    sentence = _("the portal works with leads") if uses else _("the portal works without leads")
    yield Check(_("Leads"), "ok", sentence)


def _pipelines(client: Client, replies: Replies) -> Iterator[Check]:
    funnels = probe.funnels(client, replies)
    for name, stages in funnels:
        if not any(stage["outcome"] == "won" for stage in stages):
            sentence = _("no stage of the pipeline {name!r} is a won one: nothing in it can be won", name=name)
            yield Check(
                _("Pipelines"), "look", sentence, _("Give the webhook's owner the right to see it, or the stage back.")
            )
    stages = many("{n} stage", "{n} stages", sum(len(stages) for _name, stages in funnels))
    sentence = many("{n} pipeline with {stages}", "{n} pipelines with {stages}", len(funnels), stages=stages)
    yield Check(_("Pipelines"), "ok" if funnels else "broken", sentence)


def _currencies(replies: Replies, settings: Settings) -> Iterator[Check]:
    rates = tables.currencies(probe.answer(replies["currencies"]))
    codes = [row["currency"] for row in rates]
    base = next((row["currency"] for row in rates if row["is_base"]), "—")
    own_base = settings.base_currency
    sentence = _("{base} is the portal's base; it has {codes}", base=base, codes=", ".join(codes) or _("nothing"))
    if own_base and own_base not in codes:
        remedy = _("Add {code} to the portal's currencies, or take base_currency out of reports.toml.", code=own_base)
        yield Check(
            _("Currencies"),
            "broken",
            _("{found}; no {code}, which reports.toml asks for", found=sentence, code=own_base),
            remedy,
        )
    elif lacking := [row["currency"] for row in rates if not row["rate"]]:
        remedy = _("Give each a rate in the CRM's settings: deals in it are counted and not priced.")
        yield Check(
            _("Currencies"),
            "look",
            _("{found}; without a rate: {codes}", found=sentence, codes=", ".join(lacking)),
            remedy,
        )
    else:
        yield Check(_("Currencies"), "ok", sentence)
