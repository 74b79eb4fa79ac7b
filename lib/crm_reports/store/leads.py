"""Leads as they stood at an instant: they have no stage history, so their own dates say how they stood."""

# One row per lead that existed at as_of: who, whence, outcome and closed_at then, last_action_at (null: none).
LEAD_FACTS = """
    with heard as (
        select owner_id as lead_id, kind, acted.at from acted where owner_type = 'lead' and acted.at < as_of()
        union all
        select owner_id, kind, incoming.at from incoming where owner_type = 'lead'
    ),
    traces as (
        select lead_id, max(heard.at) as last_action_at, arg_max(kind, (heard.at, kind)) as last_action_kind
        from heard group by lead_id
    ),
    stood as (
        select *, coalesce(outcome in ('won', 'lost') and (closed_at is null or closed_at < as_of()), false) as is_closed
        from leads where created_at is null or created_at < as_of()
    )
    select stood.* exclude (is_closed) replace (
            if(is_closed, outcome, 'open') as outcome, if(is_closed, closed_at, null) as closed_at,
            coalesce(manager_id, '') as manager_id, coalesce(source_id, '') as source_id
        ), last_action_at, last_action_kind
    from stood left join traces using (lead_id) order by manager_id, created_at, lead_id
"""
