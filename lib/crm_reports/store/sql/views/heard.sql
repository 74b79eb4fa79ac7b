-- What people did on deals, leads, contacts, companies before as_of (`is_action`), and the messages and calls that came in,
-- which nobody did (manager_id is null). What is both is there twice.
-- needs: comments, dated
select kind, if(is_action, manager_id, null) as manager_id, owner_type, owner_id, dated.at, coalesce(is_action, false) as is_action
from dated where (is_action or is_incoming) and dated.at < as_of()
union all
select kind, null, owner_type, owner_id, dated.at, false from dated where is_action and is_incoming and dated.at < as_of()
union all
select 'comment', manager_id, owner_type, owner_id, comment.at, true from comments as comment where comment.at < as_of()
