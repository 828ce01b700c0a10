"""Two records become one person, and are parted again: who did it, when and why is kept, and nothing of a record is altered.

A link is a Person that gathers both (`persons`), a Provenance that tells who and why, a line in the trail of each patient concerned, and a
row of `match_task` that says what was decided of the pair. What was parted by hand is never joined again but by hand.
FHIR R4: http://hl7.org/fhir/R4/person.html; activities: http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from yilian.audit.note import by as note_of
from yilian.audit.note import write as note
from yilian.errors import BadRequest, Conflict, NotFound
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.identity import persons
from yilian.sealing.keyring import opened
from yilian.store.change import Change
from yilian.store.scope import Scope, lent
from yilian.store.write import stamp, write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

SHORTEST, LONGEST = 2, 500
"""Characters of a reason."""

LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
BY_HAND, BY_ITSELF = "level4", "level3"
"""http://hl7.org/fhir/R4/valueset-identity-assuranceLevel.html: very high, high"""

DECIDE = """
insert into match_task as t (first, second, why, state, opened, decided, account, name, reason)
select least(a, b), greatest(a, b), 'asked', $3, $4, $5, $6, $7, $8 from unnest($1::bigint[], $2::bigint[]) as p (a, b)
order by 1, 2
on conflict (first, second) do update set state = excluded.state, decided = coalesce(excluded.decided, t.decided),
    account = excluded.account, name = excluded.name, reason = excluded.reason
"""
WEIGHED = """
update match_candidate c set state = $3, decided = $4
from unnest($1::bigint[], $2::bigint[]) as p (a, b) where c.first = least(a, b) and c.second = greatest(a, b)
"""
CANDIDATE = {"same": "linked", "different": "different", "later": "undecided", "open": "undecided"}
"""What `match_candidate.state` is for each state of a task somebody has decided."""

APART = """
select f.id as first, s.id as second from match_task t join resource f on f.rid = t.first join resource s on s.rid = t.second
where t.state = 'different' and ((t.first = any($1::bigint[]) and t.second = any($2::bigint[]))
    or (t.first = any($2::bigint[]) and t.second = any($1::bigint[])))
limit 1
"""
SAME = "select first, second from match_task where state = 'same' and first = any($1::bigint[]) and second = any($1::bigint[])"


@dataclass(frozen=True, slots=True)
class Steward(Scope):
    """Who links, with the reach it takes to write a Person. Made here alone, after the asker's right to link has been checked."""


def reason_of(text: str) -> str:
    """A reason as it is kept. Raises BadRequest for one that says nothing or too much."""
    reason = " ".join(text.split())
    if not SHORTEST <= len(reason) <= LONGEST:
        raise BadRequest(
            f"Say why, in {SHORTEST} to {LONGEST} characters: the reason is kept.",
            expression="Parameters.parameter.where(name='reason')",
            zh=f"请填写理由({SHORTEST} 至 {LONGEST} 字),理由将留存备查。",
        )
    return reason


async def link(tx: Tx, scope: Scope, first: int, second: int, *, reason: str, by_hand: bool = True) -> str:
    """The records `first` and `second` (rids) and all that each is linked to are one person from now on; its id, "Person/…".

    Linking what is linked already changes nothing but the decision that is kept. The caller has found out that `scope` may link. Raises
    NotFound for a patient who is not there, Conflict when a pair among them was decided to be two people.
    """
    if first == second:
        raise BadRequest("A record is not linked to itself.", expression="other", zh="不能与自身关联。")
    await persons.hold(tx)
    person_of = await _patients(tx, [first, second])
    mine, its = await _group(tx, first, person_of), await _group(tx, second, person_of)
    if first not in its:
        await _refuse_parted(tx, mine, its)
        kept, emptied = _elder(person_of.get(first), person_of.get(second))
        id_ = await _join(tx, scope, kept, emptied, mine, its, BY_HAND if by_hand else BY_ITSELF, reason)
    else:
        id_ = await _id_of(tx, person_of[first])
    await _decided(tx, scope, [(first, second)], "same", reason, by_hand)
    await _tell(tx, scope, "link", sorted({*mine, *its}), id_)
    return f"Person/{id_}"


async def unlink(tx: Tx, scope: Scope, patient: int, *, reason: str) -> list[int]:
    """The record `patient` (rid) belongs to nobody's person any more; those it is now kept apart from, by rid.

    Raises NotFound for a patient who is not there, Conflict where it is linked to nobody.
    """
    await persons.hold(tx)
    person_of = await _patients(tx, [patient])
    others = [one for one in await _group(tx, patient, person_of) if one != patient]
    if not others:
        raise Conflict("This record is not linked to any other.", zh="该登记未与其他登记关联。")
    id_ = await _part(tx, scope, person_of[patient], [patient], reason)
    await _decided(tx, scope, [(patient, other) for other in others], "different", reason, True)
    await _tell(tx, scope, "unlink", sorted([patient, *others]), id_)
    return others


async def undo(tx: Tx, scope: Scope, first: int, second: int, *, reason: str) -> None:
    """Take back what was decided of a pair; it is open again and nothing decides it but a person.

    Was it called one person, then the two are parted, each with those it is linked to otherwise. Raises Conflict where they are linked by
    other pairs as well: the record itself is taken out then (`unlink`).
    """
    await persons.hold(tx)
    person_of = await _patients(tx, [first, second])
    together = await _group(tx, first, person_of)
    if second in together:
        leaving = await _reached(tx, second, together, without=(min(first, second), max(first, second)))
        if first in leaving:
            raise Conflict(
                "Other decisions link these two as well. Take one of the records out of its person ($unlink).",
                zh="两份登记还通过其他核对结果关联在一起,请改用“移出此人”。",
            )
        id_ = await _part(tx, scope, person_of[first], leaving, reason)
        if len(leaving) > 1:
            await _join(tx, scope, None, None, leaving[:1], leaving[1:], BY_HAND, reason)
        await _tell(tx, scope, "unlink", sorted(together), id_)
    else:
        await _tell(tx, scope, "undo", [first, second])
    await _decided(tx, scope, [(first, second)], "open", reason, True)


async def keep_apart(tx: Tx, scope: Scope, first: int, second: int, *, reason: str) -> None:
    """The two are two people: they are not linked, and never will be but by hand. Raises Conflict when they are linked now."""
    await persons.hold(tx)
    person_of = await _patients(tx, [first, second])
    if second in await _group(tx, first, person_of):
        raise Conflict("These two are linked. Take one of them out of its person ($unlink).", zh="两份登记已关联,请先解除关联。")
    await _decided(tx, scope, [(first, second)], "different", reason, True)
    await _tell(tx, scope, "keep-apart", [first, second])


async def put_off(tx: Tx, scope: Scope, first: int, second: int, *, reason: str) -> None:
    """Somebody has looked at the pair and could not tell yet."""
    await _decided(tx, scope, [(first, second)], "later", reason, True)
    await _tell(tx, scope, "put-off", [first, second])


async def members(tx: Tx, patient: int) -> list[int]:
    """The rids of all records of the same person, this one among them, in ascending order."""
    rows = await tx.fetch(
        "select o.patient from person_member m join person_member o on o.person = m.person where m.patient = $1 order by 1", patient
    )
    return [row["patient"] for row in rows] or [patient]


# --- groups


async def _patients(tx: Tx, rids: Sequence[int]) -> dict[int, int]:
    """The Person (rid) of those who have one. Raises NotFound where one of them is not there."""
    rows = await tx.fetch(
        "select r.rid, m.person from resource r left join person_member m on m.patient = r.rid"
        " where r.rid = any($1::bigint[]) and r.type = $2 and not r.deleted",
        list(rids),
        type_id("Patient"),
    )
    if len(rows) < len(set(rids)):
        raise NotFound("There is no such Patient.", zh="没有找到该患者登记。")
    return {row["rid"]: row["person"] for row in rows if row["person"] is not None}


async def _group(tx: Tx, patient: int, person_of: dict[int, int]) -> list[int]:
    return await members(tx, patient) if patient in person_of else [patient]


async def _refuse_parted(tx: Tx, mine: Sequence[int], its: Sequence[int]) -> None:
    row = await tx.fetchrow(APART, mine, its)
    if row is not None:
        raise Conflict(
            f"Patient/{row['first']} and Patient/{row['second']} were decided to be two people. Undo that first.",
            zh="其中有两份登记已判定为不是同一人,请先撤销该判定。",
        )


async def _reached(tx: Tx, start: int, among: Sequence[int], without: tuple[int, int]) -> list[int]:
    """Those of a person that decisions link to `start`, itself first, leaving one pair aside."""
    pairs = [(row["first"], row["second"]) for row in await tx.fetch(SAME, among)]
    reached, todo = {start}, [start]
    while todo:
        here = todo.pop()
        for pair in pairs:
            if here in pair and pair != without:
                other = pair[0] if pair[1] == here else pair[1]
                if other not in reached:
                    reached.add(other)
                    todo.append(other)
    return [start, *sorted(reached - {start})]


def _elder(first: int | None, second: int | None) -> tuple[int | None, int | None]:
    """The Person that stays and the one that is emptied: the older one stays."""
    there = sorted(one for one in (first, second) if one is not None)
    return (there[0] if there else None), (there[1] if len(there) > 1 else None)


# --- writing


async def _join(
    tx: Tx, scope: Scope, kept: int | None, emptied: int | None, mine: Sequence[int], its: Sequence[int], assurance: str, reason: str
) -> str:
    """Write the Person of all of them; its id."""
    changes: list[Change] = []
    if kept is None:
        id_, person = tx.new_id(), _person()
    else:
        id_, person = await _body(tx, kept)
    if emptied is not None:
        other, gone = await _body(tx, emptied)
        changes.append(Change("PUT", "Person", other, _empty(gone)))
        changes.append(_provenance(tx, scope, other, "unlink", reason))
    rows = await tx.fetch("select id from resource where rid = any($1::bigint[]) order by rid", [*mine, *its])
    linked = list(person.get("link", ()))
    there = persons.patients_of(person)
    linked += [{"target": {"reference": f"Patient/{row['id']}"}, "assurance": assurance} for row in rows if row["id"] not in there]
    changes.append(Change("POST" if kept is None else "PUT", "Person", id_, {**person, "active": True, "link": linked}))
    changes.append(_provenance(tx, scope, id_, "link", reason))
    if emptied is not None:  # its members are free before the other takes them in
        await write(tx, _lent(scope), changes[:2])
        changes = changes[2:]
    await write(tx, _lent(scope), changes)
    return id_


async def _part(tx: Tx, scope: Scope, person: int, leaving: Sequence[int], reason: str) -> str:
    """Take these out of a Person; where one is left, it needs none. The id of the Person."""
    id_, body = await _body(tx, person)
    rows = await tx.fetch("select id from resource where rid = any($1::bigint[])", list(leaving))
    gone = {f"Patient/{row['id']}" for row in rows}
    left = [one for one in body.get("link", ()) if (one.get("target") or {}).get("reference") not in gone]
    changed = {**body, "link": left} if len(left) > 1 else _empty(body)
    await write(tx, _lent(scope), [Change("PUT", "Person", id_, changed), _provenance(tx, scope, id_, "unlink", reason)])
    return id_


async def _body(tx: Tx, person: int) -> tuple[str, Json]:
    row = await tx.fetchrow("select id, body from resource where rid = $1", person)
    assert row is not None, "person_member refers to resource"
    body = parse(opened(person, row["body"]).encode())
    body.pop("meta", None)
    return row["id"], body


async def _id_of(tx: Tx, person: int) -> str:
    return str(await tx.fetchval("select id from resource where rid = $1", person))


def _person() -> Json:
    return {"resourceType": "Person"}


def _empty(person: Json) -> Json:
    return {**{key: value for key, value in person.items() if key != "link"}, "active": False}


def _provenance(tx: Tx, scope: Scope, person: str, activity: Literal["link", "unlink"], reason: str) -> Change:
    return Change(
        "POST",
        "Provenance",
        None,
        {
            "resourceType": "Provenance",
            "target": [{"reference": f"Person/{person}"}],
            "recorded": stamp(tx.now),
            "activity": {"coding": [{"system": LIFECYCLE, "code": activity}]},
            "reason": [{"text": reason}],
            "agent": [{"who": {"display": scope.name or scope.user, "identifier": {"system": urls.ACCOUNT, "value": scope.user}}}],
        },
    )


def _lent(scope: Scope) -> Steward:
    return lent(scope, Steward, "everything")


async def _decided(tx: Tx, scope: Scope, pairs: Sequence[tuple[int, int]], state: str, reason: str, by_hand: bool) -> None:
    """Keep what was decided of these pairs; what is done without asking is nobody's decision."""
    a, b = [one for one, _ in pairs], [other for _, other in pairs]
    when = tx.now if by_hand else None
    await tx.execute(DECIDE, a, b, state, tx.now, when, scope.user, scope.name or scope.user, reason)
    await tx.execute(WEIGHED, a, b, CANDIDATE[state], tx.now)


async def _tell(tx: Tx, scope: Scope, operation: str, patients: Sequence[int], person: str = "") -> None:
    """A line in the trail of each patient concerned."""
    seen = (f"Person/{person}",) if person else ()
    await note(tx, [note_of(scope, tx.now, "operation", "U", operation=operation, patient=one, entities=seen) for one in patients])
