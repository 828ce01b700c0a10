"""The operations on referrals, as `referral/` carries them out: $refer, $act, $actions, $slip, $worklist, $worklist-counts.

Shapes and names are those of the outside contract; see docs/reference/referral.md.
"""

from __future__ import annotations

from yilian import referral
from yilian.audit.record import note_read
from yilian.errors import BadRequest, NotFound
from yilian.fhir import urls
from yilian.fhir.json import dump
from yilian.http import conditional
from yilian.http.answer import Answer, etag, of_json
from yilian.http.bundles import link, of_page, plain
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import query_words
from yilian.http.request import Request
from yilian.store import read
from yilian.store.scope import Scope

MOST = 200


async def refer(house: House, asker: Scope, request: Request) -> Answer:
    """POST /ServiceRequest/$refer"""
    parameters = await request.resource()
    async with house.db.transaction() as tx:
        made, task = await referral.refer(tx, asker, parameters)
    answer = of_json(referral.refer_answer(made, task), 201)
    answer.headers.append((b"location", f"{request.base}/Task/{task['id']}".encode()))
    return answer


async def act(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Task/{id}/$act with If-Match"""
    parameters = await request.resource()
    seen = conditional.if_match(request.header("if-match"))
    async with house.db.transaction() as tx:
        task = await referral.act(tx, asker, request.segments[1], seen, parameters)
    return Answer(200, dump(task), [(b"etag", etag(int(task["meta"]["versionId"])))])


async def actions(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/{id}/$actions"""
    query_words(request, ())
    async with house.db.reading() as tx:
        stored = await read.by_id(tx, asker, "Task", request.segments[1])
        allowed = await referral.actions(tx, asker, request.segments[1])
    await note_read(house.reads, asker, [stored], "actions", request.address)
    return of_json(referral.actions_answer(allowed))


async def slip(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/{id}/$slip?kind=referral|return&size=A4|A5"""
    asked = query_words(request, ("kind", "size"))
    async with house.db.reading() as tx:
        stored = await read.by_id(tx, asker, "Task", request.segments[1])
        made = await referral.slip(tx, asker, request.segments[1], asked.get("kind", "referral"), asked.get("size", "A4"))
    await note_read(house.reads, asker, [stored], "slip", request.address, strict=True)  # it tells more than the Task
    name = f"{asked.get('kind', 'referral')}-{request.segments[1]}.pdf"
    return Answer(
        200,
        made,
        [(b"content-disposition", f'inline; filename="{name}"'.encode()), (b"cache-control", b"private, no-store")],
        b"application/pdf",
    )


async def verify_slip(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$verify-slip?code=: what the code on a printed slip stands for, and whether the referral has moved on since."""
    code = query_words(request, ("code",)).get("code", "")
    if not code:
        raise BadRequest("Say which code: code=….", zh="请输入单据上的验证码。")
    async with house.db.reading() as tx:
        printed = await referral.verify(tx, asker, code)
        if printed is None:
            raise NotFound("No slip with this code was printed for a referral you may see.", zh="没有查到该验证码对应的单据。")
        stored = await read.by_id(tx, asker, "Task", printed.task_id)
    await note_read(house.reads, asker, [stored], "verify-slip", request.address)
    parts = [
        {"name": "number", "valueString": printed.number},
        {"name": "kind", "valueCode": printed.kind},
        {"name": "task", "valueReference": {"reference": f"Task/{printed.task_id}"}},
        {"name": "current", "valueBoolean": printed.is_current},
        {"name": "printed", "valueInstant": printed.printed_at.isoformat(timespec="milliseconds")},
    ]
    return of_json({"resourceType": "Parameters", "parameter": parts})


async def worklist(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$worklist?list=…"""
    asked = query_words(request, ("list", "state", "priority", "direction", "green", "q", "_count", "_cursor"))
    if "list" not in asked:
        raise BadRequest(f"Say which list: list={' | '.join(referral.LISTS)}.")
    count = asked.get("_count", "50")
    if not count.isdigit() or not 1 <= int(count) <= MOST:
        raise BadRequest(f"_count must be a whole number from 1 to {MOST}.")
    async with house.db.reading() as tx:
        page = await referral.worklist(
            tx,
            asker,
            asked["list"],
            state=asked.get("state", ""),
            priority=asked.get("priority", ""),
            direction=asked.get("direction", ""),
            green=asked.get("green", ""),
            q=asked.get("q", ""),
            count=int(count),
            cursor=asked.get("_cursor"),
        )
        moment = tx.now
    query = link("", "Task/$worklist", plain(request.query))[1:]
    await note_read(house.reads, asker, [*page.matches, *page.included], "worklist", request.address, query=query)
    return of_page(request, page, moment)


async def worklist_counts(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$worklist-counts"""
    query_words(request, ())
    async with house.db.reading() as tx:
        counts = await referral.worklist_counts(tx, asker)
    return of_json({"resourceType": "Parameters", "parameter": [{"name": name, "valueInteger": number} for name, number in counts.items()]})


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("ServiceRequest", "type", "refer", refer, True, "Write a referral, and send it unless submit is false", OURS + "refer"),
    Operation("Task", "instance", "act", act, True, "Take one step in a referral", OURS + "referral-act"),
    Operation("Task", "instance", "actions", actions, False, "The steps this user may take now", OURS + "referral-actions"),
    Operation("Task", "instance", "slip", slip, False, "转诊单 or 回转单 as PDF", OURS + "referral-slip"),
    Operation("Task", "type", "verify-slip", verify_slip, False, "What a printed slip stands for", OURS + "referral-verify-slip"),
    Operation(
        "Task", "type", "worklist", worklist, False, "One worklist of this user's post, by urgency and clock", OURS + "referral-worklist"
    ),
    Operation(
        "Task",
        "type",
        "worklist-counts",
        worklist_counts,
        False,
        "How many referrals wait in each worklist",
        OURS + "referral-worklist-counts",
    ),
)
