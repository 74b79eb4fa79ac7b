-- Every sign of life before as_of, who gave it and on which deal (null: on none); `is_action`: a person did it. Stage
-- history names no author: every entry but a deal's first counts for the deal's manager. A deal has its number, and one
-- that there was not at as_of its id (`unknown_deal_id`): millions of texts that another part has need not be written again.
-- needs: entries, heard, numbered
with given as (
    select kind, manager_id, heard.at, if(owner_type = 'deal', owner_id, null) as deal_id, is_action
    from heard where is_action or owner_type = 'deal'
)
select kind, coalesce(given.manager_id, '') as manager_id, given.at, deal_no, if(deal_no is null, deal_id, null) as unknown_deal_id,
    is_action
from given left join numbered using (deal_id)
union all
select 'stage_move', manager_id, entry.at, deal_no, null, true
from entries as entry join numbered using (deal_no) where place > 1
order by manager_id
