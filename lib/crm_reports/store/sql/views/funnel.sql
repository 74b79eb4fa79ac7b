-- The steps of each pipeline's funnel: lost stages are no step, and a stage without a place in its pipeline is none. The
-- won stages are the last step, all of them: they are alternatives, and the step into winning leads to them together.
-- needs: stages
with placed as (
    select *, outcome = 'won' as is_won from stages where outcome in ('open', 'won') and position is not null
),
wins as (
    select pipeline_id, list(stage_id order by position, stage_id) as won_ids from placed where is_won group by pipeline_id
),
stepped as (
    select pipeline_id, stage_id, name, is_won, position, count(*) filter (not is_won) over ahead as step,
        if(is_won, [], if(lead(is_won) over walk is false, [lead(stage_id) over walk], coalesce(won_ids, []))) as to_stage_ids
    from placed left join wins using (pipeline_id)
    window walk as (partition by pipeline_id order by is_won, position, stage_id),
        ahead as (
            partition by pipeline_id order by is_won, position, stage_id
            rows between unbounded preceding and 1 preceding
        )
)
select * exclude (position), array_to_string(to_stage_ids, ', ') as to_stage_id
from stepped order by pipeline_id, step, position, stage_id
