-- `what` (manager_id, stage_id) and every id of it.
-- needs: activities, activities_versions, comments, deals, deals_versions, leads, leads_versions, stage_history
select distinct * from (
    select 'manager_id' as what, manager_id as id from deals
    union all select 'manager_id', manager_id from deals_versions
    union all select 'manager_id', manager_id from activities
    union all select 'manager_id', manager_id from activities_versions
    union all select 'manager_id', manager_id from leads
    union all select 'manager_id', manager_id from leads_versions
    union all select 'manager_id', manager_id from comments
    union all select 'stage_id', stage_id from deals
    union all select 'stage_id', stage_id from deals_versions
    union all select 'stage_id', stage_id from stage_history
) where id is not null order by what, id
