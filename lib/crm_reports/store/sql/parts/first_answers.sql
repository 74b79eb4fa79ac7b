-- When a person first acted on a deal (deal_no) or on a lead (lead_id), before as_of; nobody did on those that are not here.
-- A stage move is an action, too, as everywhere.
-- needs: heard, signs
select deal_no, null::varchar as lead_id, min(sign.at) as answered_at
from signs as sign where is_action and deal_no is not null group by deal_no
union all
select null, owner_id, min(heard.at) from heard where is_action and owner_type = 'lead' group by owner_id
order by all
