-- What the closed deals that ever reached a step brought, lost ones nothing: `money` of `deals`, per pipeline, source and
-- manager. Whoever reached a step reached all before it: so deals are added up by their highest one first, and few sums are
-- left to be spread over the steps.
-- needs: deal_facts, funnel, steps_reached
with climbed as (select deal_no, max(step) as highest from steps_reached group by deal_no),
brought as (
    select pipeline_id, highest, source_id, manager_id, count(*) as deals,
        sum(if(outcome = 'won', coalesce(money, 0), 0)) as money
    from climbed join deal_facts using (deal_no) where outcome in ('won', 'lost') group by all
)
select brought.pipeline_id, step, source_id, manager_id, sum(deals)::bigint as deals, sum(money) as money
from brought join (select distinct pipeline_id, step from funnel) as steps on brought.pipeline_id = steps.pipeline_id
where step <= highest group by all order by all
