-- The activities. Calls, meetings and letters have an end of their own; what else a person did was done no later than the
-- first sync that saw it done. Before the first sync of all nothing was seen: that spares most rows the join.
-- needs: activities, done_seen
with marked as not materialized (
    select *, is_action and kind not in ('call', 'meeting', 'email')
        and ("at" is null or "at" > first_sync()) as is_late
    from activities
)
select * exclude (is_late) from marked where is_late is not true
union all
select marked.* exclude (is_late) replace (least(marked.at, seen_at) as "at")
from marked left join done_seen using (activity_id) where is_late
