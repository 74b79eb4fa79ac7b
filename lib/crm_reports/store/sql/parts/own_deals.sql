-- What the company's own fields hold for each deal: `field` is deal.UF_CRM_1 or company.UF_CRM_2, the value as it is kept.
-- A company's or contact's fields are those of all its deals. Nothing is no row.
-- needs: deals, numbered, own_values
with owned as (
    select deal_no, 'deal' as entity, deal_id as entity_id from numbered
    union all
    select deal_no, 'company', company_id from numbered join deals using (deal_id) where company_id is not null
    union all
    select deal_no, 'contact', contact_id from numbered join deals using (deal_id) where contact_id is not null
)
select deal_no, own_values.entity || '.' || field as field, value
from own_values join owned on own_values.entity = owned.entity and own_values.entity_id = owned.entity_id
where value is not null order by 2, deal_no
