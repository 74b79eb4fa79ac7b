-- When each deal was in work: opened_at (null: since ever), until_at (null: still). It was open at an instant t when
-- opened_at < t and until_at is absent or >= t. The first span begins with the deal's creation, also where history begins
-- later or with its end. A deal without history has one span,
-- or none where it has ended and nobody knows when.
-- needs: deal_facts, entries
with turns as (
    select deal_no, place, outcome = 'open' as is_open, entry.at as turned_at,
        lead(entry.at) over (partition by deal_no order by place) as until_at
    from entries as entry where is_turn
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
