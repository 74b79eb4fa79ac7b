-- First instants per deal and stage, in the funnel of the pipeline it stands in at as_of: reached_at, visited_at (null:
-- skipped), and the same of the step after it. A later stage reaches all before it; a win reaches every stage of work, and
-- of the won stages its own. A win on a stage that the funnel does not know is on the only won stage that there is.
-- needs: deal_facts, entries, funnel
with tops as (
    select pipeline_id, max(step) as last_step, count(*) filter (is_won) as wins, max(stage_id) filter (is_won) as won_id
    from funnel group by pipeline_id
),
placed as (
    select deal_no, deal.pipeline_id, entry.at, if(entry.outcome = 'won', last_step, step) as place,
        if(entry.outcome = 'won' and is_won is not true, if(wins = 1, won_id, null), entry.stage_id) as stage_id
    from entries as entry join deal_facts as deal using (deal_no) join tops on deal.pipeline_id = tops.pipeline_id
    left join funnel on entry.stage_id = funnel.stage_id
    where coalesce(entry.pipeline_id, '') = deal.pipeline_id and entry.outcome in ('open', 'won')
),
far as (
    select deal_no, any_value(pipeline_id) as pipeline_id, place, stage_id, min(placed.at) as first_at
    from placed where place is not null group by deal_no, place, stage_id
),
steps as (select distinct pipeline_id, step from funnel),
climbed as (
    select deal_no, any_value(pipeline_id) as pipeline_id, step, min(first_at) as reached_at,
        min(first_at) filter (where place = step and far.stage_id is not null) as visited_at
    from far join steps using (pipeline_id) where place >= step group by deal_no, step
),
won as (select deal_no, stage_id, first_at from far semi join (from funnel where is_won) as last using (stage_id))
select here.deal_no, funnel.stage_id, here.step, to_stage_id, coalesce(first_at, here.reached_at) as reached_at,
    coalesce(first_at, here.visited_at) as visited_at, ahead.reached_at as next_reached_at, ahead.visited_at as next_visited_at
from climbed as here join funnel on here.pipeline_id = funnel.pipeline_id and here.step = funnel.step
left join climbed as ahead on here.deal_no = ahead.deal_no and here.step + 1 = ahead.step
left join won on here.deal_no = won.deal_no and funnel.stage_id = won.stage_id
where not is_won or first_at is not null
order by here.deal_no
