-- How each deal stood, and whose it was: what two instants are compared by.
-- needs: deals_stood
select deal_id, outcome, money, created_at, coalesce(manager_id, '') as manager_id,
    coalesce(pipeline_id, '') as pipeline_id, coalesce(source_id, '') as source_id
from deals_stood order by deal_no
