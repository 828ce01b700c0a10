"""$card, $withdraw-card: the health card of a resident, on the resident's own phone. $scan-card: a desk scans the code it shows.

docs/reference/health-card.md
"""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any

import msgspec
import segno

from yilian.audit.note import MINOR_FAILURE, by
from yilian.audit.record import note_event
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.fhir.json import parse
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.identity import card
from yilian.identity.card_code import CardRefused
from yilian.store.scope import Scope

Json = dict[str, Any]

NO_STORE = (b"cache-control", b"private, no-store")
SHOW = (Parameter("apply", "boolean"),)
SCAN = (Parameter("code"),)
QUIET_ZONE = 4
"""Modules of white around the code (ISO/IEC 18004, 5.3.8): scanners look for it."""


async def show(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Patient/{id}/$card with apply: a fresh code as text and as a QR code (SVG), and when it ends."""
    called = await called_with(request, SHOW)
    async with house.db.transaction() as tx:
        shown = await card.show(tx, asker, request.segments[1], create=called.flag("apply"))
    answer = of_json(
        _parameters(
            {"name": "code", "valueString": shown.code},
            {"name": "qr", "valueAttachment": {"contentType": "image/svg+xml", "data": _picture(shown.code)}},
            {"name": "expires", "valueInstant": shown.expires.isoformat()},
            {"name": "life", "valueInteger": int(shown.life.total_seconds())},
            {"name": "card", "valueString": shown.card},
            {"name": "opens", "valueInteger": round(shown.opens.total_seconds() / 3600)},
            {"name": "issued", "valueInstant": shown.issued.isoformat(timespec="milliseconds")},
        )
    )
    answer.headers.append(NO_STORE)
    return answer


async def withdraw(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Patient/{id}/$withdraw-card: from now on no code of the card opens anything."""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        await card.withdraw(tx, asker, request.segments[1])
    return of_json({"resourceType": "Parameters"})


async def scan(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Patient/$scan-card with code: who showed it, open to the asker's institution from now on. One row in the trail, also when it is
    refused."""
    code = (await called_with(request, SCAN)).text("code")
    if not code:
        raise BadRequest("Say what was scanned: code.", expression="Parameters.parameter", zh="没有收到二维码内容,请重新扫描。")
    try:
        async with house.db.transaction() as tx:
            scanned = await card.scan(tx, asker, code)
    except CardRefused as refused:
        await _note_refusal(house, asker, refused)
        raise
    answer = of_json(
        _parameters(
            {"name": "patient", "resource": parse(scanned.patient.body)},
            {"name": "card", "valueString": scanned.card},
            {"name": "until", "valueInstant": scanned.until.isoformat(timespec="milliseconds")},
        )
    )
    answer.headers.append(NO_STORE)
    return answer


async def _note_refusal(house: House, asker: Scope, refused: CardRefused) -> None:
    async with house.db.transaction() as tx:
        note = by(asker, tx.now, "operation", "E", operation="scan-card", patient=refused.patient)
        await note_event(tx, msgspec.structs.replace(note, outcome=MINOR_FAILURE, outcome_text=f"card-{refused.reason}"))


def _picture(code: str) -> str:
    """The QR code as SVG without a size of its own, in base64. Error correction M: a phone's screen may be scratched and glaring."""
    out = BytesIO()
    segno.make(code, error="m", boost_error=False, micro=False).save(out, kind="svg", border=QUIET_ZONE, omitsize=True, xmldecl=False)
    return b64encode(out.getvalue()).decode()


def _parameters(*parts: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(parts)}


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Patient", "instance", "card", show, True, "A fresh code of one's own health card", OURS + "patient-card"),
    Operation("Patient", "instance", "withdraw-card", withdraw, True, "Withdraw one's own health card", OURS + "patient-withdraw-card"),
    Operation("Patient", "type", "scan-card", scan, True, "Open the record of whoever shows this code", OURS + "patient-scan-card"),
)
