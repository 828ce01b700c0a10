"""$validate: would this do? Answers with every issue; nothing is ever stored.

    POST /{type}/$validate          a resource, bare or as the parameter `resource`
    POST /{type}/{id}/$validate     the same for an update of that one; without a resource the stored one
    GET  /{type}/{id}/$validate     the stored one

`profile` (repeatable) names what it is held against besides what it names itself and policy asks. `mode`:

    (none)            the resource by itself; references that lead nowhere are warnings
    create, update    as a write of the asker's would be: it is carried out and rolled back, so guards, references, versions and permissions
                      speak as they would
    delete            the same for a deletion; no resource is needed
    profile           the resource by itself; the profiles that are asked for have to be met

A profile the asker's institution only warns of (policy `validation.*`) gives warnings here as it does on a write.
FHIR R4: http://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from yilian.audit.record import note_read
from yilian.db import Tx
from yilian.errors import BadRequest, InvalidResource, Issue, NotSupported, Unavailable, YilianError
from yilian.fhir.json import parse
from yilian.fhir.outcome import outcome
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import EVERY_TYPE, HL7, Operation
from yilian.http.request import Request
from yilian.store import integrity, read
from yilian.store.change import Change
from yilian.store.plan import Plan
from yilian.store.scope import Scope
from yilian.store.write import write
from yilian.validation import book, issues, judge

Json = dict[str, Any]
MODES = ("create", "update", "delete", "profile")
WRITES = ("create", "update", "delete")
MOST_PROFILES = 20


class _Undone(Exception):
    """Rolls back what was tried."""


@dataclass(slots=True)
class _Asked:
    """What is asked: `resource` None where none was sent."""

    mode: str = ""
    profiles: tuple[str, ...] = ()
    resource: Any = None
    sent: bool = False


async def of_type(house: House, asker: Scope, request: Request) -> Answer:
    """POST /{type}/$validate"""
    asked = await _read(request)
    if asked.mode == "delete":
        raise BadRequest("mode=delete is asked of one resource: POST /{type}/{id}/$validate.", expression="mode")
    if not asked.sent:
        raise BadRequest("Send the resource, bare or as the parameter `resource`.", zh="请提交要校验的资源。", expression="resource")
    return of_json(outcome(await _judged(house, asker, request, asked, "", None)))


async def of_one(house: House, asker: Scope, request: Request) -> Answer:
    """GET and POST /{type}/{id}/$validate"""
    kind, id_ = request.segments[:2]
    asked = await _read(request)
    if asked.mode == "delete":
        return of_json(outcome(await _tried(house, asker, request, Change("DELETE", kind, id_, None))))
    stored: Json | None = None
    if not asked.sent or asked.mode not in WRITES:
        async with house.db.reading() as tx:
            found = await read.by_id(tx, asker, kind, id_)
        await note_read(house.reads, asker, [found], "validate", request.address)
        stored = parse(found.body)
        if not asked.sent:
            asked.resource = stored
    return of_json(outcome(await _judged(house, asker, request, asked, id_, stored)))


async def _judged(house: House, asker: Scope, request: Request, asked: _Asked, id_: str, stored: Json | None) -> list[Issue]:
    """The issues of a resource: its own, those of profiles, and those of writing it."""
    kind, resource = request.segments[0], asked.resource
    told = issues(resource, warnings=True)
    if isinstance(resource, dict) and isinstance(stated := resource.get("resourceType"), str) and stated != kind and not _errors(told):
        told.append(
            Issue("error", "invalid", f"This is the address of {kind}, the resource is a {stated}.", "resourceType", f"此地址为 {kind}。")
        )
    if _errors(told):
        if asked.profiles:
            told.append(
                Issue(
                    "information",
                    "informational",
                    "Profiles are looked at when these errors are mended.",
                    zh="请先更正以上错误,再检查规范。",
                )
            )
        return told
    async with house.db.reading() as tx:
        by = await judge.rules(tx, asker)
        applied = judge.applicable(resource, by) | dict.fromkeys(asked.profiles, ("refuse", True))
        told += await judge.judged(tx, await book.current(tx), resource, applied, by)
        if asked.mode not in WRITES:
            told += await _pointing(tx, asker, request, resource, id_, stored)
    if asked.mode in WRITES and not _errors(told):
        told += _own_id(asked, resource, id_) or await _tried(house, asker, request, _change(asked, kind, resource, id_))
    return told


def _errors(told: list[Issue]) -> bool:
    return any(issue.severity in ("fatal", "error") for issue in told)


def _own_id(asked: _Asked, resource: Json, id_: str) -> list[Issue]:
    if asked.mode != "update":
        return []
    own = resource.get("id")
    if own is None or (id_ and own != id_):
        said = f"An update needs the id of what it replaces{f', {id_}' if id_ else ''}."
        return [Issue("error", "invalid", said, f"{resource['resourceType']}.id", "更新时须填写资源的 id,并与地址一致。")]
    return []


def _change(asked: _Asked, kind: str, resource: Json, id_: str) -> Change:
    if asked.mode == "create":
        return Change("POST", kind, None, resource)
    return Change("PUT", kind, id_ or resource["id"], resource)


async def _tried(house: House, asker: Scope, request: Request, change: Change) -> list[Issue]:
    """What a write would be refused with; it is carried out and taken back."""
    try:
        async with house.db.transaction() as tx:
            await write(tx, asker, [change], base=request.base)
            await tx.settle()
            raise _Undone
    except _Undone:
        return []
    except Unavailable:
        raise
    except YilianError as error:
        return list(error.issues)


async def _pointing(tx: Tx, asker: Scope, request: Request, resource: Json, id_: str, stored: Json | None) -> list[Issue]:
    """References that lead nowhere as far as the asker can tell, as warnings."""
    plan = Plan(Change("PUT", resource["resourceType"], id_ or None, resource), id_, 0, None, resource, before=stored)
    try:
        await integrity.resolve(tx, asker, [plan], request.base, [])
    except InvalidResource as error:
        return [replace(issue, severity="warning") for issue in error.issues]
    return []


async def _read(request: Request) -> _Asked:
    asked = _Asked()
    profiles: list[str] = []
    for name, value in request.query:
        _take(asked, profiles, name, value, "")
    if request.method == "POST" and await request.body():
        body = await request.resource()
        parts = body.get("parameter")
        wrapped = body.get("resourceType") == "Parameters" and (
            request.segments[0] != "Parameters"
            or (isinstance(parts, list) and any(isinstance(part, dict) and part.get("name") == "resource" for part in parts))
        )
        if wrapped:
            _unwrap(asked, profiles, parts)
        else:
            asked.resource, asked.sent = body, True
    if request.method == "GET" and asked.mode in WRITES:
        raise BadRequest(f"mode={asked.mode} is asked by POST.", expression="mode")
    if asked.mode == "profile" and not profiles:
        raise BadRequest("mode=profile needs a profile.", expression="profile", zh="请指定要检查的规范(profile)。")
    asked.profiles = tuple(dict.fromkeys(profiles))
    return asked


def _unwrap(asked: _Asked, profiles: list[str], parts: Any) -> None:
    if parts is not None and (not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts)):
        raise BadRequest("Parameters.parameter is a list of objects.", expression="Parameters.parameter")
    for place, part in enumerate(parts or ()):
        where, name = f"Parameters.parameter[{place}]", part.get("name")
        if name == "resource":
            if asked.sent or "resource" not in part:
                raise BadRequest("The parameter `resource` comes once and has a resource.", expression=where)
            asked.resource, asked.sent = part["resource"], True
            continue
        values = [value for key, value in part.items() if key in ("valueCode", "valueString", "valueUri", "valueCanonical")]
        if len(values) != 1 or not isinstance(values[0], str):
            raise BadRequest(f"The parameter {str(name)[:40]!r} has one value, a code or a canonical.", expression=where)
        _take(asked, profiles, name, values[0], where)


def _take(asked: _Asked, profiles: list[str], name: Any, value: str, where: str) -> None:
    if name == "profile" and value:
        profiles.append(value)
        if len(profiles) > MOST_PROFILES:
            raise BadRequest(f"At most {MOST_PROFILES} profiles are looked at in one call.", expression=where or "profile")
    elif name == "mode" and value in MODES and asked.mode in ("", value):
        asked.mode = value
    elif name == "mode":
        raise BadRequest(f"mode is one of {', '.join(MODES)}, and given once.", expression=where or "mode")
    else:
        raise NotSupported(f"Parameter {str(name)[:80]!r} is not known for $validate; known: mode, profile, resource.", expression=where)


_PURPOSE = "Every issue a resource has, by itself, against profiles or as a write would have it; nothing is stored"
OPERATIONS = (
    Operation(EVERY_TYPE, "type", "validate", of_type, False, _PURPOSE, HL7 + "Resource-validate", methods=("POST",)),
    Operation(EVERY_TYPE, "instance", "validate", of_one, False, _PURPOSE, HL7 + "Resource-validate", methods=("GET", "POST")),
)
