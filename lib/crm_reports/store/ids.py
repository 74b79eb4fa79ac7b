"""Whom and what the store names anywhere, known to the CRM's own lists or not."""

# `what` (manager_id, stage_id) and every id of it.
IDS = """
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
"""

# Whether any deal (a `where` may follow) has an amount, a creation date and the like: a number that needs what nobody has is missing, not 0.
FILLED = """
    select count(amount) > 0 as amount, count(created_at) > 0 as created_at, count(closed_at) > 0 as closed_at,
        count(moved_at) > 0 as moved_at, count(company_id) > 0 as company_id, count(contact_id) > 0 as contact_id
    from deals
"""
