"""One thing worth remembering, and how it becomes a row.

For "who read me?" there is one note for each patient concerned in a request: reading a page with lines of twenty patients leaves
twenty, each with the query and with what was seen of that patient. A write leaves one for each patient and kind of change in the
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from yilian.audit.query import discreet
from yilian.store.scope import Scope
from yilian.writers import Clauses, Part

if TYPE_CHECKING:
    from yilian.db import Tx

REST = "rest"
USER_AUTHENTICATION = "110114"
LOGIN, LOGOUT = "110122", "110123"
SECURITY_ALERT = "110113"
USER_ATTRIBUTES_CHANGED = "110137"
"""DICOM PS3.15 A.5.1 and PS3.16 CID 400–403: the codes of IHE ATNA."""

SUCCESS, MINOR_FAILURE, SERIOUS_FAILURE = "0", "4", "8"

FOR_ANOTHER = "FAMRQT"
"""v3-ActReason: what a guardian does for a ward is asked for by the family (`access.guardians`); the trail names the guardian, and the
guardianship as the ground."""

LONGEST_QUERY = 8000


class Note(msgspec.Struct, frozen=True):
    """What `audit_event` keeps; see 0003_audit.sql for each column. A Struct, since a page about fifty patients makes fifty.

    recorded         aware
    ground           "self", "guardian", "region" or ""; "" with a patient and an institution: looked up in `access_ground` when the row is
                     written
    patient          resource.rid, None where nobody's data is concerned
    entities         "Observation/1/_history/2", in the order seen
    institution_rid  only for looking the ground up
    """

    recorded: datetime
    type: str
    subtype: str
    action: str
    outcome: str = SUCCESS
    outcome_text: str = ""
    operation: str = ""
    account: str = ""
    agent: str = ""
    name: str = ""
    client: str = ""
    roles: str = ""
    institution: str = ""
    institution_rid: int = 0
    purpose: str = ""
    ground: str = ""
    patient: int | None = None
    entities: tuple[str, ...] = ()
    query: str = ""
    request_id: str = ""
    address: str = ""


def by(
    scope: Scope,
    recorded: datetime,
    subtype: str,
    action: str,
    *,
    operation: str = "",
    patient: int | None = None,
    entities: tuple[str, ...] = (),
    query: str = "",
    address: str = "",
) -> Note:
    """A note of what the holder of this scope did over the FHIR interface."""
    reach = scope.reach
    own = reach == "self" or patient == scope.patient_rid  # a resident's one step in a referral is written with a reach that was lent
    theirs = "guardian" if scope.purpose == FOR_ANOTHER else "self"
    ground = "" if patient is None else theirs if own else "region" if reach == "everything" else ""
    return Note(
        recorded,
        REST,
        subtype,
        action,
        SUCCESS,
        "",
        operation,
        scope.user,
        scope.agent,
        scope.name,
        scope.client,
        " ".join(sorted(scope.roles)) if scope.roles else "",
        scope.institution,
        scope.institution_rid,
        scope.purpose,
        ground,
        patient,
        entities,
        query,
        scope.request_id,
        address or scope.address,
    )


COLUMNS = (
    "recorded, type, subtype, operation, action, outcome, outcome_text, account, agent, name, client, roles, institution, purpose,"
    " ground, ground_source, patient, entities, query, request_id, address"
)
_ASKED = (
    "recorded, type, subtype, operation, action, outcome, outcome_text, account, agent, name, client, roles, institution, purpose, ground,"
    " patient, entities, query, request_id, address, institution_rid"
)
_TYPES = {"recorded": "timestamptz", "patient": "bigint", "institution_rid": "bigint"}
_GROUND = """
left join lateral (
    select a.kind, a.source
    from access_ground a
    where n.ground = '' and a.institution = n.institution_rid and a.patient = n.patient
      and (a.until is null or a.until > now() - interval '10 minutes')
    order by
        (a.until is null or a.until > now()) desc,
        array_position('{encounter,registered,visit,contract,referral,consultation,consent,public-health,emergency}'::text[], a.kind),
        a.source desc
    limit 1
) g on true
"""
"""The ground is the most immediate one the institution has at this moment: treating the patient before having been sent one.

Ends are dated by the database's clock, `recorded` by the server's; a note may be written some time after the read, and what ended
meanwhile is named if nothing else is there."""

_KNOWN = "cross join (select null::text as kind, null::bigint as source) g"
"""Where nothing is to be looked up."""


def _insert(places: str, ground: str) -> str:
    return f"""insert into audit_event ({COLUMNS})
select n.recorded, n.type, n.subtype, n.operation, n.action, n.outcome, n.outcome_text, n.account, n.agent, n.name, n.client, n.roles,
       n.institution, n.purpose, coalesce(g.kind, n.ground), g.source, n.patient, string_to_array(n.entities, ' '), n.query,
       n.request_id, n.address
from {places} {ground}"""


def _places(suffix: str) -> str:
    names = _ASKED.split(", ")
    return ", ".join(f"${place}::{_TYPES.get(name, 'text')}{suffix}" for place, name in enumerate(names, 1))


_OWN = ("recorded", "ground", "patient", "entities", "query", "request_id")
"""What differs from note to note. The rest says who did what from where and is the same for many: it is sent once for all of them."""
_SAME = tuple(name for name in _ASKED.split(", ") if name not in _OWN)


def _arrays(names: tuple[str, ...], first: int) -> str:
    return ", ".join(f"${place}::{_TYPES.get(name, 'text')}[]" for place, name in enumerate(names, first))


INSERT = _insert(
    f"unnest({_arrays(_OWN, 1)}, ${len(_OWN) + 1}::integer[]) with ordinality as o ({', '.join(_OWN)}, who, nth)"
    f" join unnest({_arrays(_SAME, len(_OWN) + 2)}) with ordinality as w ({', '.join(_SAME)}, who) on w.who = o.who"
    f" cross join lateral (select {', '.join(('o.' if name in _OWN else 'w.') + name for name in _ASKED.split(', '))}, o.nth) n",
    _GROUND + "order by n.nth",
)
"""Rows in the order given; arguments from `columns`."""

SEVERAL = f"audit as ({INSERT})"
_SINGLE = f"(values ({_places('')})) as n ({_ASKED})"
ONE = f"audit as ({_insert(_SINGLE, _GROUND)})"
ONE_KNOWN = f"audit as ({_insert(_SINGLE, _KNOWN)})"
"""Rows as part of a larger statement: several, a single one, and a single one whose ground need not be looked up."""


@dataclass(frozen=True, slots=True)
class Notes(Part):
    """Notes that are written together with what they tell of."""

    notes: tuple[Note, ...]

    def clauses(self, *, patient: bool) -> Clauses:
        if len(self.notes) > 1:
            return Clauses(SEVERAL, columns(self.notes))
        one = self.notes[0]
        known = one.ground or one.patient is None or not one.institution_rid
        return Clauses(ONE_KNOWN if known else ONE, values(one))

    def with_(self, others: Sequence[Notes]) -> Notes:
        return Notes(sum((one.notes for one in others), self.notes))


def columns(notes: Sequence[Note]) -> list[list[object]]:
    """The arguments of `INSERT`."""
    kinds: dict[tuple[object, ...], int] = {}
    who = [kinds.setdefault(_same(n), len(kinds) + 1) for n in notes]
    own: list[list[object]] = [
        [n.recorded for n in notes],
        [n.ground for n in notes],
        [n.patient for n in notes],
        [" ".join(n.entities) for n in notes],
        [_text(n.query)[:LONGEST_QUERY] for n in notes],
        [_text(n.request_id) for n in notes],
    ]
    columns = zip(*kinds, strict=True)
    same: list[list[object]] = [[_text(value) if isinstance(value, str) else value for value in column] for column in columns]
    return [*own, list(who), *same]


def _same(n: Note) -> tuple[object, ...]:
    """In the order of `_SAME`."""
    return (
        n.type, n.subtype, n.operation, n.action, n.outcome, n.outcome_text, n.account, n.agent, n.name, n.client, n.roles, n.institution,
        n.purpose, n.address, n.institution_rid,
    )  # fmt: skip


def values(n: Note) -> list[object]:
    """The arguments of `ONE` and `ONE_KNOWN`."""
    return [
        n.recorded, n.type, n.subtype, n.operation, n.action, n.outcome, _text(n.outcome_text), _text(n.account), _text(n.agent),
        _text(n.name), _text(n.client), n.roles, _text(n.institution), n.purpose, n.ground, n.patient, " ".join(n.entities),
        _text(n.query)[:LONGEST_QUERY], _text(n.request_id), _text(n.address), n.institution_rid,
    ]  # fmt: skip


def _text(value: str) -> str:
    """What PostgreSQL can hold: one bad character in a header must not keep every other note from being written."""
    if value.isascii():
        return value.replace("\0", "\ufffd") if "\0" in value else value
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


async def write(tx: Tx, notes: Sequence[Note]) -> None:
    """Write the notes in this transaction."""
    if notes:
        await tx.later("audit", Notes(tuple(discreet(tx.db.ring, notes))))
