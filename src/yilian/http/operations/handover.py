"""The operations on the documents of a referral: $handover lists them, $document gives one as it was sent, $paper sets it on A4.

FHIR R4 documents: http://hl7.org/fhir/R4/documents.html
"""

from __future__ import annotations

from yilian import handover
from yilian.audit.record import note_read
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.bundles import of_page
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import called_with
from yilian.http.request import Request
from yilian.store.page import Page
from yilian.store.scope import Scope


async def documents(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/{id}/$handover: the DocumentReferences of a referral, oldest first."""
    await called_with(request, ())
    async with house.db.reading() as tx:
        found = [stored for _, stored in await handover.listed(tx, asker, request.segments[1])]
        moment = tx.now
    await note_read(house.reads, asker, found, "handover", request.address)
    return of_page(request, Page(found, [], total=len(found)), moment)


async def document(house: House, asker: Scope, request: Request) -> Answer:
    """GET /DocumentReference/{id}/$document: the document Bundle, to the byte as it was sent."""
    await called_with(request, ())
    async with house.db.reading() as tx:
        kept = await handover.frozen(tx, asker, request.segments[1])
    await note_read(house.reads, asker, [kept.stored], "document", request.address, strict=True)
    answer = of_json(kept.content)
    answer.headers.append((b"etag", f'"{kept.sha256}"'.encode()))
    return answer


async def paper(house: House, asker: Scope, request: Request) -> Answer:
    """GET /DocumentReference/{id}/$paper: the same as PDF."""
    await called_with(request, ())
    async with house.db.reading() as tx:
        kept = await handover.frozen(tx, asker, request.segments[1])
        made = await handover.paper(tx, asker, kept)
    await note_read(house.reads, asker, [kept.stored], "paper", request.address, strict=True)
    name = f"{kept.kind}-{request.segments[1]}.pdf"
    disposition = f'inline; filename="{name}"'.encode()
    return Answer(200, made, [(b"content-disposition", disposition), (b"cache-control", b"private, no-store")], b"application/pdf")


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Task", "instance", "handover", documents, False, "The documents of a referral", OURS + "referral-handover"),
    Operation("DocumentReference", "instance", "document", document, False, "A document as it was sent", OURS + "handover-document"),
    Operation("DocumentReference", "instance", "paper", paper, False, "The same as PDF", OURS + "handover-paper"),
)
