"""A transaction Bundle: all of it or nothing, as one write.

Every entry is planned first: ids are handed out, conditions looked up, `urn:uuid:` and conditional references replaced. Then everything
goes through `write` at once, so entries may point to each other in any order and in circles. Verbs take effect in the order DELETE, POST,
PUT and PATCH, GET.
A batch is not done here: its entries are requests of their own.
FHIR R4: http://hl7.org/fhir/R4/http.html#transaction, #trules
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from yilian.errors import BadRequest, NotFound, NotSupported, TooLarge, VersionStale
from yilian.store import find
from yilian.store.change import Change, Method, Written
from yilian.store.entries import Entry, Pairs, read_entries
from yilian.store.read import Stored
from yilian.store.renaming import Named, renamed
from yilian.store.scope import Scope
from yilian.store.write import stamp, write

if TYPE_CHECKING:
    from yilian.db import Tx

MOST_CONDITIONS = 2_000
"""Conditions (ifNoneExist, Type?…) in one transaction; each is a statement of its own."""

VERBS = ("DELETE", "POST", "PUT", "PATCH")

Patch = Callable[[dict[str, Any]], Callable[[dict[str, Any]], dict[str, Any]]]
Get = Callable[[int, dict[str, Any]], Awaitable[dict[str, Any]]]


async def transaction(
    tx: Tx,
    scope: Scope,
    bundle: dict[str, Any],
    *,
    base: str = "",
    zone: tzinfo | None = None,
    representation: bool = False,
    patch: Patch | None = None,
    get: Get | None = None,
    own: bool = False,
) -> dict[str, Any]:
    """Carry out a transaction Bundle in `tx` and return the transaction-response, its entries in the order of the request.

    `bundle` is not altered, unless it is the caller's `own` to give away: then no copy of its resources is made.

    base   our own address; references below it are our own, and `location` starts with it
    zone   of dates without an offset in conditions; the region's when None
    representation   each response entry carries the resource as it was stored (`Prefer: return=representation`), as msgspec.Raw
    patch  makes the function of a PATCH entry from its resource; without it PATCH is NotSupported
    get    answers a GET entry (number, entry) after the writes, within `tx`; without it such entries stay empty for the caller to fill

    Raises what `write` raises, and BadRequest, NotSupported, TooLarge; expressions start with `Bundle.entry[n]`.
    """
    entries = read_entries(bundle, base)
    writes = [entry for entry in entries if entry.method != "GET"]
    there = await _look_up_conditions(tx, scope, writes, zone)
    _hand_out_ids(tx, writes, there)
    to_do = sorted((entry for entry in writes if _is_to_do(entry, there)), key=lambda entry: VERBS.index(entry.method))
    resources = await renamed(tx, scope, writes, to_do, zone, base, own=own)
    changes = [_change(entry, resources.get(entry.number, (None, None)), patch) for entry in to_do]
    written = await write(tx, scope, changes, base=base) if changes else []
    done = dict(zip((entry.number for entry in to_do), written, strict=True))
    answers: list[dict[str, Any]] = []
    for entry in entries:
        if entry.method == "GET":
            answers.append(await get(entry.number, bundle["entry"][entry.number]) if get is not None else {})
        elif entry.number in done:
            answers.append(_answer(done[entry.number], base, representation))
        else:
            answers.append(_answer_of_nothing_done(there.get(entry.number), base, representation))
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}


async def _look_up_conditions(tx: Tx, scope: Scope, writes: Sequence[Entry], zone: tzinfo | None) -> dict[int, Stored]:
    """Entry number → the one resource its condition found. Creations are serialised by their condition until `tx` ends."""
    conditions = [(entry, query) for entry in writes if (query := entry.if_none_exist or entry.query) is not None]
    if len(conditions) > MOST_CONDITIONS:
        raise TooLarge(f"A transaction has at most {MOST_CONDITIONS} conditions; send it in parts.", expression="Bundle.entry")
    await find.serialise(tx, [(entry.type, query) for entry, query in conditions if entry.method in ("POST", "PUT")])
    there: dict[int, Stored] = {}
    asked: dict[tuple[str, Pairs], Entry] = {}
    for entry, query in conditions:
        first = asked.setdefault((entry.type, query), entry)
        if first is not entry:
            raise BadRequest(
                f"{entry.place} has the same condition as {first.place}.", expression=f"{entry.place}.request", code="duplicate"
            )
        try:
            found = await find.only(tx, scope, entry.type, query, zone=zone)
        except (VersionStale, BadRequest, NotSupported) as error:
            raise _placed(error, f"{entry.place}.request") from error
        if found is not None:
            there[entry.number] = found
        elif entry.method == "PATCH":
            raise NotFound(f"There is no {entry.type} as {entry.place} asks for.", expression=f"{entry.place}.request.url")
    return there


def _placed(error: VersionStale | BadRequest | NotSupported, place: str) -> VersionStale | BadRequest | NotSupported:
    issue = error.issues[0]
    return type(error)(issue.diagnostics, expression=place, zh=issue.zh, code=issue.code)


def _hand_out_ids(tx: Tx, writes: Sequence[Entry], there: dict[int, Stored]) -> None:
    """Give every entry the id it is about."""
    for entry in writes:
        found = there.get(entry.number)
        if found is not None:
            own = (entry.resource or {}).get("id")
            if entry.method == "PUT" and own is not None and own != found.id:
                raise BadRequest(
                    f"The condition finds {found.type}/{found.id}, the resource has the id {str(own)[:64]}.",
                    expression=f"{entry.place}.resource.id",
                )
            entry.id = found.id
        elif entry.method == "POST":
            entry.id = tx.new_id()
        elif entry.method == "PUT" and entry.id is None:
            own = (entry.resource or {}).get("id")
            entry.id = own if isinstance(own, str) else tx.new_id()


def _is_to_do(entry: Entry, there: dict[int, Stored]) -> bool:
    if entry.if_none_exist is not None:
        return entry.number not in there
    return entry.id is not None  # a conditional deletion that found nothing has none


def _change(entry: Entry, named: Named | tuple[None, None], patch: Patch | None) -> Change:
    place, (resource, there) = f"{entry.place}.resource", named
    if entry.method == "PATCH":
        if patch is None:
            raise NotSupported("PATCH is not done in a transaction here.", expression=f"{entry.place}.request.method")
        return Change("PATCH", entry.type, entry.id, None, entry.if_match, patch=patch(resource or {}), place=place)
    if entry.method == "DELETE":
        return Change("DELETE", entry.type, entry.id, None, entry.if_match, place=entry.place)
    method: Method = "POST" if entry.method == "POST" else "PUT"
    return Change(method, entry.type, entry.id, resource, entry.if_match, entry.if_none_match_any, place=place, references=there)


def _answer(done: Written, base: str, representation: bool) -> dict[str, Any]:
    status = "204 No Content" if done.deleted else "201 Created" if done.created else "200 OK"
    response = {"status": status, **_version(done.type, done.id, done.version, base)}
    response["lastModified"] = stamp(done.updated)
    if done.deleted:
        del response["location"]
    answer: dict[str, Any] = {"response": response}
    if representation and done.body:
        answer["resource"] = msgspec.Raw(done.body)
    return answer


def _answer_of_nothing_done(there: Stored | None, base: str, representation: bool) -> dict[str, Any]:
    """A creation whose condition found one, or a deletion whose condition found none."""
    if there is None:
        return {"response": {"status": "204 No Content"}}
    response = {"status": "200 OK", **_version(there.type, there.id, there.version, base), "lastModified": stamp(there.updated)}
    return {"response": response, **({"resource": msgspec.Raw(there.body)} if representation else {})}


def _version(type: str, id: str, version: int, base: str) -> dict[str, str]:
    start = f"{base.rstrip('/')}/" if base else ""
    return {"location": f"{start}{type}/{id}/_history/{version}", "etag": f'W/"{version}"'}
