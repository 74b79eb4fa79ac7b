"""What people did: actions, the last sign of life of each deal, and its next step.

Each text is the SQL of a view or a part of a snapshot (snapshot.py).
"""

# The activities. Calls, meetings and letters have an end of their own; what else a person did was done no later than the
# first sync that saw it done. Before the first sync of all nothing was seen: that spares most rows the join. Read twice,
# the activities cost less than a copy of millions of them in memory.
DATED = """
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
"""

# What people did on deals, leads, contacts, companies before as_of.
ACTED = """
    select kind, manager_id, owner_type, owner_id, dated.at from dated where is_action and dated.at < as_of()
    union all
    select 'comment', manager_id, owner_type, owner_id, comment.at from comments as comment where comment.at < as_of()
"""

# Messages and calls that came in before as_of: signs of life, no actions.
INCOMING = """
    select kind, owner_type, owner_id, dated.at from dated where is_incoming and dated.at < as_of()
"""

# Per deal, of what activities and comments tell before as_of: the first and the last sign of life (an action, a comment,
# an incoming message or call) and the next step: the earliest deadline; null when none has one. A day is over at its end,
# so one that is due on a day comes after one of that day's hours. One pass over the activities, and
# numbers in place of texts, as a company has many of them. Of two signs at one instant the kind that comes last in the
# alphabet. A file may not say when a plan was made: an open one is taken as made, a finished one as never planned.
TRACES = """
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
"""

# Every sign of life before as_of, who gave it and on which deal (null: on none); `is_action`: a person did it. Stage
# history names no author: every entry but a deal's first counts for the deal's manager.
SIGNS = """
    with heard as (
        select kind, manager_id, acted.at, if(owner_type = 'deal', owner_id, null) as deal_id, true as is_action from acted
        union all
        select kind, null, incoming.at, owner_id, false from incoming where owner_type = 'deal'
    )
    select kind, coalesce(manager_id, '') as manager_id, heard.at, deal_no, deal_id, is_action
    from heard left join numbered using (deal_id)
    union all
    select 'stage_move', manager_id, entry.at, deal_no, deal_id, true
    from entries as entry join deal_facts using (deal_no) where place > 1
    order by manager_id
"""

# The kinds of action of which the store has any before as_of.
ACTION_KINDS = "select distinct kind from signs where is_action order by kind"
