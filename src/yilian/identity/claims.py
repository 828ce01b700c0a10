"""Who came with an identifier first, kept in step with the Patients that are written, in the same transaction.

An identifier that is one record's alone within its institution (住院号 …) is refused when another record of that institution has it: the
primary key of `identifier_claim` decides, whoever comes at the same moment. One that is one person's alone (居民身份证 …) is stored as it
comes, since the person may stand there with a second record, or somebody has mistyped. Where name or date of birth are not the same, the
pair is contested and stands on the worklist (`match_task`); nothing links it but a person.

Keys are keyed hashes, so the tables tell nothing about anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from yilian.access import institutions
from yilian.errors import Conflict, InvalidResource, Issue
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.identity.identifiers import KINDS, ZH, Number, fault_of, numbers_of
from yilian.identity.matching import index
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from asyncpg import Record

    from yilian.db import Tx
    from yilian.store.change import Change, Written

CLAIM = """
insert into identifier_claim (key, kind, patient, since)
select key, kind, patient, $4 from unnest($1::bytea[], $2::text[], $3::bigint[]) as c (key, kind, patient) order by key
on conflict (key) do nothing
returning key
"""
"""In the order of the keys: two who bring the same then wait for each other instead of deadlocking."""

GIVE_UP = "delete from identifier_claim c using unnest($1::bytea[]) as g (key) where c.key = g.key and c.patient = any($2::bigint[])"
LEAVE = """
delete from identifier_contest c using unnest($1::bytea[], $2::bigint[]) as g (key, patient) where c.key = g.key and c.patient = g.patient
"""

INHERIT = """
with heir as (
    delete from identifier_contest where (key, patient) in (
        select key, min(patient) from identifier_contest where key = any($1::bytea[]) group by key)
    returning key, kind, patient, since)
insert into identifier_claim (key, kind, patient, since) select key, kind, patient, since from heir order by key
on conflict (key) do nothing
"""
"""Whose claim it becomes when the first gives it up: the one who has been there longest."""

CONTEST = """
insert into identifier_contest (key, patient, kind, differs, since)
select key, patient, kind, string_to_array(differs, ' '), $5
from unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[]) as c (key, patient, kind, differs) order by key, patient
on conflict (key, patient) do update set differs = excluded.differs
"""

HELD = """
select c.key, c.kind, c.patient, 'claim' as how from identifier_claim c where c.patient = any($1::bigint[])
union all
select c.key, c.kind, c.patient, 'contest' from identifier_contest c where c.patient = any($1::bigint[])
"""

TOGETHER = """
select h.key, h.kind, h.patient as holder, f.name as its_name, f.pinyin as its_pinyin, f.born as its_born,
       c.patient, g.name, g.pinyin, g.born
from identifier_claim h join identifier_contest c on c.key = h.key
left join match_feature f on f.patient = h.patient left join match_feature g on g.patient = c.patient
where h.key = any($1::bytea[])
order by h.key, c.patient
"""

TASKS = """
insert into match_task as t (first, second, why, kinds, differs, state, opened)
select first, second, 'contested', string_to_array(kinds, ' '), string_to_array(differs, ' '), 'open', $5
from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) as n (first, second, kinds, differs) order by first, second
on conflict (first, second) do update set why = 'contested', kinds = excluded.kinds, differs = excluded.differs,
    state = case when t.decided is null or (t.state = 'same' and t.differs <> excluded.differs) then 'open' else t.state end
"""
"""What somebody has decided stays decided, unless records called one person now differ in another way."""

SETTLED = """
delete from match_task t using unnest($1::bigint[], $2::bigint[]) as p (first, second)
where t.first = p.first and t.second = p.second and t.why = 'contested' and t.decided is null
"""
"""Contested pairs nobody has looked at and that differ no longer."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one patient (rid) came with."""

    key: bytes
    kind: str
    patient: int
    place: str


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """For `Hooks.guards`: refuse Patients with an identifier that is wrong in itself. Raises InvalidResource with every one of them."""
    today = tx.now.astimezone(region_zone()).date()
    faults: list[Issue] = []
    for change in changes:
        if change.type != "Patient" or change.resource is None:
            continue
        for place, one in enumerate(change.resource.get("identifier", ())):
            if (found := fault_of(one, today)) is not None:
                kind, reason = found
                where = f"{change.place or 'Patient'}.identifier[{place}].value"
                text = f"The {kind.code} number is wrong: {reason}. Correct it, or leave it out and complete it later."
                faults.append(Issue("error", "value", text, where, f"{kind.zh}有误:{ZH[reason]}。请核对,或暂不填写、日后补登。"))
    if faults:
        raise InvalidResource(faults[0].diagnostics, issues=faults)


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store, after `matching.follow`: the claims of the Patients just written, in `tx`.

    One statement for new patients nobody else has an identifier of; a fixed number however many they are. Raises Conflict where an
    institution gave one number to two records.
    """
    patients = [one for one in written if one.type == "Patient" and not one.unchanged]
    if not patients:
        return
    wanted = await _wanted(tx, scope, patients)
    older = [one.rid for one in patients if one.version > 1]
    rows = await tx.fetch(HELD, older) if older else []
    there = {(bytes(row["key"]), row["patient"]): row["how"] for row in rows}
    gone = {pair: how for pair, how in there.items() if pair not in wanted}
    touched = {key for key, _ in there}  # their names may differ now, or no longer
    if gone:
        await _give_up(tx, gone)
    new = [claim for pair, claim in wanted.items() if pair not in there]
    if new:
        touched |= await _claim(tx, new, {one.rid: one for one in patients})
    if touched:
        await _compare(tx, sorted(touched), tx.now)


async def _wanted(tx: Tx, scope: Scope, patients: Sequence[Written]) -> dict[tuple[bytes, int], Claim]:
    """By key and patient. A record's number counts where the institution it is of is known, and is the writer's own."""
    numbers = [(one, number) for one in patients if one.resource is not None for number in numbers_of(one.resource)]
    if not numbers:
        return {}
    secret = await index.secret_of(tx)
    named: dict[tuple[int, Number], str] = {}
    for one, number in numbers:
        if number.kind.alone == "record":
            managing = str(((one.resource or {}).get("managingOrganization") or {}).get("reference", ""))
            named[one.rid, number] = number.assigner or managing
    speaks_for = await _institutions(tx, set(named.values())) if named else {}
    found: dict[tuple[bytes, int], Claim] = {}
    for one, number in numbers:
        institution = speaks_for.get(named.get((one.rid, number), ""), 0)
        if number.kind.alone == "record" and (not institution or not _may_claim_for(scope, institution)):
            continue  # who may not see an institution's patients must not find out which of its numbers are taken
        text = f"{number.kind.code}|{number.issuer}|{institution}|{number.plain}"
        key = blake2b(text.encode(), digest_size=16, key=secret).digest()
        found[key, one.rid] = Claim(key, number.kind.code, one.rid, number.place)
    return found


def _may_claim_for(scope: Scope, institution: int) -> bool:
    return scope.reach == "everything" or institution == scope.institution_rid


async def _institutions(tx: Tx, references: set[str]) -> dict[str, int]:
    """The rids of the institutions these Organizations speak for."""
    ids = {text: target.id for text in references if isinstance(target := parse_reference(text), Local) and target.type == "Organization"}
    if not ids:
        return {}
    rows = await tx.fetch(
        "select id, rid from resource where type = $1 and id = any($2::text[]) and not deleted", type_id("Organization"), list(ids.values())
    )
    rids = {row["id"]: row["rid"] for row in rows}
    speaks_for = await institutions.of(tx, rids.values())
    return {text: speaks_for[rids[id_]].rid for text, id_ in ids.items() if id_ in rids and rids[id_] in speaks_for}


async def _give_up(tx: Tx, gone: Mapping[tuple[bytes, int], str]) -> None:
    held = sorted({key for (key, _), how in gone.items() if how == "claim"})
    contested = [pair for pair, how in gone.items() if how == "contest"]
    if contested:
        await tx.execute(LEAVE, [key for key, _ in contested], [patient for _, patient in contested])
    if held:
        await tx.execute(GIVE_UP, held, sorted({patient for (_, patient), how in gone.items() if how == "claim"}))
        await tx.execute(INHERIT, held)
    patients = sorted({patient for _, patient in gone})
    await tx.execute(
        "delete from match_task t where t.why = 'contested' and t.decided is null and (t.first = any($1) or t.second = any($1))", patients
    )


async def _claim(tx: Tx, new: Sequence[Claim], patients: Mapping[int, Written]) -> set[bytes]:
    """Claim what is free; the keys that somebody else had first. Raises Conflict where that is a record's number."""
    first: dict[bytes, Claim] = {}
    for claim in new:  # of several who bring the same, the first has it
        first.setdefault(claim.key, claim)
    mine = list(first.values())
    rows = await tx.fetch(CLAIM, [one.key for one in mine], [one.kind for one in mine], [one.patient for one in mine], tx.now)
    got = {bytes(row["key"]) for row in rows}
    late = [one for one in new if one.key not in got or first[one.key] is not one]
    if not late:
        return set()
    refused = [one for one in late if KINDS[one.kind].alone == "record"]
    if refused:
        one = refused[0]
        zh = KINDS[one.kind].zh
        raise Conflict(
            f"Patient/{patients[one.patient].id}: another record of the institution has this {one.kind} number already.",
            expression=one.place,
            zh=f"该{zh}在本机构已属于另一份患者登记,请核对。",
            code="duplicate",
        )
    nothing = ["" for _ in late]
    await tx.execute(CONTEST, [one.key for one in late], [one.patient for one in late], [one.kind for one in late], nothing, tx.now)
    return {one.key for one in late}


async def _compare(tx: Tx, keys: Sequence[bytes], now: datetime) -> None:
    """Say anew of all who came with one of these identifiers what tells them from who has claimed it, and put it on the worklist."""
    rows = await tx.fetch(TOGETHER, keys)
    if not rows:
        return
    pairs: dict[tuple[int, int], tuple[set[str], set[str]]] = {}
    contests: list[tuple[bytes, int, str, str]] = []
    for row in rows:
        differs = _differs(row)
        contests.append((row["key"], row["patient"], row["kind"], " ".join(differs)))
        kinds, ways = pairs.setdefault((min(row["holder"], row["patient"]), max(row["holder"], row["patient"])), (set(), set()))
        if differs:
            kinds.add(row["kind"])
            ways.update(differs)
    await tx.execute(CONTEST, *(list(column) for column in zip(*contests, strict=True)), now)
    contested = sorted((pair, said) for pair, said in pairs.items() if said[1])
    if contested:
        await tx.execute(
            TASKS,
            [pair[0] for pair, _ in contested],
            [pair[1] for pair, _ in contested],
            [" ".join(sorted(kinds)) for _, (kinds, _) in contested],
            [" ".join(sorted(ways)) for _, (_, ways) in contested],
            now,
        )
    settled = sorted(pair for pair, said in pairs.items() if not said[1])
    if settled:
        await tx.execute(SETTLED, [pair[0] for pair in settled], [pair[1] for pair in settled])


def _differs(row: Record) -> list[str]:
    """What is said of both and is not the same. A name in Latin letters is held against the sound."""
    found = []
    name, its_name = row["name"], row["its_name"]
    if name and its_name and name != its_name:
        foreign = name.isascii() != its_name.isascii()
        if not (foreign and row["pinyin"] and row["pinyin"] == row["its_pinyin"]):
            found.append("name")
    if row["born"] and row["its_born"] and row["born"] != row["its_born"]:
        found.append("birthDate")
    return found
