-- Per deal with a plan ahead of it at as_of: the next step, the one with the earliest deadline; null when none has one. A
-- day is over at its end, so one that is due on a day comes after one of that day's hours. A file may not say when a plan
-- was made: an open one is taken as made, a finished one as never planned.
-- needs: dated
select owner_id as deal_id, true as has_next_step, arg_min(
        deadline_at, if(deadline_at = day_start(deadline_at), deadline_at + interval 1 day, deadline_at)
    ) as next_step_at
from dated
where owner_type = 'deal' and is_plan and (not is_done or dated.at >= as_of())
    and if(is_done, created_at < as_of(), coalesce(created_at < as_of(), true))
group by owner_id
