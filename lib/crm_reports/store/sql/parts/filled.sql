-- Whether any deal (a `where` may follow) has an amount, a creation date, an owner and the like, any activity an author: a
-- number that needs what nobody has is missing, not 0.
-- needs: activities, deals, leads, manager_departments
select count(amount) > 0 as amount, count(created_at) > 0 as created_at, count(closed_at) filter (where outcome in ('won', 'lost')) > 0 as closed_at,
    count(moved_at) > 0 as moved_at, count(company_id) > 0 as company_id, count(contact_id) > 0 as contact_id,
    count(manager_id) > 0 as manager_id, count(source_id) > 0 as source_id, count(stage_id) > 0 as stage_id,
    count(loss_reason) > 0 as loss_reason, (select count(*) > 0 from manager_departments) as department_id,
    count(*) filter (where outcome in ('won', 'lost')) > 0 as closed, count(*) filter (where outcome = 'open') > 0 as in_work,
    count(closed_at) filter (where outcome = 'open') > 0 as planned_close,
    (select count(manager_id) > 0 from activities) as author,
    (select count(*) > 0 from activities where kind = 'comment') as comment,
    (select count(*) > 0 from activities) as any_activity, (select count(*) > 0 from activities where is_plan and is_done is not true) as plan,
    (select count(*) > 0 from activities where owner_type = 'deal') as deal_activity,
    (select count(created_at) > 0 or count(*) = 0 from leads) as lead_created_at,
    (select count(closed_at) > 0 or count(*) = 0 from leads where outcome in ('won', 'lost')) as lead_closing
from deals
