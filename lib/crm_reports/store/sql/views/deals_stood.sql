-- One row per deal that existed at as_of, with the columns of `deals`: where it stood, how and when it had ended, its money.
--
-- Stage, outcome and closing instant: the last entry before as_of; without history, what the deal itself says, unless it
-- closed or first moved only later. A closing that somebody planned for after the sync was at the first sync that saw it.
-- Money is in the base currency at the rate the portal gives; null where there is none.
-- needs: currencies, deals, deals_versions, entries, numbered, stage_history, syncs
with standing as (
    select deal_no, coalesce(bool_or(outcome in ('won', 'lost')), false) as was_closed,
        bool_or(closing_added) as closing_added, bool_or(is_outvoted) as is_outvoted, coalesce(bool_or(entry.went_back), false) as went_back,
        max(entry.at) filter (where is_visit) as stage_since_at,
        min(entry.at) filter (where place > 1) as first_move_at, max(entry.at) filter (where place > 1) as last_move_at
    from entries as entry group by deal_no
),
last as (
    select deal_no, stage_id as last_stage_id, pipeline_id as last_pipeline_id, outcome as last_outcome,
        entry.at as last_at
    from entries as entry where is_last
),
unmoved as (select deal_id from numbered anti join last using (deal_no)),
moved_later as (
    select distinct deal_id from stage_history as entry semi join unmoved using (deal_id)
    where entry.at < known_until()
),
rates as (
    select currency, rate / coalesce(max(rate) filter (where currency = base_currency()) over (), 1.0) as rate
    from currencies
),
ahead as (
    select deal_id, outcome, created_at as since_at, coalesce(moved_at, closed_at) as planned_at from deals
    where outcome in ('won', 'lost') and coalesce(moved_at, closed_at) > first_sync()
),
known as (
    select ahead.deal_id, unseen_until(since_at, last_seen_at) as after_at
    from ahead left join deals_versions as version on ahead.deal_id = version.deal_id and last_seen_at < as_of()
        and ahead.outcome is distinct from version.outcome
    group by ahead.deal_id
),
seen as (select deal_id, synced_at as seen_at from known asof join syncs on after_at < synced_at),
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
        last.* exclude (deal_no), standing.* exclude (deal_no, went_back), coalesce(went_back, false) as went_back, deal_no
    from deals join numbered using (deal_id) left join last using (deal_no) left join standing using (deal_no)
    left join moved_later using (deal_id) left join closings using (deal_id)
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
