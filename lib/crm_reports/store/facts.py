"""What was true of every deal at an instant, rebuilt from stage history."""

from .versions import first_seen

# One row per deal that existed at as_of, with the columns of `deals`: where it stood, how and when it had ended, its money.
#
# Stage, outcome and closing instant: the last entry before as_of; without history, what the deal itself says, unless it
# closed or first moved only later. A closing that somebody planned for after the sync was at the first sync that saw it.
# Money is in the base currency at the rate the portal gives; null where there is none.
DEALS_STOOD = f"""
    with standing as (
        select deal_no, coalesce(bool_or(outcome in ('won', 'lost')), false) as was_closed,
            bool_or(is_added and outcome != 'open' and outcome_before = 'open') as closing_added,
            bool_or(is_added and (outcome = 'open' or outcome_before != 'open')) as is_outvoted, max(entry.at) filter (where is_visit) as stage_since_at,
            min(entry.at) filter (where place > 1) as first_move_at, max(entry.at) filter (where place > 1) as last_move_at
        from entries as entry group by deal_no
    ),
    last as (
        select deal_no, stage_id as last_stage_id, pipeline_id as last_pipeline_id, outcome as last_outcome,
            entry.at as last_at
        from entries as entry where next_at is null
    ),
    backwards as (
        select distinct deal_no from entries as entry join funnel as here on entry.stage_id = here.stage_id
        join funnel as before on stage_before = before.stage_id
        where here.step < before.step and entry.pipeline_id is not distinct from pipeline_before
    ),
    unmoved as (select deal_id from numbered anti join last using (deal_no)),
    moved_later as (
        select distinct deal_id from stage_history as entry semi join unmoved using (deal_id)
        where entry.at < known_until()
    ),
    rates as (
        select currency, rate / coalesce((select max(rate) from currencies where currency = base_currency()), 1.0) as rate
        from currencies
    ),
    ahead as (
        select deal_id, outcome, created_at as since_at, coalesce(moved_at, closed_at) as planned_at from deals
        where outcome in ('won', 'lost') and coalesce(moved_at, closed_at) > (select min(synced_at) from syncs)
    ),
    seen as ({first_seen("ahead", "deals_versions", "deal_id", ("outcome",))}),
    closings as (
        select deals.deal_id, no_later(no_sooner(coalesce(moved_at, closed_at), created_at), seen_at) as told_closed_at,
            planned_at > seen_at as is_closing_ahead
        from deals left join ahead using (deal_id) left join seen using (deal_id)
        where deals.outcome in ('won', 'lost') and coalesce(moved_at, closed_at) is not null
    ),
    told as (
        select deals.* replace (if(coalesce(currency, '') = '', base_currency(), currency) as currency),
            told_closed_at, last_at is not null as has_history,
            moved_later.deal_id is not null or coalesce(told_closed_at >= as_of(), false) as is_later,
            last_at is null and coalesce(is_closing_ahead, false) as is_closing_ahead,
            last.* exclude (deal_no), standing.* exclude (deal_no), backwards.deal_no is not null as went_back, deal_no
        from deals join numbered using (deal_id) left join last using (deal_no) left join standing using (deal_no)
        left join moved_later using (deal_id) left join backwards using (deal_no) left join closings using (deal_id)
    ),
    stood as (
        select * replace (
            case when has_history then last_outcome when is_later then 'open' else outcome end as outcome,
            case when has_history then last_stage_id when not is_later then stage_id end as stage_id,
            if(has_history, coalesce(last_pipeline_id, pipeline_id), pipeline_id) as pipeline_id
        ) from told
    ),
    ended as (
        select stood.* replace (
            case when outcome not in ('won', 'lost') then null when has_history then last_at else told_closed_at end
                as closed_at
        ) from stood
    )
    select ended.*, outcome = 'open' and coalesce(was_closed, false) as is_reopened,
        amount * if(ended.currency = base_currency(), 1.0, rate) as money,
        if(ended.currency = base_currency(), 1.0, rate) is not null as is_priced,
        coalesce('company:' || company_id, 'contact:' || contact_id) as customer_id
    from ended left join rates on ended.currency = rates.currency
"""

# How each deal stood, and whose it was: what two instants are compared by.
STANDINGS = """
    select deal_id, outcome, money, created_at, coalesce(manager_id, '') as manager_id,
        coalesce(pipeline_id, '') as pipeline_id, coalesce(source_id, '') as source_id
    from deals_stood order by deal_no
"""

# The first instant of anything that is counted: a deal or lead that came or ended, or what somebody did.
FIRST_ROW = """
    select least(
        (select min(least(created_at, closed_at)) from deal_facts), (select min(least(created_at, closed_at)) from lead_facts),
        (select min(sign.at) from signs as sign where is_action)
    ) as at
"""

# All that a report says of a deal: how it stood, its customer, its last sign of life and its next step. An absent id is ''.
# Without history a deal stands where it is since its last move or, as far as anybody knows, its creation.
#
# is_repeat: true on a won deal whose customer had won before, false on a first win, null else; over the whole company
# and its whole history. Ties: by instant, then by id (Bitrix24's ids are numbers written as text: "9" is before "10").
DEAL_FACTS = """
    with valued as materialized (select * from deals_stood),
    homes as (
        select manager_id, arg_min(department_id, coalesce(position, 1000000)) as department_id
        from manager_departments group by manager_id
    ),
    wins as (
        select deal_id, customer_id, closed_at, row_number() over (
            partition by customer_id order by closed_at nulls first, try_cast(deal_id as bigint), deal_id
        ) > 1 as is_repeat
        from valued where outcome = 'won' and customer_id is not null
    ),
    first_wins as (select customer_id, min(closed_at) as first_won_at from wins group by customer_id)
    select valued.* exclude (
            manager_id, pipeline_id, source_id, stage_id, customer_id, closing_added, is_outvoted, was_closed, is_later,
            told_closed_at, last_stage_id, last_pipeline_id, last_outcome, last_at, first_move_at, last_move_at, stage_since_at
        ),
        coalesce(stage_since_at, if(moved_at < as_of(), moved_at, null), created_at) as stage_since_at,
        coalesce(valued.manager_id, '') as manager_id, coalesce(homes.department_id, '') as department_id,
        coalesce(pipeline_id, '') as pipeline_id, coalesce(source_id, '') as source_id,
        coalesce(stage_id, '') as stage_id, coalesce(valued.customer_id, '') as customer_id,
        case when valued.customer_id is null then 'none'
             when coalesce(is_repeat, coalesce(first_won_at < coalesce(valued.closed_at, as_of()), false)) then 'repeat'
             else 'new' end as customer_kind_id,
        coalesce(if(company_id is null, contacts.name, companies.name), '') as customer,
        coalesce(closing_added, false) as closing_added, coalesce(is_outvoted, false) as is_outvoted, is_repeat,
        least(first_heard_at, first_move_at) as first_action_at, greatest(heard_at, last_move_at) as last_action_at,
        if(last_move_at < heard_at or last_move_at is null, heard_kind, 'stage_move') as last_action_kind,
        next_step_at, coalesce(traces.has_next_step, false) as has_next_step
    from valued left join wins using (deal_id)
    left join first_wins on valued.customer_id = first_wins.customer_id
    left join homes on valued.manager_id = homes.manager_id
    left join companies using (company_id) left join contacts using (contact_id)
    left join traces using (deal_id)
    order by deal_no
"""
