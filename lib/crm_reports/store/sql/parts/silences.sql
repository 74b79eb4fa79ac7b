-- Of the company's closed deals, per manager and stage of work they stood on: the longest time between two signs of life
-- there, in whole days, how they ended, and how many deals that is. An entry is known by its place meanwhile: numbers are
-- sorted sooner than texts.
-- needs: deal_facts, entries, signs
with closed as (select deal_no, manager_id, outcome from deal_facts where outcome in ('won', 'lost')),
signed as (
    select deal_no, entry.at, place from entries as entry semi join closed using (deal_no)
    union all
    select deal_no, sign.at, null from signs as sign semi join closed using (deal_no) where kind != 'stage_move'
),
spaced as (
    select deal_no, max(place) over walk as place,
        (epoch_us(lead(signed.at) over walk) // 1000000 - epoch_us(signed.at) // 1000000) // 86400 as silent_days
    from signed window walk as (partition by deal_no order by signed.at, place nulls last)
),
longest as (select deal_no, place, max(silent_days) as silent_days from spaced group by all),
stood as (
    select deal_no, coalesce(stage_id, '') as stage_id, max(silent_days) as silent_days
    from longest join entries as entry using (deal_no, place) where outcome = 'open' group by all
)
select stage_id, manager_id, silent_days, outcome as ended_as, count(*) as deals
from stood join closed using (deal_no) group by all
