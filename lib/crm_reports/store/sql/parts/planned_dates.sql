-- One row per deal in work at as_of of whose planned closing date anything is known: the CRM's closing date while a deal is
-- open. planned_at (that day's local midnight; null: none any more), the first one that a sync saw, `pushes` (how often it was
-- moved later) and `pushed_days` (by how much in all). Nobody knows what was moved before the first sync.
-- needs: deal_facts, deals, deals_versions
with in_work as (select deal_no, deal_id from deal_facts where outcome = 'open'),
known as (
    select deal_no, closed_at as planned_at, timestamptz 'infinity' as until_at from deals join in_work using (deal_id)
    where outcome = 'open'
    union all
    select deal_no, closed_at, last_seen_at from deals_versions join in_work using (deal_id)
    where outcome = 'open' and last_seen_at < as_of()
),
walked as (
    select *, round(epoch(planned_at - lag(planned_at ignore nulls) over walk) / 86400)::integer as moved_days
    from known window walk as (partition by deal_no order by until_at)
)
select deal_no, last(planned_at order by until_at) as planned_at, arg_min(planned_at, until_at) as first_planned_at,
    count(*) filter (moved_days > 0) as pushes, coalesce(sum(moved_days) filter (moved_days > 0), 0)::bigint as pushed_days
from walked group by deal_no having count(planned_at) > 0 order by deal_no
