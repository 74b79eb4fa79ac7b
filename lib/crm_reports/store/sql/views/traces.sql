-- Per deal, of what activities and comments tell before as_of: the first and the last sign of life (an action, a comment,
-- an incoming message or call) and the next step: the earliest deadline; null when none has one. A day is over at its end,
-- so one that is due on a day comes after one of that day's hours. One pass over the activities, and
-- numbers in place of texts, as a company has many of them. Of two signs at one instant the kind that comes last in the
-- alphabet. A file may not say when a plan was made: an open one is taken as made, a finished one as never planned.
-- needs: comments, dated
with told as (
    select owner_id as deal_id, if((is_action or is_incoming) and dated.at < as_of(), dated.at, null) as at, kind,
        is_plan and (not is_done or dated.at >= as_of())
            and if(is_done, created_at < as_of(), coalesce(created_at < as_of(), true)) as is_step, deadline_at
    from dated where owner_type = 'deal'
    union all
    select owner_id, comment.at, 'comment', false, null from comments as comment
    where owner_type = 'deal' and comment.at < as_of()
),
kinds as (select ['call', 'comment', 'crm_activity', 'email', 'meeting'] as kinds),
last as (
    select deal_id, min(told.at) as first_heard_at, max(told.at) as heard_at,
        max(epoch_us(told.at) * 8 + list_position(kinds, kind)) as code,
        coalesce(bool_or(is_step), false) as has_next_step,
        arg_min(deadline_at, if(deadline_at = day_start(deadline_at), deadline_at + interval 1 day, deadline_at))
            filter (where is_step) as next_step_at
    from told, kinds group by deal_id
)
select deal_id, first_heard_at, heard_at, kinds[code - epoch_us(heard_at) * 8] as heard_kind, has_next_step, next_step_at
from last, kinds
