-- What the closed deals that ever reached a step brought, lost ones nothing: `money` of `deals`, per pipeline, source and
-- manager.
-- needs: deal_facts, steps_reached
select deal.pipeline_id, step, deal.source_id, deal.manager_id, count(*) as deals,
    sum(if(deal.outcome = 'won', coalesce(deal.money, 0), 0)) as money
from (select distinct deal_no, step from steps_reached) join deal_facts as deal using (deal_no)
where deal.outcome in ('won', 'lost') group by all order by all
