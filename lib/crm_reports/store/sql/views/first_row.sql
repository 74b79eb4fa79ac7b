-- The first instant of anything that is counted: a deal or lead that came or ended, or what somebody did.
-- needs: deal_facts, lead_facts, signs
select least(
    (select min(least(created_at, closed_at)) from deal_facts), (select min(least(created_at, closed_at)) from lead_facts),
    (select min(sign.at) from signs as sign where is_action)
) as at
