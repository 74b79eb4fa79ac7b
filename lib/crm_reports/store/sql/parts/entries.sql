-- Every stage entry strictly before as_of of the deals that still exist; `place` counts a deal's entries from 1, `…_before`
-- is of its entry before; `is_last`: none came after it. What a deal says of itself is the present: a history whose last entry
-- says otherwise (old portals lack rows; exports leave the last move out) gets one entry more, `is_added`, at the last move
-- or closing date, else at the first sync that saw the deal so.
-- needs: deals, deals_versions, numbered, stage_history, syncs
with noted as (
    select deal_no, history_id, stage_id, pipeline_id, outcome, no_sooner(entry.at, created_at) as at
    from stage_history as entry join numbered using (deal_id) where entry.at < known_until()
),
walked as (
    select *, row_number() over walk as place,
        lag(stage_id) over walk as stage_before, lag(pipeline_id) over walk as pipeline_before,
        lag(outcome) over walk as outcome_before, lead(noted.at) over walk as next_at
    from noted window walk as (partition by deal_no order by noted.at, history_id)
),
outvoted as (
    select deal_no, deal_id, history_id + 1 as history_id, deals.stage_id, deals.pipeline_id, deals.outcome, place + 1 as place,
        walked.stage_id as stage_before, walked.pipeline_id as pipeline_before,
        coalesce(walked.outcome, 'open') as outcome_before, walked.at as last_at, greatest(walked.at, deals.created_at) as since_at,
        coalesce(moved_at, if(deals.outcome = 'open', null, no_sooner(closed_at, deals.created_at))) as told_at
    from walked join numbered using (deal_no) join deals using (deal_id)
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
    select * exclude (next_at), false as is_added, coalesce(next_at >= as_of(), deal_no not in (from completed)) as is_last
    from walked
    union all by name
    select *, true as is_added, true as is_last from completions
)
select *, place = 1 or stage_id is distinct from stage_before as is_visit from entered where entered.at < as_of()
