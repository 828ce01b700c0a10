"""紧急查阅 and who may see: $break-glass, $emergency-access, $grounds on a patient; $emergency-worklist and $emergency-review on Tasks.

Shapes are in docs/reference/consent.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import structs

from yilian.access import break_glass as opening
from yilian.access import review as reviewing
from yilian.access import seers
from yilian.audit.note import by
from yilian.audit.record import note_event, note_read
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.store import read
from yilian.store.scope import Scope

Json = dict[str, Any]

MOST = 200
OPEN = (Parameter("reasonCode"), Parameter("reason"), Parameter("sensitive", "boolean"))
LIST = (Parameter("state"), Parameter("_count", "integer"), Parameter("_cursor"))
REVIEW = (Parameter("verdict"), Parameter("comment"))


async def break_glass(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Patient/{id}/$break-glass: the note in the trail is committed with what it tells of, before the answer leaves."""
    called = await called_with(request, OPEN)
    code, reason, sensitive = called.text("reasonCode"), called.text("reason"), called.flag("sensitive")
    async with house.db.transaction() as tx:
        opened = await opening.break_glass(tx, asker, request.segments[1], code=code, reason=reason, sensitive=sensitive)
        note = by(
            asker,
            tx.now,
            "operation",
            "E",
            operation="break-glass",
            patient=opened.patient,
            entities=(f"Patient/{request.segments[1]}", f"Task/{opened.task}"),
            address=request.address,
        )
        await note_event(tx, structs.replace(note, purpose="ETREAT", ground="emergency", outcome_text=f"{code}: {reason.strip()}"))
    parts = [
        {"name": "opened", "valueInstant": _instant(opened.opened)},
        {"name": "until", "valueInstant": _instant(opened.until)},
        {"name": "sensitive", "valueBoolean": opened.sensitive},
        {"name": "review", "valueReference": {"reference": f"Task/{opened.task}"}},
    ]
    return of_json({"resourceType": "Parameters", "parameter": parts}, 201)


async def emergency_access(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Patient/{id}/$emergency-access: until when the asker's institution reads this patient on one; 404 where there is none."""
    await called_with(request, ())
    async with house.db.reading() as tx:
        patient = await read.by_id(tx, asker, "Patient", request.segments[1])
        running = await opening.running(tx, asker, patient.rid)
    await note_read(house.reads, asker, [patient], "emergency-access", request.address)
    parts: list[Json] = []
    if running is not None:
        parts.append({"name": "until", "valueInstant": _instant(running.until)})
        if running.sensitive_until is not None:
            parts.append({"name": "sensitiveUntil", "valueInstant": _instant(running.sensitive_until)})
    return of_json({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


async def grounds(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Patient/{id}/$grounds: which institutions may read the record just now, and why; for the patient."""
    await called_with(request, ())
    async with house.db.reading() as tx:
        patient = await read.by_id(tx, asker, "Patient", request.segments[1])
        found = await seers.seers(tx, asker, request.segments[1])
    await note_read(house.reads, asker, [patient], "grounds", request.address)
    parts = []
    for one in found:
        inside: list[Json] = [
            {"name": "institution", "valueReference": {"reference": f"Organization/{one.institution}", "display": one.name}},
            {"name": "kind", "valueCode": one.kind},
            {"name": "since", "valueInstant": _instant(one.since)},
            {"name": "refused", "valueBoolean": one.refused},
            {"name": "sensitive", "valueBoolean": one.sensitive},
        ]
        if one.until is not None:
            inside.append({"name": "until", "valueInstant": _instant(one.until)})
        parts.append({"name": "ground", "part": inside})
    return of_json({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


async def worklist(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$emergency-worklist?state=&_count=&_cursor=: the emergency accesses of the reviewer's institution, newest first."""
    called = await called_with(request, LIST)
    asked = called.one("_count")
    count = 50 if asked is None else int(asked)
    if not 1 <= count <= MOST:
        raise BadRequest(f"_count must be a whole number from 1 to {MOST}.")
    async with house.db.transaction() as tx:
        page = await reviewing.worklist(tx, asker, called.text("state"), count=count, cursor=called.text("_cursor") or None)
        for one in page.accesses:
            await note_event(tx, _looked(asker, request, tx.now, "emergency-worklist", one))
    parts: list[Json] = [{"name": "total", "valueInteger": page.total}]
    if page.next:
        parts.append({"name": "next", "valueString": page.next})
    parts += [{"name": "access", "part": _shown(one)} for one in page.accesses]
    return of_json({"resourceType": "Parameters", "parameter": parts})


async def review(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Task/{id}/$emergency-review with verdict (justified | unjustified) and comment."""
    called = await called_with(request, REVIEW)
    async with house.db.transaction() as tx:
        done = await reviewing.review(tx, asker, request.segments[1], verdict=called.text("verdict"), words=called.text("comment"))
        note = _looked(asker, request, tx.now, "emergency-review", done)
        await note_event(tx, structs.replace(note, outcome_text=f"{done.state}: {done.verdict}"))
    return of_json({"resourceType": "Parameters", "parameter": _shown(done)})


def _looked(asker: Scope, request: Request, now: datetime, what: str, one: reviewing.Access) -> Any:
    return by(
        asker,
        now,
        "operation",
        "E",
        operation=what,
        patient=one.patient_rid,
        entities=(f"Patient/{one.patient}", f"Task/{one.task}"),
        address=request.address,
    )


def _shown(one: reviewing.Access) -> list[Json]:
    parts: list[Json] = [
        {"name": "task", "valueReference": {"reference": f"Task/{one.task}"}},
        {"name": "patient", "valueReference": {"reference": f"Patient/{one.patient}", "display": one.patient_name}},
        {"name": "opener", "valueString": one.name},
        {"name": "reasonCode", "valueCoding": {"system": opening.REASONS, "code": one.code, "display": opening.CODES[one.code]}},
        {"name": "reason", "valueString": one.reason},
        {"name": "sensitive", "valueBoolean": one.sensitive},
        {"name": "opened", "valueInstant": _instant(one.opened)},
        {"name": "until", "valueInstant": _instant(one.until)},
        {"name": "reads", "valueInteger": one.reads},
        {"name": "state", "valueCode": one.state},
    ]
    if one.reviewed is not None:
        parts += [
            {"name": "comment", "valueString": one.verdict},
            {"name": "reviewed", "valueInstant": _instant(one.reviewed)},
        ]
    return parts


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation(
        "Patient",
        "instance",
        "break-glass",
        break_glass,
        True,
        "Open a record in an emergency, for a time and reviewed",
        OURS + "break-glass",
    ),
    Operation(
        "Patient", "instance", "emergency-access", emergency_access, False, "The emergency access that runs", OURS + "emergency-access"
    ),
    Operation("Patient", "instance", "grounds", grounds, False, "Who may see this record, and why", OURS + "patient-grounds"),
    Operation("Task", "type", "emergency-worklist", worklist, False, "Emergency accesses to be reviewed", OURS + "emergency-worklist"),
    Operation("Task", "instance", "emergency-review", review, True, "Was this emergency access justified?", OURS + "emergency-review"),
)
