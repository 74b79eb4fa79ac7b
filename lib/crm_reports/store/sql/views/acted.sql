-- What people did on deals, leads, contacts, companies before as_of.
-- needs: comments, dated
select kind, manager_id, owner_type, owner_id, dated.at from dated where is_action and dated.at < as_of()
union all
select 'comment', manager_id, owner_type, owner_id, comment.at from comments as comment where comment.at < as_of()
