-- Every sign of life before as_of, who gave it and on which deal (null: on none); `is_action`: a person did it. Stage
-- history names no author: every entry but a deal's first counts for the deal's manager.
-- needs: acted, deal_facts, entries, incoming, numbered
with heard as (
    select kind, manager_id, acted.at, if(owner_type = 'deal', owner_id, null) as deal_id, true as is_action from acted
    union all
    select kind, null, incoming.at, owner_id, false from incoming where owner_type = 'deal'
)
select kind, coalesce(manager_id, '') as manager_id, heard.at, deal_no, deal_id, is_action
from heard left join numbered using (deal_id)
union all
select 'stage_move', manager_id, entry.at, deal_no, deal_id, true
from entries as entry join deal_facts using (deal_no) where place > 1
order by manager_id
