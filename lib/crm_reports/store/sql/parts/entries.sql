-- Every stage entry strictly before as_of of the deals that still exist; `place` counts a deal's entries from 1; `is_last`:
-- none came after it; `is_turn`: the deal came into work or left it; `went_back`: to an earlier step of the same funnel.
-- What a deal says of itself is the present: a history whose last entry says otherwise (old portals lack rows; exports leave
-- the last move out) gets one entry more at the last move or closing date, else at the first sync that saw the deal so: it
-- is a `closing_added` or `is_outvoted`. What the entry before was is not written: that would double the texts.
-- needs: deals, deals_versions, funnel, numbered, stage_history, syncs
with noted as (
    select deal_no, history_id, entry.stage_id, entry.pipeline_id, entry.outcome, no_sooner(entry.at, created_at) as at, step
    from stage_history as entry join numbered using (deal_id) left join funnel on entry.stage_id = funnel.stage_id
    where entry.at < known_until()
),
walked as (
    select *, row_number() over walk as place, lead(noted.at) over walk as next_at, lag(stage_id) over walk as stage_before,
        lag(pipeline_id) over walk as pipeline_before, lag(step) over walk as step_before,
        lag(outcome = 'open') over walk as was_open
    from noted window walk as (partition by deal_no order by noted.at, history_id)
),
outvoted as (
    select deal_no, deal_id, history_id + 1 as history_id, deals.stage_id, deals.pipeline_id, deals.outcome, place + 1 as place,
        funnel.step, walked.stage_id as stage_before, walked.pipeline_id as pipeline_before, walked.step as step_before,
        coalesce(walked.outcome, 'open') = 'open' as was_open, walked.at as last_at, greatest(walked.at, deals.created_at) as since_at,
        coalesce(moved_at, if(deals.outcome = 'open', null, no_sooner(closed_at, deals.created_at))) as told_at
    from walked join numbered using (deal_no) join deals using (deal_id) left join funnel on deals.stage_id = funnel.stage_id
    where next_at is null
        and (deals.outcome != coalesce(walked.outcome, 'open') or deals.stage_id != walked.stage_id)
),
known as (
    select outvoted.deal_id, unseen_until(since_at, last_seen_at) as after_at
    from outvoted left join deals_versions as version on outvoted.deal_id = version.deal_id and last_seen_at < as_of()
        and (outvoted.outcome is distinct from version.outcome or outvoted.stage_id is distinct from version.stage_id)
    group by outvoted.deal_id
),
seen as (select deal_id, synced_at as seen_at from known asof join syncs on after_at < synced_at),
completions as (
    select outvoted.* exclude (deal_id, last_at, since_at, told_at), greatest(no_later(told_at, seen_at), last_at) as at
    from outvoted left join seen using (deal_id)
),
completed as (select deal_no from completions where completions.at < as_of()),
entered as (
    select * exclude (next_at), false as closing_added, false as is_outvoted,
        coalesce(next_at >= as_of(), deal_no not in (from completed)) as is_last
    from walked
    union all by name
    select *, outcome != 'open' and was_open as closing_added, outcome = 'open' or not was_open as is_outvoted, true as is_last
    from completions
)
select * exclude (step, stage_before, pipeline_before, step_before, was_open),
    place = 1 or stage_id is distinct from stage_before as is_visit,
    place = 1 or (outcome = 'open') is distinct from was_open as is_turn,
    step < step_before and pipeline_id is not distinct from pipeline_before as went_back
from entered where entered.at < as_of()
