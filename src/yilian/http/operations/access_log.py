"""Patient/{id}/$access-log: who had to do with the record of this patient, by the day."""

from __future__ import annotations

from yilian.audit import access_log
from yilian.audit.events import MOST, USUAL
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.http.answer import Answer
from yilian.http.bundles import of_page
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.store.page import Page
from yilian.store.scope import Scope


async def of_patient(house: House, asker: Scope, request: Request) -> Answer:
    """/Patient/{id}/$access-log with _count and _cursor; whole days, newest first."""
    called = await called_with(request, (Parameter("_count", "integer"), Parameter("_cursor")))
    count = called.one("_count")
    if count is not None and not 1 <= count <= MOST:
        raise BadRequest(f"_count must be a whole number from 1 to {MOST}.", zh=f"_count 应为 1 至 {MOST} 的整数。")
    async with house.db.transaction() as tx:
        page = await access_log.lines(
            tx,
            asker,
            request.segments[1],
            zone=house.zone,
            count=int(count or USUAL),
            cursor=called.text("_cursor"),
            base=request.base,
        )
        moment = tx.now
    return of_page(request, Page(page.matches, next=page.next), moment)


OPERATIONS = (
    Operation(
        "Patient",
        "instance",
        "access-log",
        of_patient,
        False,
        "Who had to do with a patient's record, by the day",
        urls.BASE + "OperationDefinition/patient-access-log",
    ),
)
