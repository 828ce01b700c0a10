-- 0014 Profiles: where the StructureDefinitions of the region are, by canonical, and when what resources are held against has changed.

create table profile_definition (
    rid     bigint primary key,                              -- the StructureDefinition resource it was taken from
    url     text   collate "C" not null,
    version text   collate "C" not null                      -- '' where it names none
);
create index profile_definition_url on profile_definition (url);  -- validation: the definition a resource names in meta.profile, an extension in url

insert into profile_definition (rid, url, version)
select rid, body::json ->> 'url', coalesce(body::json ->> 'version', '') from resource
where type = 128 and not deleted and body::json ->> 'url' is not null;  -- StructureDefinition

create sequence definition_generations;                      -- never gives a number twice, also not after a rollback
create table definition_generation (generation bigint not null);  -- one row; another number with every change of a definition or of terminology
insert into definition_generation (generation) values (nextval('definition_generations'));
