-- One row per kind of action of which the store has any before as_of.
-- needs: signs
select distinct kind from signs where is_action order by kind
