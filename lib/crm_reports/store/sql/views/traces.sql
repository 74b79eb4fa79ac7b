-- Per deal with signs of life of its own before as_of, its moves not counted: the first, the last, and the kind of the
-- last; of two at one instant the kind that comes last in the alphabet. Kinds are numbers meanwhile: a deal has many signs.
-- needs: signs
with coded as (
    select deal_no, sign.at, epoch_us(sign.at) * 8 + case kind
        when 'call' then 1 when 'comment' then 2 when 'crm_activity' then 3 when 'email' then 4 when 'meeting' then 5 end as code
    from signs as sign where deal_no is not null and kind is distinct from 'stage_move'
),
spanned as (
    select deal_no, min(coded.at) as first_heard_at, max(coded.at) as heard_at, max(code) as code from coded group by deal_no
)
select deal_no, first_heard_at, heard_at,
    ['call', 'comment', 'crm_activity', 'email', 'meeting'][code - epoch_us(heard_at) * 8] as heard_kind
from spanned
