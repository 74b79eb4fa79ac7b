-- One row per lead that existed at as_of: who, whence, outcome and closed_at then, last_action_at (null: none).
-- needs: heard, leads, leads_versions, syncs
with heard_of as (
    select owner_id as lead_id, max(heard.at) as last_action_at, arg_max(kind, (heard.at, kind)) as last_action_kind
    from heard where owner_type = 'lead' group by owner_id
),
ahead as (
    select lead_id, outcome, created_at as since_at from leads
    where outcome in ('won', 'lost') and closed_at > first_sync()
),
known as (
    select ahead.lead_id, unseen_until(since_at, last_seen_at) as after_at
    from ahead left join leads_versions as version on ahead.lead_id = version.lead_id and last_seen_at < as_of()
        and ahead.outcome is distinct from version.outcome
    group by ahead.lead_id
),
seen as (select lead_id, synced_at as seen_at from known asof join syncs on after_at < synced_at),
told as (
    select leads.* replace (if(closed_at is null, null, no_later(no_sooner(closed_at, created_at), seen_at)) as closed_at)
    from leads left join seen using (lead_id) where created_at is null or created_at < as_of()
),
stood as (
    select *, coalesce(outcome in ('won', 'lost') and (closed_at is null or closed_at < as_of()), false) as is_closed
    from told
)
select stood.* exclude (is_closed) replace (
        if(is_closed, outcome, 'open') as outcome, if(is_closed, closed_at, null) as closed_at,
        coalesce(manager_id, '') as manager_id, coalesce(source_id, '') as source_id
    ), last_action_at, last_action_kind
from stood left join heard_of using (lead_id) order by manager_id, created_at, lead_id
