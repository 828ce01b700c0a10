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

from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

REST = "rest"
USER_AUTHENTICATION = "110114"
LOGIN, LOGOUT = "110122", "110123"
SECURITY_ALERT = "110113"
USER_ATTRIBUTES_CHANGED = "110137"
"""DICOM PS3.15 A.5.1 and PS3.16 CID 400–403: the codes of IHE ATNA."""

SUCCESS, MINOR_FAILURE, SERIOUS_FAILURE = "0", "4", "8"

LONGEST_QUERY = 8000


@dataclass(frozen=True, slots=True)
class Note:
    """What `audit_event` keeps; see 0003_audit.sql for each column.

    recorded         aware
    ground           "self", "region" or ""; "" with a patient and an institution: looked up in `access_ground` when the row is written
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
    ground = "" if patient is None else "self" if own else "region" if reach == "everything" else ""
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


INSERT = """
insert into audit_event (recorded, type, subtype, operation, action, outcome, outcome_text, account, agent, name, client, roles,
                         institution, purpose, ground, ground_source, patient, entities, query, request_id, address)
select n.recorded, n.type, n.subtype, n.operation, n.action, n.outcome, n.outcome_text, n.account, n.agent, n.name, n.client, n.roles,
       n.institution, n.purpose, coalesce(g.kind, n.ground), g.source, n.patient, string_to_array(n.entities, ' '), n.query,
       n.request_id, n.address
from unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::text[], $18::text[], $19::text[],
            $20::text[], $21::bigint[])
     with ordinality as n (recorded, type, subtype, operation, action, outcome, outcome_text, account, agent, name, client, roles,
                           institution, purpose, ground, patient, entities, query, request_id, address, institution_rid, nth)
left join lateral (
    select a.kind, a.source
    from access_ground a
    where n.ground = '' and a.institution = n.institution_rid and a.patient = n.patient and (a.until is null or a.until > n.recorded)
    order by
        array_position('{encounter,registered,contract,referral,consultation,consent,public-health,emergency}'::text[], a.kind),
        a.source desc
    limit 1
) g on true
order by n.nth
"""
"""Rows in the order given. The ground is the most immediate one the institution has at this moment: treating the patient before having
been sent one."""


def columns(notes: Sequence[Note]) -> list[list[object]]:
    """The arguments of `INSERT`."""
    return [
        [n.recorded for n in notes],
        [n.type for n in notes],
        [n.subtype for n in notes],
        [n.operation for n in notes],
        [n.action for n in notes],
        [n.outcome for n in notes],
        [_text(n.outcome_text) for n in notes],
        [_text(n.account) for n in notes],
        [_text(n.agent) for n in notes],
        [_text(n.name) for n in notes],
        [_text(n.client) for n in notes],
        [n.roles for n in notes],
        [_text(n.institution) for n in notes],
        [n.purpose for n in notes],
        [n.ground for n in notes],
        [n.patient for n in notes],
        [" ".join(n.entities) for n in notes],
        [_text(n.query)[:LONGEST_QUERY] for n in notes],
        [_text(n.request_id) for n in notes],
        [_text(n.address) for n in notes],
        [n.institution_rid for n in notes],
    ]


def _text(value: str) -> str:
    """What PostgreSQL can hold: one bad character in a header must not keep every other note from being written."""
    if value.isascii():
        return value.replace("\0", "\ufffd") if "\0" in value else value
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


async def write(tx: Tx, notes: Sequence[Note]) -> None:
    """Write the notes in this transaction."""
    if notes:
        await tx.execute(INSERT, *columns(notes))
