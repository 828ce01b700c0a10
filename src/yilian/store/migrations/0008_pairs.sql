-- 0008 What stands together in one element, and where places are.

create table index_pair (                                                     -- composite parameters whose element comes several times
    h     bigint not null,                                                    -- hash of the first part; concept.param is the composite
    other bigint,                                                             -- second part: hash of a code, or rid of what a reference points to
    low   numeric,                                                            -- or two numbers: the ends of a stretch of a sequence
    high  numeric,
    rid   bigint not null
);
create index index_pair_h on index_pair (h, other, rid);                      -- ?component-code-value-concept=, ?relationship=, ?characteristic-value=
create index index_pair_rid on index_pair (rid);                              -- rewriting, :missing, probes

create table index_position (
    latitude  double precision not null,                                      -- degrees, WGS 84
    longitude double precision not null,
    rid       bigint           not null
);
create index index_position_latitude on index_position (latitude, longitude, rid);  -- Location?near=
create index index_position_rid on index_position (rid);                      -- rewriting, probes

-- Words beside codes, types of identifiers, identifiers in references, pairs and places of what is stored already are taken up by a reindex. Until it
-- is done nobody is answered by them. One that is due anyway does it as well.
with due as (
    update reindex_run set withheld = withheld || '{composite,special,text,of-type,identifier}', why = why || ' Words, pairs and places are indexed.'
    where id = (select min(id) from reindex_run where state = 'due' and types is null)
    returning id
)
insert into reindex_run (withheld, why)
select '{composite,special,text,of-type,identifier}', 'Words, pairs and places are indexed.'
where exists (select from resource) and not exists (select from due);
