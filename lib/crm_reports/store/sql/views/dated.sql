-- The activities. Calls, meetings and letters have an end of their own; what else a person did was done no later than the
-- first sync that saw it done. Before the first sync of all nothing was seen: that spares most rows the join. Read twice,
-- the activities cost less than a copy of millions of them in memory.
-- needs: activities, done_seen
with first as (select coalesce(min(seen_at), timestamptz 'infinity') as seen_at from done_seen),
marked as not materialized (
    select activity.*, is_action and kind not in ('call', 'meeting', 'email')
        and (activity.at is null or activity.at > (select seen_at from first)) as is_late
    from activities as activity
)
select * exclude (is_late) from marked where is_late is not true
union all
select marked.* exclude (is_late) replace (least(marked.at, seen_at) as "at")
from marked left join done_seen using (activity_id) where is_late
