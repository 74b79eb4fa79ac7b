-- One row per visit: an entry into the stage a deal already stands on goes on with the visit. left_at null: it lasts.
-- needs: entries
select deal_no, history_id, coalesce(stage_id, '') as stage_id, coalesce(pipeline_id, '') as visited_pipeline_id,
    entry.at as entered_at, lead(entry.at) over (partition by deal_no order by place) as left_at
from entries as entry where is_visit order by deal_no
