"""What was true of every deal at an instant, rebuilt from stage history."""

from collections.abc import Sequence

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table, TimestampScalar

from .moves import CLOSED
from .open import Store


def deal_facts(store: Store, moves: Table, as_of: TimestampScalar, base_currency: str) -> Table:
    """One row per deal that existed at `as_of`: where it stood, how and when it had ended, its money and customer."""
    deals = store.table("deals")
    deals = deals.filter(deals.created_at.isnull() | (deals.created_at < as_of))
    known = deals.left_join(_standing(moves), "deal_id").drop("deal_id_right")
    known = known.left_join(_ever_moved(store), "deal_id").drop("deal_id_right")
    return _customers(_priced(store, _as_it_stood(known, as_of), base_currency))


def _standing(moves: Table) -> Table:
    order = [moves.at, moves.history_id]
    return moves.group_by("deal_id").aggregate(
        last_stage_id=moves.stage_id.last(order_by=order),
        last_pipeline_id=moves.pipeline_id.last(order_by=order),
        last_outcome=moves.outcome.last(order_by=order),
        last_at=moves.at.max(),
        was_closed=moves.outcome.isin(CLOSED).any(),
        closing_added=moves.is_added.any(),
    )


def _ever_moved(store: Store) -> Table:
    history = store.table("stage_history")
    return history.group_by("deal_id").aggregate(first_entry_at=history.at.min())


def _as_it_stood(deals: Table, as_of: TimestampScalar) -> Table:
    """Stage, outcome and closing instant: the last entry before as_of; without history, what the deal itself says."""
    has_history = deals.last_at.notnull()
    closing = deals.moved_at.coalesce(deals.closed_at)
    # Without an entry before as_of the present stage holds, unless the deal closed or first moved only later.
    later = deals.first_entry_at.notnull() | (deals.outcome.isin(CLOSED) & (closing >= as_of).fill_null(False))
    outcome = ibis.cases((has_history, deals.last_outcome), (later, "open"), else_=deals.outcome)
    is_closed = outcome.isin(CLOSED)
    return deals.mutate(
        has_history=has_history,
        outcome=outcome,
        stage_id=ibis.cases((has_history, deals.last_stage_id), (later, ibis.null(str)), else_=deals.stage_id),
        pipeline_id=ibis.ifelse(has_history, deals.last_pipeline_id.coalesce(deals.pipeline_id), deals.pipeline_id),
        closed_at=ibis.cases((~is_closed, ibis.null("timestamp('UTC')")), (has_history, deals.last_at), else_=closing),
        is_reopened=(outcome == "open") & deals.was_closed.fill_null(False),
        closing_added=deals.closing_added.fill_null(False),
    ).drop("last_stage_id", "last_pipeline_id", "last_outcome", "last_at", "was_closed", "first_entry_at")


def _priced(store: Store, deals: Table, base_currency: str) -> Table:
    """Money in the base currency at the rate the portal gives now; null where there is no rate."""
    rates = store.table("currencies")
    base_rate = rates.filter(rates.currency == base_currency).rate.max().as_scalar()
    rates = rates.select(rate_of="currency", rate=rates.rate / ibis.coalesce(base_rate, 1.0))
    priced = deals.mutate(currency=_or_else(deals.currency, base_currency))
    priced = priced.left_join(rates, priced.currency == rates.rate_of)
    rate = ibis.ifelse(priced.currency == base_currency, 1.0, priced.rate)
    return priced.mutate(money=priced.amount * rate, is_priced=rate.notnull()).drop("rate", "rate_of")


def _or_else(text: StringValue, instead: str) -> StringValue:
    return ibis.ifelse(text.isnull() | (text == ""), instead, text)


def _customers(deals: Table) -> Table:
    company, contact = "company:" + deals.company_id, "contact:" + deals.contact_id
    return deals.mutate(customer_id=company.coalesce(contact))


def with_repeat(facts: Table) -> Table:
    """The facts with `is_repeat`: true on a won deal whose customer had won before, false on a first win, null else.

    Over the whole company and its whole history, whatever the filters. Ties: by instant, then by id.
    """
    won = facts.filter((facts.outcome == "won") & facts.customer_id.notnull())
    # Bitrix24's ids are numbers written as text: "9" comes before "10".
    order = [won.closed_at.asc(nulls_first=True), won.deal_id.try_cast("int64"), won.deal_id]
    place = ibis.row_number().over(group_by="customer_id", order_by=order)
    ranked = won.select(ranked_id="deal_id", is_repeat=place > 0)
    return facts.left_join(ranked, facts.deal_id == ranked.ranked_id).drop("ranked_id")


def in_slice(
    facts: Table, *, pipeline: Sequence[str], manager: Sequence[str] | None, source: Sequence[str]
) -> BooleanValue:
    """Which deals the filters keep; nothing chosen keeps all."""
    kept = ibis.literal(True)
    for column, ids in (("pipeline_id", pipeline), ("source_id", source)):
        kept = kept & facts[column].isin(ids) if ids else kept
    return kept if manager is None else kept & facts.manager_id.isin(manager)
