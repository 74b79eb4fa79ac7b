-- First instants per deal and stage, in the funnel of the pipeline it stands in at as_of: reached_at, visited_at (null:
-- skipped), and the same of the step after it. A later stage reaches all before it; a win reaches every stage of work, and
-- of the won stages its own. A win on a stage that the funnel does not know is on the only won stage that there is.
-- needs: deal_facts, entries, funnel
with steps as (
    select pipeline_id, step, row_number() over (order by pipeline_id, step)::integer as step_no,
        max(step) over (partition by pipeline_id) as last_step, sum(wins) over (partition by pipeline_id) as wins,
        max(won_id) over (partition by pipeline_id) as won_id
    from (
        select pipeline_id, step, count(*) filter (is_won) as wins, max(stage_id) filter (is_won) as won_id
        from funnel group by pipeline_id, step
    )
),
tops as (select distinct pipeline_id, last_step, wins, won_id from steps),
placed as (
    select deal_no, deal.pipeline_id, entry.at, if(entry.outcome = 'won', last_step, step) as place,
        if(entry.outcome = 'won' and is_won is not true, if(wins = 1, won_id, null), entry.stage_id) as stage_id
    from entries as entry join deal_facts as deal using (deal_no) join tops on deal.pipeline_id = tops.pipeline_id
    left join funnel on entry.stage_id = funnel.stage_id
    where coalesce(entry.pipeline_id, '') = deal.pipeline_id and entry.outcome in ('open', 'won')
),
climbed as (
    select deal_no, step_no, min(placed.at) as reached_at,
        min(placed.at) filter (where place = step and stage_id is not null) as visited_at,
        min(placed.at) filter (where place > step and step < last_step) as next_reached_at,
        min(placed.at) filter (where place = step + 1 and step < last_step and stage_id is not null) as next_visited_at
    from placed join steps using (pipeline_id) where place >= step group by deal_no, step_no
),
won as (
    select deal_no, stage_id, min(placed.at) as first_at
    from placed semi join (from funnel where is_won) as last using (stage_id) where place is not null group by deal_no, stage_id
)
select here.deal_no, funnel.stage_id, funnel.step, to_stage_id, coalesce(first_at, here.reached_at) as reached_at,
    coalesce(first_at, here.visited_at) as visited_at, next_reached_at, next_visited_at
from climbed as here join steps using (step_no) join funnel on steps.pipeline_id = funnel.pipeline_id and steps.step = funnel.step
left join won on here.deal_no = won.deal_no and funnel.stage_id = won.stage_id
where not is_won or first_at is not null
order by here.deal_no
