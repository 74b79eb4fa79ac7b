-- Of the company's closed deals, per manager and stage of work they stood on: the longest time between two signs of life there, in
-- whole days, how they ended, and how many deals that is.
-- needs: deal_facts, entries, signs
with signed as (
    select deal_no, entry.at, history_id, coalesce(stage_id, '') as stage_id, outcome from entries as entry
    union all
    select deal_no, sign.at, null, null, null from signs as sign where deal_no is not null and kind != 'stage_move'
),
spaced as (
    select deal_no, last_value(stage_id ignore nulls) over walk as stage_id,
        last_value(outcome ignore nulls) over walk as outcome,
        (epoch_us(lead(signed.at) over walk) // 1000000 - epoch_us(signed.at) // 1000000) // 86400 as silent_days
    from signed window walk as (partition by deal_no order by signed.at, history_id nulls last)
),
longest as (
    select deal_no, stage_id, max(silent_days) as silent_days from spaced where outcome = 'open' group by all
)
select longest.stage_id, deal.manager_id, silent_days, deal.outcome as ended_as, count(*) as deals
from longest join deal_facts as deal using (deal_no) where deal.outcome in ('won', 'lost') group by all
