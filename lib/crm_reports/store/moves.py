"""From stage history: entries, visits, spans of being in work, and the steps of the funnel that a deal reached.

Each text is the SQL of one part of a snapshot (snapshot.py). A deal is known to the parts by its `deal_no`: numbers are
joined and sorted several times faster than texts, and one manager's deals stand side by side.
"""

from .versions import first_seen

# Deals that there were at as_of, and no others: what history says of those that came later, it says of nobody.
NUMBERED = """
    select deal_id, created_at, row_number() over (order by coalesce(manager_id, ''), try_cast(deal_id as bigint), deal_id)::integer as deal_no
    from deals where created_at is null or created_at < as_of()
"""

# Every stage entry strictly before as_of of the deals that still exist; `place` counts a deal's entries from 1, `…_before`
# is of its entry before, next_at of the one after. What a deal says of itself is the present: a history whose last entry
# says otherwise (old portals lack rows; exports leave the last move out) gets one entry more, `is_added`, at the last move
# or closing date, else at the first sync that saw the deal so.
ENTRIES = f"""
    with noted as (
        select deal_no, history_id, stage_id, pipeline_id, outcome, no_sooner(entry.at, created_at) as at
        from stage_history as entry join numbered using (deal_id) where entry.at < known_until()
    ),
    walked as (
        select *, row_number() over walk as place,
            lag(stage_id) over walk as stage_before, lag(pipeline_id) over walk as pipeline_before,
            lag(outcome) over walk as outcome_before, lead(noted.at) over walk as next_at
        from noted window walk as (partition by deal_no order by noted.at, history_id)
    ),
    outvoted as (
        select deal_no, deal_id, history_id + 1 as history_id, deals.stage_id, deals.pipeline_id, deals.outcome, place + 1 as place,
            walked.stage_id as stage_before, walked.pipeline_id as pipeline_before,
            coalesce(walked.outcome, 'open') as outcome_before, walked.at as last_at, greatest(walked.at, deals.created_at) as since_at,
            coalesce(moved_at, if(deals.outcome = 'open', null, no_sooner(closed_at, deals.created_at))) as told_at
        from walked join numbered using (deal_no) join deals using (deal_id)
        where next_at is null
            and (deals.outcome != coalesce(walked.outcome, 'open') or deals.stage_id != walked.stage_id)
    ),
    seen as ({first_seen("outvoted", "deals_versions", "deal_id", ("outcome", "stage_id"))}),
    completions as (
        select outvoted.* exclude (deal_id, last_at, since_at, told_at), greatest(no_later(told_at, seen_at), last_at) as at
        from outvoted left join seen using (deal_id)
    ),
    entered as (
        select walked.* replace (coalesce(next_at, completions.at) as next_at), false as is_added
        from walked left join completions using (deal_no)
        union all by name
        select *, null as next_at, true as is_added from completions
    )
    select * replace (if(next_at < as_of(), next_at, null) as next_at),
        place = 1 or stage_id is distinct from stage_before as is_visit
    from entered where entered.at < as_of() order by deal_no
"""

# One row per visit: an entry into the stage a deal already stands on goes on with the visit. left_at null: it lasts.
STAGE_VISITS = """
    select deal_no, history_id, coalesce(stage_id, '') as stage_id, coalesce(pipeline_id, '') as visited_pipeline_id,
        entry.at as entered_at, lead(entry.at) over (partition by deal_no order by place) as left_at
    from entries as entry where is_visit order by deal_no
"""

# When each deal was in work: opened_at (null: since ever), until_at (null: still). It was open at an instant t when
# opened_at < t and until_at is absent or >= t. The first span begins with the deal's creation, also where history begins
# later or with its end. A deal without history has one span,
# or none where it has ended and nobody knows when.
OPEN_SPANS = """
    with turns as (
        select deal_no, place, outcome = 'open' as is_open, entry.at as turned_at,
            lead(entry.at) over (partition by deal_no order by place) as until_at
        from entries as entry where place = 1 or (outcome = 'open') is distinct from (outcome_before = 'open')
    ),
    spans as (
        select deal_no, if(place = 1, created_at, greatest(created_at, turned_at)) as opened_at,
            if(is_open, until_at, turned_at) as until_at
        from turns join deal_facts using (deal_no) where place = 1 or is_open
        union all
        select deal_no, created_at, closed_at from deal_facts
        where not has_history and (outcome = 'open' or closed_at is not null)
    )
    select * from spans order by deal_no
"""

# The steps of each pipeline's funnel: lost stages are no step, and a stage without a place in its pipeline is none. The
# won stages are the last step, all of them: they are alternatives, and the step into winning leads to them together.
FUNNEL = """
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
"""

# First instants per deal and stage, in the funnel of the pipeline it stands in at as_of: reached_at, visited_at (null:
# skipped), and the same of the step after it. A later stage reaches all before it; a win reaches every stage of work, and
# of the won stages its own. A win on a stage that the funnel does not know is on the only won stage that there is.
STEPS_REACHED = """
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
    climbed as (
        select deal_no, step, min(first_at) as reached_at,
            min(first_at) filter (where place = step and far.stage_id is not null) as visited_at
        from far join (select distinct pipeline_id, step from funnel) using (pipeline_id) where place >= step group by deal_no, step
    ),
    ahead as (
        select *, lead(reached_at) over walk as next_reached_at, lead(visited_at) over walk as next_visited_at
        from climbed window walk as (partition by deal_no order by step)
    ),
    won as (select deal_no, stage_id, first_at from far semi join (from funnel where is_won) as last using (stage_id))
    select ahead.deal_no, funnel.stage_id, ahead.step, to_stage_id, coalesce(first_at, reached_at) as reached_at,
        coalesce(first_at, visited_at) as visited_at, next_reached_at, next_visited_at
    from ahead join deal_facts as deal using (deal_no)
    join funnel on deal.pipeline_id = funnel.pipeline_id and ahead.step = funnel.step
    left join won on ahead.deal_no = won.deal_no and funnel.stage_id = won.stage_id
    where not is_won or first_at is not null
    order by ahead.deal_no
"""
