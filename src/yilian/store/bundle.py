"""A transaction Bundle: all of it or nothing, as one write.

Every entry is planned first: ids are handed out, conditions looked up, `urn:uuid:` and conditional references replaced. Then everything
goes through `write` at once, so entries may point to each other in any order and in circles. Verbs take effect in the order DELETE, POST,
PUT and PATCH, GET and whatever else only reads.
A batch is not done here: its entries are requests of their own.
FHIR R4: http://hl7.org/fhir/R4/http.html#transaction, #trules
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from yilian.errors import BadRequest, Issue, TooLarge, YilianError
from yilian.fhir import patch as patches
from yilian.fhir.outcome import outcome as outcome_of
from yilian.store.change import Change, Method, Written
from yilian.store.conditions import Condition, look_up, placed
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

Get = Callable[[int, dict[str, Any]], Awaitable[dict[str, Any]]]


async def transaction(
    tx: Tx,
    scope: Scope,
    bundle: dict[str, Any],
    *,
    base: str = "",
    zone: tzinfo | None = None,
    representation: bool = False,
    outcome: bool = False,
    get: Get | None = None,
    own: bool = False,
    settled: Container[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Carry out a transaction Bundle in `tx` and return the transaction-response, its entries in the order of the request.

    `bundle` is not altered, unless it is the caller's `own` to give away: then no copy of its resources is made.

    base   our own address; references below it are our own, and `location` starts with it
    settled   (type, id) of entries the caller knows to be stored as they are: others may point to them, nothing is done about them
    zone   of dates without an offset in conditions; the region's when None
    representation   each response entry carries the resource as it was stored (`Prefer: return=representation`), as msgspec.Raw
    outcome          each carries an OperationOutcome that says what became of it (`Prefer: return=OperationOutcome`)
    get    answers an entry that only reads (number, entry) after the writes, within `tx`; what it raises fails the whole transaction.
           Without it such entries stay empty for the caller to fill

    Raises what `write` raises, and BadRequest, NotSupported, TooLarge; expressions start with `Bundle.entry[n]`.
    """
    entries = read_entries(bundle, base, asking=get is not None)
    writes = [entry for entry in entries if entry.method != "GET"]
    there = await _look_up_conditions(tx, scope, writes, zone)
    _hand_out_ids(tx, writes, there)
    to_do = [entry for entry in writes if _is_to_do(entry, there) and (entry.type, entry.id) not in settled]
    to_do.sort(key=lambda entry: VERBS.index(entry.method))
    resources = await renamed(tx, scope, writes, to_do, zone, base, own=own)
    changes = [_change(entry, resources.get(entry.number, (None, None))) for entry in to_do]
    written = await write(tx, scope, changes, base=base) if changes else []
    done = dict(zip((entry.number for entry in to_do), written, strict=True))
    answers: list[dict[str, Any]] = []
    for entry in entries:
        if entry.method == "GET":
            answers.append(await _read(get, entry, bundle["entry"][entry.number]) if get is not None else {})
            continue
        if entry.number in done:
            answer = _answer(done[entry.number], base, representation)
        else:
            answer = _answer_of_nothing_done(there.get(entry.number), base, representation)
        if outcome:
            became = done.get(entry.number)
            answer["response"]["outcome"] = outcome_of([_told(entry, became), *(became.warnings if became is not None else ())])
        answers.append(answer)
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}


async def _look_up_conditions(tx: Tx, scope: Scope, writes: Sequence[Entry], zone: tzinfo | None) -> dict[int, Stored]:
    """Entry number → the one resource its condition found."""
    conditions: list[tuple[Entry, Condition]] = []
    asked: dict[tuple[str, Pairs], Entry] = {}
    for entry in writes:
        query = entry.if_none_exist or entry.query
        if query is None:
            continue
        first = asked.setdefault((entry.type, query), entry)
        if first is not entry:
            raise BadRequest(
                f"{entry.place} has the same condition as {first.place}.", expression=f"{entry.place}.request", code="duplicate"
            )
        own_id = (entry.resource or {}).get("id")
        condition = Condition(entry.method, entry.type, query, entry.place, own_id if isinstance(own_id, str) else None)  # type: ignore[arg-type]
        conditions.append((entry, condition))
    if len(conditions) > MOST_CONDITIONS:
        raise TooLarge(f"A transaction has at most {MOST_CONDITIONS} conditions; send it in parts.", expression="Bundle.entry")
    found = await look_up(tx, scope, [condition for _, condition in conditions], zone)
    return {entry.number: there for (entry, _), there in zip(conditions, found, strict=True) if there is not None}


def _hand_out_ids(tx: Tx, writes: Sequence[Entry], there: dict[int, Stored]) -> None:
    """Give every entry the id it is about."""
    for entry in writes:
        found = there.get(entry.number)
        if found is not None:
            entry.id = found.id
        elif entry.method == "POST":
            entry.id = tx.new_id()
        elif entry.method == "PUT" and entry.id is None:
            own = (entry.resource or {}).get("id")
            entry.fresh = isinstance(own, str)
            entry.id = own if isinstance(own, str) else tx.new_id()
            entry.made = not entry.fresh


def _is_to_do(entry: Entry, there: dict[int, Stored]) -> bool:
    if entry.if_none_exist is not None:
        return entry.number not in there
    return entry.id is not None  # a conditional deletion that found nothing has none


async def _read(get: Get, entry: Entry, item: dict[str, Any]) -> dict[str, Any]:
    try:
        return await get(entry.number, item)
    except YilianError as error:
        placed(error, f"{entry.place}.request")
        raise


def _patch(entry: Entry, resource: dict[str, Any]) -> patches.Patch:
    """The patch of an entry; what it raises names the entry."""

    def at_entry(error: YilianError) -> None:
        below = error.issues[0].expression.partition(".")[2]
        placed(error, f"{entry.place}.resource" + (f".{below}" if below else ""))

    try:
        patch = patches.of_resource(resource)
    except YilianError as error:
        at_entry(error)
        raise

    def patched(current: dict[str, Any]) -> dict[str, Any]:
        try:
            return patch(current)
        except YilianError as error:
            at_entry(error)
            raise

    return patched


def _change(entry: Entry, named: Named | tuple[None, None]) -> Change:
    place, (resource, there) = f"{entry.place}.resource", named
    if entry.method == "PATCH":
        return Change("PATCH", entry.type, entry.id, None, entry.if_match, patch=_patch(entry, resource or {}), place=place)
    if entry.method == "DELETE":
        return Change("DELETE", entry.type, entry.id, None, entry.if_match, place=entry.place)
    method: Method = "POST" if entry.method == "POST" or entry.made else "PUT"
    return Change(
        method, entry.type, entry.id, resource, entry.if_match, entry.if_none_match_any, place=place, references=there, fresh=entry.fresh
    )


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


def _told(entry: Entry, done: Written | None) -> Issue:
    """What became of an entry, as a person reads it."""
    if done is None:
        said = "What its condition asks for is there already." if entry.method == "POST" else "There was nothing to delete."
    elif done.deleted:
        said = f"{done.type}/{done.id} is deleted."
    else:
        said = f"{done.type}/{done.id} is stored as version {done.version}."
    return Issue("information", "informational", said, zh="已完成。")


def _answer_of_nothing_done(there: Stored | None, base: str, representation: bool) -> dict[str, Any]:
    """A creation whose condition found one, or a deletion whose condition found none."""
    if there is None:
        return {"response": {"status": "204 No Content"}}
    response = {"status": "200 OK", **_version(there.type, there.id, there.version, base), "lastModified": stamp(there.updated)}
    return {"response": response, **({"resource": msgspec.Raw(there.body)} if representation else {})}


def _version(type: str, id: str, version: int, base: str) -> dict[str, str]:
    start = f"{base.rstrip('/')}/" if base else ""
    return {"location": f"{start}{type}/{id}/_history/{version}", "etag": f'W/"{version}"'}
