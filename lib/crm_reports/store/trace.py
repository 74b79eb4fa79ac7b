"""What people did: actions, the last sign of life of each deal, and its next step.

Each text is the SQL of a view or a part of a snapshot (snapshot.py).
"""

# The activities. Calls, meetings and letters have an end of their own; what else a person did was done no later than the
# first sync that saw it done. Before the first sync of all nothing was seen: that spares most rows the join.
DATED = """
    with first as (select coalesce(min(seen_at), timestamptz 'infinity') as seen_at from done_seen),
    marked as (
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

# The last sign of life of each deal before as_of: an action, a stage move, a comment, an incoming message or call. The
# deal's own creation is none. Of two at one instant the kind that comes last in the alphabet.
LAST_TRACES = """
    with heard as (
        select deal_no, kind, acted.at from acted join numbered on owner_id = deal_id where owner_type = 'deal'
        union all
        select deal_no, kind, incoming.at from incoming join numbered on owner_id = deal_id where owner_type = 'deal'
        union all
        select deal_no, 'stage_move', entry.at from entries as entry where place > 1
    ),
    by_kind as (select deal_no, kind, max(heard.at) as last_at from heard group by all)
    select deal_no, max(last_at) as last_action_at, arg_max(kind, (last_at, kind)) as last_action_kind
    from by_kind group by deal_no
"""

# Per deal with a next step at as_of: the earliest deadline; null when none has one. A file may not say when a plan was
# made: an open one is taken as made, a finished one as never planned.
NEXT_STEPS = """
    select owner_id as deal_id, min(deadline_at) as next_step_at from dated
    where is_plan and owner_type = 'deal' and (not is_done or dated.at >= as_of())
        and if(is_done, created_at < as_of(), coalesce(created_at < as_of(), true))
    group by owner_id
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
