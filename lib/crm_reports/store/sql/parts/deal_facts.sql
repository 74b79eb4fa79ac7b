-- All that a report says of a deal: how it stood, its customer, its last sign of life and its next step. An absent id is ''.
-- Without history a deal stands where it is since its last move or, as far as anybody knows, its creation.
--
-- is_repeat: true on a won deal whose customer had won before, false on a first win, null else; over the whole company
-- and its whole history. Ties: by instant, then by id (Bitrix24's ids are numbers written as text: "9" is before "10").
-- needs: companies, contacts, deals_stood, manager_departments, steps_ahead, traces
with valued as materialized (select * from deals_stood),
homes as (
    select manager_id, arg_min(department_id, coalesce(position, 1000000)) as department_id
    from manager_departments group by manager_id
),
wins as (
    select deal_id, customer_id, closed_at, row_number() over (
        partition by customer_id order by closed_at nulls first, try_cast(deal_id as bigint), deal_id
    ) > 1 as is_repeat
    from valued where outcome = 'won' and customer_id is not null
),
first_wins as (select customer_id, min(closed_at) as first_won_at from wins group by customer_id)
select valued.* exclude (
        manager_id, pipeline_id, source_id, stage_id, customer_id, closing_added, is_outvoted, was_closed, is_later,
        told_closed_at, last_stage_id, last_pipeline_id, last_outcome, last_at, first_move_at, last_move_at, stage_since_at
    ),
    coalesce(stage_since_at, if(moved_at < as_of(), moved_at, null), created_at) as stage_since_at,
    coalesce(valued.manager_id, '') as manager_id, coalesce(homes.department_id, '') as department_id,
    coalesce(pipeline_id, '') as pipeline_id, coalesce(source_id, '') as source_id,
    coalesce(stage_id, '') as stage_id, coalesce(valued.customer_id, '') as customer_id,
    case when valued.customer_id is null then 'none'
         when coalesce(is_repeat, coalesce(first_won_at < coalesce(valued.closed_at, as_of()), false)) then 'repeat'
         else 'new' end as customer_kind_id,
    coalesce(if(company_id is null, contacts.name, companies.name), '') as customer,
    coalesce(closing_added, false) as closing_added, coalesce(is_outvoted, false) as is_outvoted, is_repeat,
    least(first_heard_at, first_move_at) as first_action_at, greatest(heard_at, last_move_at) as last_action_at,
    if(last_move_at < heard_at or last_move_at is null, heard_kind, 'stage_move') as last_action_kind,
    next_step_at, coalesce(has_next_step, false) as has_next_step
from valued left join wins using (deal_id)
left join first_wins on valued.customer_id = first_wins.customer_id
left join homes on valued.manager_id = homes.manager_id
left join companies using (company_id) left join contacts using (contact_id)
left join traces using (deal_no) left join steps_ahead using (deal_id)
order by deal_no
