-- What a person granted or refused holds for all of that person's records, and a ground that is derived is for no more than what it was given for.

alter table consent_rule add column derived_from bigint;     -- the member of the same person the Consent is about; null: this patient
alter table consent_rule drop constraint consent_rule_source_institution_purpose_key;
alter table consent_rule add constraint consent_rule_once unique nulls not distinct (source, patient, institution, purpose);

create or replace function derive_grounds(persons bigint[]) returns void language plpgsql as $$
begin
    perform from access_ground g join person_member m on m.patient = g.patient
    where m.person = any(persons) order by g.institution, g.patient, g.kind, g.source for update of g;
    with wanted as (
        select distinct on (g.institution, o.patient, g.kind, g.source)
               g.institution, o.patient, g.kind, g.source, g.since, g.until, g.purpose, g.sensitive, g.patient as derived_from
        from person_member m
        join access_ground g on g.patient = m.patient and g.derived_from is null
        join person_member o on o.person = m.person and o.patient <> m.patient
        where m.person = any(persons)
        order by g.institution, o.patient, g.kind, g.source, g.until desc nulls first, g.patient
    ), gone as (
        delete from access_ground d using person_member m
        where m.person = any(persons) and d.patient = m.patient and d.derived_from is not null
          and not exists (select from wanted w where w.institution = d.institution and w.patient = d.patient and w.kind = d.kind and w.source = d.source)
    )
    insert into access_ground as g (institution, patient, kind, source, since, until, purpose, sensitive, derived_from)
    select institution, patient, kind, source, since, until, purpose, sensitive, derived_from from wanted
    on conflict (institution, patient, kind, source) do update
        set since = excluded.since, until = excluded.until, purpose = excluded.purpose, sensitive = excluded.sensitive,
            derived_from = excluded.derived_from
        where g.derived_from is not null and (g.since, g.until, g.purpose, g.sensitive, g.derived_from)
            is distinct from (excluded.since, excluded.until, excluded.purpose, excluded.sensitive, excluded.derived_from);
end
$$;

-- Whoever links holds the rows of the patients, and a rule that is being written holds its patient's (the foreign key): they wait for each other.
create function derive_rules(persons bigint[]) returns void language plpgsql as $$
begin
    delete from consent_rule d using person_member m where m.person = any(persons) and d.patient = m.patient and d.derived_from is not null;
    insert into consent_rule (patient, source, institution, purpose, mask, permit, since, until, derived_from)
    select o.patient, r.source, r.institution, r.purpose, r.mask, r.permit, r.since, r.until, r.patient
    from person_member m
    join consent_rule r on r.patient = m.patient and r.derived_from is null
    join person_member o on o.person = m.person and o.patient <> m.patient
    where m.person = any(persons);
end
$$;

create function rules_have_come() returns trigger language plpgsql as $$
declare persons bigint[];
begin
    select array_agg(distinct m.person) into persons
    from changed c join person_member m on m.patient = c.patient where c.derived_from is null;
    if persons is not null then
        perform derive_rules(persons);
    end if;
    return null;
end
$$;
create trigger consent_rule_come after insert on consent_rule referencing new table as changed
    for each statement execute function rules_have_come();

create or replace function members_have_come() returns trigger language plpgsql as $$
begin
    perform derive_grounds(array(select distinct person from changed));
    perform derive_rules(array(select distinct person from changed));
    return null;
end
$$;
create or replace function members_have_gone() returns trigger language plpgsql as $$
begin
    delete from access_ground where derived_from is not null and patient in (select patient from changed);
    delete from consent_rule where derived_from is not null and patient in (select patient from changed);
    perform derive_grounds(array(select distinct person from changed));
    perform derive_rules(array(select distinct person from changed));
    return null;
end
$$;

-- What was derived before this knew of purposes is made anew.
select derive_grounds(array(select distinct person from person_member));
select derive_rules(array(select distinct person from person_member));
