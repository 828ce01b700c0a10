-- 0012 What resources contain.

-- A resource has a token for each type it contains (parameter number 0), for GET /Coverage?_contained=true. Those of what is stored already are taken up
-- by a reindex; until it is done nobody is answered by them. One that is due anyway does it as well.
with due as (
    update reindex_run set withheld = withheld || '{contained}', why = why || ' Contained resources are indexed.'
    where id = (select min(id) from reindex_run where state = 'due' and types is null)
    returning id
)
insert into reindex_run (withheld, why)
select '{contained}', 'Contained resources are indexed.'
where exists (select from resource) and not exists (select from due);
