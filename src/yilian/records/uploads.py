"""Contents on their way into the store: of an allowed type and size, what they say they are, and held back until they are scanned.

Called by the store with what is to be stored (`Hooks.amend`). Where a clamd is configured, a content nobody has scanned yet does not become
part of the resource: it is put away (`upload_held`), a mark stands in its place, and no read, search, history, export, view or
notification can give it out. `scans` puts it back, as a new version, when it is found clean. Without a clamd it is stored as it comes and
the resource is tagged as not scanned.

What the platform itself writes (a load by whoever runs it, the demo region) is its own word and is neither checked nor held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from yilian import jobs, policy
from yilian.errors import InvalidResource, Issue
from yilian.fhir.json import parse
from yilian.jobs import NewJob
from yilian.records.content_types import checked
from yilian.records.contents import TAKEN, WORST, Json, State, contents, decoded, is_data_address, mark, marked, state_of, tagged
from yilian.store.change import Change, Written, independent
from yilian.store.scope import SYSTEM, Scope

if TYPE_CHECKING:
    from yilian.db import Tx

SCAN = "uploads.scan"
LARGE = 256 * 1024
"""Base64 characters from which a content is decoded and looked at in a thread."""

TAKE = """
insert into upload (sha256, type, bytes, state, since)
select n.sha256, n.type, n.bytes, $4, $5 from unnest($1::bytea[], $2::text[], $3::bigint[]) n (sha256, type, bytes) order by n.sha256
on conflict (sha256) do update set
    state = case when upload.state = 'not-scanned' then excluded.state else upload.state end,
    since = case when upload.state = 'not-scanned' and excluded.state = 'waiting' then excluded.since else upload.since end
returning sha256, state
"""
"""The row of each content is ours until the end of the transaction: the job that scans it waits for us, or we for its verdict."""
HOLD = "insert into upload_held (sha256, content) values ($1, $2) on conflict do nothing"
USED = """
insert into upload_use (sha256, type, id, account, agent, institution, sent)
select n.sha256, n.type, n.id, $4, $5, $6, $7 from unnest($1::bytea[], $2::text[], $3::text[]) n (sha256, type, id)
on conflict (sha256, type, id) do nothing
"""
KNOWN = "select sha256, state from upload where sha256 = any($1::bytea[])"


@dataclass(frozen=True, slots=True)
class _Content:
    holder: Json
    type: str
    content: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class TakeIn:
    """`scans`: whether a clamd is configured."""

    scans: bool

    async def __call__(self, tx: Tx, scope: Scope, change: Change, previous: Mapping[str, Any] | None) -> Json:
        """The resource as it is to be stored. InvalidResource for a content that is not taken."""
        resource = change.resource or {}
        if scope is SYSTEM:
            return resource
        if next(contents(resource), None) is None:
            return tagged(resource, None) if state_of(resource) else resource
        made: Json = independent(resource)
        allowed = await policy.value(tx, "upload.mib_by_type", tx.now, scope.institution_rid or None)
        sent, kept = await _sent(change, made, allowed), _kept(change, made, previous)
        if not sent and not kept:
            return tagged(made, None)
        states: dict[bytes, State] = dict.fromkeys((one.digest for one in sent), "not-scanned")  # `follow` keeps them, all at once
        if self.scans and sent:
            states = await _take(tx, scope, [(one, change.type, change.id or "") for one in sent], "waiting")
        if kept:
            states |= {row["sha256"]: row["state"] for row in await tx.fetch(KNOWN, kept)}
        for one in sent:
            _refuse_infected(change.type, states[one.digest])
            if states[one.digest] == "waiting":
                await tx.execute(HOLD, one.digest, one.content)
                del one.holder["data"]
                one.holder["_data"] = mark("waiting", one.digest.hex())
                if one.holder.get("resourceType") != "Binary":
                    one.holder.setdefault("size", len(one.content))
        waiting = sorted({one.digest.hex() for one in sent if states[one.digest] == "waiting"})
        if waiting:
            await jobs.enqueue_many(tx, [NewJob(SCAN, {"sha256": name}, key=name) for name in waiting])
        return tagged(made, worst(states.values()))


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: what is stored as not scanned is kept in the list of contents; and no content stands in a resource whose
    contents are not looked at. Raises InvalidResource."""
    if scope is SYSTEM:
        return
    unscanned: list[tuple[_Content, str, str]] = []
    for one in written:
        if one.unchanged or not (b'"data":"' in one.body or b'":"data:' in one.body):
            continue
        resource = one.resource or parse(one.body)
        holders = [holder for holder in contents(resource) if "data" in holder or "url" in holder]
        if holders and one.type not in TAKEN:
            raise _refused(
                one.type,
                f"A {one.type} takes no contents; send it as a Binary or a DocumentReference and refer to it.",
                "此类资料不能内嵌文件，请作为文档上传后引用。",
            )
        if state_of(resource) == "not-scanned":
            unscanned += [(_digested(holder), one.type, one.id) for holder in holders if "data" in holder]
    if unscanned:
        for state in (await _take(tx, scope, unscanned, "not-scanned")).values():
            _refuse_infected(unscanned[0][1], state)


async def _take(tx: Tx, scope: Scope, sent: Sequence[tuple[_Content, str, str]], state: State) -> dict[bytes, State]:
    """Keep in the list what was sent, each with the type and id of its resource; the states they have. New ones come in with `state`."""
    each = {one.digest: one for one, _, _ in sent}
    kinds, sizes = [one.type for one in each.values()], [len(one.content) for one in each.values()]
    rows = await tx.fetch(TAKE, list(each), kinds, sizes, state, tx.now)
    where = list(dict.fromkeys((one.digest, kind, id) for one, kind, id in sent))
    places = [list(column) for column in zip(*where, strict=True)]
    await tx.execute(USED, *places, scope.user, scope.agent, scope.institution_rid or None, tx.now)
    return {row["sha256"]: row["state"] for row in rows}


def worst(states: Any) -> State | None:
    """The state a resource with these contents is tagged with."""
    there = set(states)
    return next((state for state in WORST if state in there), None)


async def _sent(change: Change, resource: Json, allowed: Mapping[str, float]) -> list[_Content]:
    found = []
    for holder in contents(resource):
        if is_data_address(holder.get("url")):
            raise _refused(change.type, "A content stands in data, not in a data: address.", "请以附件内容方式上传文件。")
        if "data" not in holder:
            continue
        holder.pop("_data", None)
        text = holder["data"]
        work = (change, holder, allowed)
        large = isinstance(text, str) and len(text) > LARGE
        found.append(await asyncio.to_thread(_looked_at, *work) if large else _looked_at(*work))
    return found


def _looked_at(change: Change, holder: Json, allowed: Mapping[str, float]) -> _Content:
    try:
        content = decoded(holder["data"])
    except ValueError:
        raise _refused(change.type, "data is not base64.", "文件内容无法解码。") from None
    kind = checked(str(holder.get("contentType", "")), content, allowed, change.place or change.type)
    return _Content(holder, kind, content, sha256(content).digest())


def _kept(change: Change, resource: Json, previous: Mapping[str, Any] | None) -> list[bytes]:
    """Contents that are held back in the version before and are so in this one. A mark that was not there is nobody's to write."""
    known = {marked(holder) for holder in contents(dict(previous))} if previous is not None else set()
    found = []
    for holder in contents(resource):
        name = marked(holder)
        if name and name not in known:
            raise _refused(change.type, "A content that is not here is marked as held back; send the content itself.", "请重新上传文件。")
        if name:
            found.append(bytes.fromhex(name))
    return found


def _digested(holder: Json) -> _Content:
    content = decoded(holder["data"])
    return _Content(holder, str(holder.get("contentType", "")).partition(";")[0].strip().lower(), content, sha256(content).digest())


def _refuse_infected(kind: str, state: State) -> None:
    if state == "infected":
        raise _refused(kind, "This content was found to be malware before.", "该文件未通过安全检查，不能上传。")


def _refused(place: str, text: str, zh: str) -> InvalidResource:
    return InvalidResource(text, issues=[Issue("error", "business-rule", text, place, zh)])
