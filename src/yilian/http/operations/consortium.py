"""How a consortium is run: agreements, resolutions and plans, members that have to rectify, and how a membership ends.

docs/reference/directory.md
"""

from __future__ import annotations

from datetime import date
from typing import Any

from yilian.access.policy import require
from yilian.audit.record import note_read
from yilian.consortium import agreements, ending, papers, rectifying
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.http import conditional
from yilian.http.answer import Answer, of_stored, version_headers
from yilian.http.bundles import searchset
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.operations.directory import links_of_page, paged
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.store.change import Written
from yilian.store.read import Stored
from yilian.store.scope import Scope

Json = dict[str, Any]

PAGE = tuple(Parameter(name) for name in ("_count", "_offset"))
AGREEMENT = (Parameter("agreement", "resource", of="Contract"),)
AGREEMENTS = (Parameter("state"), Parameter("member"), *PAGE)
PAPER = (Parameter("paper", "resource", of="DocumentReference"), Parameter("file", "resource", of="Binary"))
PAPERS = (Parameter("kind"), Parameter("year"), *PAGE)
FILE = (Parameter("paper"),)
RECTIFY = tuple(Parameter(name) for name in ("reason", "until", "resolution"))
RECTIFIED = (Parameter("note"),)
END = tuple(Parameter(name) for name in ("end", "resolution", "reason"))
USUAL, MOST = 30, 200


async def keep_agreement(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Organization/{id}/$keep-agreement with agreement, and If-Match where it has an id: the Contract as it is stored now."""
    agreement = _resource(await called_with(request, AGREEMENT), "agreement", "请填写协议。")
    async with house.db.transaction() as tx:
        stored = await agreements.keep(tx, asker, request.segments[1], agreement, _version(request))
    return _answer(stored)


async def list_agreements(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Organization/{id}/$agreements?state=in-force|ended|draft&member=&_count=&_offset=: Contracts, by when they end."""
    require(asker, "read", "Contract")
    called = await called_with(request, AGREEMENTS)
    offset, count = paged(called, USUAL, MOST)
    member = called.text("member").removeprefix("Organization/")
    async with house.db.transaction() as tx:
        found, total = await agreements.listed(
            tx, asker, request.segments[1], state=called.text("state"), member=member, offset=offset, count=count
        )
    return await _told(house, asker, request, "agreements", found, offset, total)


async def keep_paper(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Organization/{id}/$keep-paper with paper, file, and If-Match where it has an id: the DocumentReference as it is stored now."""
    called = await called_with(request, PAPER)
    paper = _resource(called, "paper", "请填写文件信息。")
    async with house.db.transaction() as tx:
        stored = await papers.keep(tx, asker, request.segments[1], paper, called.one("file"), _version(request))
    return _answer(stored)


async def list_papers(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Organization/{id}/$papers?kind=&year=&_count=&_offset=: DocumentReferences, the newest first."""
    require(asker, "read", "DocumentReference")
    called = await called_with(request, PAPERS)
    offset, count = paged(called, USUAL, MOST)
    async with house.db.transaction() as tx:
        found, total = await papers.listed(
            tx, asker, request.segments[1], kind=called.text("kind"), year=called.text("year"), offset=offset, count=count
        )
    return await _told(house, asker, request, "papers", found, offset, total)


async def show_file(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Organization/{id}/$paper-file?paper=: the file of a paper, a Binary."""
    require(asker, "read", "DocumentReference")
    called = await called_with(request, FILE)
    async with house.db.transaction() as tx:
        found = await papers.file_of(tx, asker, request.segments[1], called.text("paper").removeprefix("DocumentReference/"))
    await note_read(house.reads, asker, [found], "paper-file", request.address)
    return of_stored(found)


async def ask_to_rectify(house: House, asker: Scope, request: Request) -> Answer:
    """POST /OrganizationAffiliation/{id}/$rectify with reason, until and resolution: the notice, a Task."""
    called = await called_with(request, RECTIFY)
    until = _day(called, "until") if called.text("until") else None
    async with house.db.transaction() as tx:
        stored = await rectifying.ask(tx, asker, request.segments[1], called.text("reason"), until, called.text("resolution"))
    return _answer(stored)


async def close_notice(house: House, asker: Scope, request: Request) -> Answer:
    """POST /OrganizationAffiliation/{id}/$rectified with note: the notice, completed."""
    called = await called_with(request, RECTIFIED)
    async with house.db.transaction() as tx:
        stored = await rectifying.close(tx, asker, request.segments[1], called.text("note"))
    return _answer(stored)


async def list_notices(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Organization/{id}/$rectifications: the notices to rectify, Tasks; a member gets its own."""
    require(asker, "read", "Task")
    await called_with(request, ())
    async with house.db.transaction() as tx:
        found = await rectifying.listed(tx, asker, request.segments[1])
    return await _told(house, asker, request, "rectifications", found, 0, len(found))


async def end_membership(house: House, asker: Scope, request: Request) -> Answer:
    """POST /OrganizationAffiliation/{id}/$end-membership with end, resolution and reason: the membership with its last day."""
    called = await called_with(request, END)
    last, resolution, reason = _day(called, "end"), called.text("resolution"), called.text("reason")
    async with house.db.transaction() as tx:
        stored = await ending.end(tx, asker, request.segments[1], last, resolution, reason, _version(request))
    return _answer(stored)


async def list_endings(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Organization/{id}/$endings: why memberships ended, and by which resolution: Provenances."""
    require(asker, "read", "Provenance")
    await called_with(request, ())
    async with house.db.transaction() as tx:
        found = await ending.endings(tx, asker, request.segments[1])
    return await _told(house, asker, request, "endings", found, 0, len(found))


def _resource(called: Called, name: str, zh: str) -> Json:
    found: Json | None = called.one(name)
    if found is None:
        raise BadRequest(f"{name} is missing.", expression=name, zh=zh)
    return found


def _day(called: Called, name: str) -> date:
    try:
        return date.fromisoformat(called.text(name))
    except ValueError:
        raise BadRequest(f"{name} is a day, 2026-03-01.", expression=name, zh="请填写日期。") from None


def _version(request: Request) -> int | None:
    return conditional.if_match(request.header("if-match"))


def _answer(stored: Written) -> Answer:
    return Answer(201 if stored.created else 200, stored.body, version_headers(stored.version, stored.updated))


async def _told(house: House, asker: Scope, request: Request, name: str, found: list[Stored], offset: int, total: int) -> Answer:
    await note_read(house.reads, asker, found, name, request.address)
    links = {one["relation"]: one["url"] for one in links_of_page(request, "/".join(request.segments), offset, len(found), total)}
    body = searchset(
        request.base, self_link=links["self"], next_link=links.get("next"), total=total, matches=found, moment=house.db.clock()
    )
    return Answer(200, body)


OURS = urls.BASE + "OperationDefinition/"


def _operation(kind: str, name: str, run: Any, writes: bool, title: str) -> Operation:
    return Operation(kind, "instance", name, run, writes, title, OURS + name)


OPERATIONS = (
    _operation("Organization", "keep-agreement", keep_agreement, True, "Keep an agreement of a consortium"),
    _operation("Organization", "agreements", list_agreements, False, "Agreements of a consortium"),
    _operation("Organization", "keep-paper", keep_paper, True, "Keep a resolution, rule or plan of a consortium"),
    _operation("Organization", "papers", list_papers, False, "Resolutions, rules and plans of a consortium"),
    _operation("Organization", "paper-file", show_file, False, "The file of a paper of a consortium"),
    _operation("Organization", "rectifications", list_notices, False, "Members that have to rectify"),
    _operation("Organization", "endings", list_endings, False, "By which resolutions memberships ended"),
    _operation("OrganizationAffiliation", "rectify", ask_to_rectify, True, "Tell a member to rectify"),
    _operation("OrganizationAffiliation", "rectified", close_notice, True, "A member has rectified"),
    _operation("OrganizationAffiliation", "end-membership", end_membership, True, "End a membership by a resolution"),
)
