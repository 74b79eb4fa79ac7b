-- Messages and calls that came in before as_of: signs of life, no actions.
-- needs: dated
select kind, owner_type, owner_id, dated.at from dated where is_incoming and dated.at < as_of()
