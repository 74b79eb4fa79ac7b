-- Deals that there were at as_of, and no others: what history says of those that came later, it says of nobody.
-- needs: deals
select deal_id, coalesce(manager_id, '') as manager_id, created_at, row_number() over (
        order by coalesce(manager_id, ''), try_cast(deal_id as bigint), deal_id
    )::integer as deal_no
from deals where created_at is null or created_at < as_of()
