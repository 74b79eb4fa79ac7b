-- What every text here may use beside the tables, the parts and the views; the names in braces are given by snapshot.py.

-- The instant; what counts happened strictly before it.
create macro as_of() as {as_of};

-- The sync that reported that instant; history that came later was not known then.
create macro known_until() as {known_until};

-- The first sync of all: nothing was seen before it.
create macro first_sync() as {first_sync};

-- What money is in.
create macro base_currency() as {currency};

-- When the moment's day begins in the zone of the CRM.
create macro day_start(moment) as date_trunc('day', moment at time zone {zone}) at time zone {zone};

-- The moment; `born` where it is the beginning of that day: a bare date has no hour.
create macro no_sooner(moment, born) as if(moment < born and moment = day_start(born), born, moment);

-- The moment; seen_at where it is absent or later: what a sync saw was so by then. What a sync saw was so in the night
-- that it reports: a report as of that day, before the sync, has it already.
create macro no_later(moment, seen_at) as if(moment <= seen_at, moment, coalesce(
    if(seen_at >= as_of() and day_start(seen_at) <= as_of(), as_of() - to_microseconds(1), seen_at), moment));

-- Of the rows that say something since `since_at`, and their versions that said otherwise up to `otherwise_at`: when the
-- last sync saw it otherwise, or could not have seen it. The first sync after that was the first to see it.
create macro unseen_until(since_at, otherwise_at) as
    greatest(any_value(since_at), max(otherwise_at), timestamptz '1900-01-01');
