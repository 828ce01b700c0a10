"""Documents as they were sent: a DocumentReference in the record, and beside it the content, which nothing changes any more.

The content is as visible as its DocumentReference: within the patient's record, by scope, consent and security label.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.errors import Conflict, NotFound
from yilian.fhir import json, urls
from yilian.fhir.definitions import type_id
from yilian.handover.document import KINDS, composition
from yilian.store import read
from yilian.store.read import Stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.change import Change

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """A frozen document. reference: "DocumentReference/…"; task: "Task/…" of the referral; sha256: hexadecimal; content: the Bundle."""

    reference: str
    kind: str
    task: str
    sha256: str
    made_at: datetime
    content: Resource
    stored: Stored


def reference(document: Resource, *, related: str, labels: Sequence[dict[str, str]]) -> Resource:
    """The DocumentReference of a document Bundle; its id is that of the Composition. FHIR R4 wants the hash of an attachment as SHA-1."""
    said = composition(document)
    text = json.dump(document)
    kind = next(c["code"] for c in said["type"]["coding"] if c["system"] == urls.HANDOVER_DOCUMENT)
    made: Resource = {
        "resourceType": "DocumentReference",
        "id": said["id"],
        "masterIdentifier": document["identifier"],
        "status": "current",
        "docStatus": "final",
        "type": said["type"],
        "category": [{"coding": [{"system": urls.HANDOVER_DOCUMENT, "code": kind, "display": KINDS[kind].zh}]}],
        "subject": said["subject"],
        "date": document["timestamp"],
        "author": said["author"],
        "custodian": said["custodian"],
        "description": said["title"],
        "content": [
            {
                "attachment": {
                    "contentType": "application/fhir+json",
                    "language": "zh-CN",
                    "url": f"DocumentReference/{said['id']}/$document",
                    "size": len(text),
                    "hash": base64.b64encode(hashlib.sha1(text, usedforsecurity=False).digest()).decode(),
                    "title": said["title"],
                    "creation": said["date"],
                }
            }
        ],
        "context": {"related": [{"reference": related}]},
    }
    if labels:
        made["securityLabel"] = [{"coding": [dict(label)], "text": label["display"]} for label in labels]
    return made


async def keep(tx: Tx, task_rid: int, documents: Sequence[Resource]) -> None:
    """Keep the contents of documents whose DocumentReferences have been written in `tx`."""
    for document in documents:
        said, text = composition(document), json.dump(document)
        kind = next(c["code"] for c in said["type"]["coding"] if c["system"] == urls.HANDOVER_DOCUMENT)
        await tx.execute(
            """
            insert into handover_document (rid, task_rid, kind, sha256, content, made_at)
            select r.rid, $3, $4, $5, $6, $7 from resource r where r.type = $1 and r.id = $2
            """,
            type_id("DocumentReference"),
            said["id"],
            task_rid,
            kind,
            hashlib.sha256(text).digest(),
            text.decode(),
            tx.now,
        )


async def frozen(tx: Tx, scope: Scope, id: str) -> Kept:
    """The document of DocumentReference/`id`. NotFound where the asker sees no such DocumentReference, or it is none of ours.

    Conflict when the content is not what was kept: somebody changed the database.
    """
    stored = await read.by_id(tx, scope, "DocumentReference", id)
    row = await tx.fetchrow(
        "select d.kind, d.sha256, d.content, d.made_at, t.id as task from handover_document d join resource t on t.rid = d.task_rid"
        " where d.rid = $1",
        stored.rid,
    )
    if row is None:
        raise NotFound(f"DocumentReference/{id} is no document of a referral.", zh="该文书不是转诊交接文书。")
    if hashlib.sha256(row["content"].encode()).digest() != row["sha256"]:
        raise Conflict("The content of this document is not what was sent.", zh="文书内容校验失败,请联系系统管理员。")
    content = json.parse(row["content"].encode())
    return Kept(f"DocumentReference/{id}", row["kind"], f"Task/{row['task']}", row["sha256"].hex(), row["made_at"], content, stored)


async def listed(tx: Tx, scope: Scope, task_id: str) -> list[tuple[str, Stored]]:
    """The documents of a referral the asker may see, oldest first: kind and DocumentReference. NotFound where the Task is not seen."""
    task = await read.by_id(tx, scope, "Task", task_id)
    rows = await tx.fetch(
        "select d.kind, r.id from handover_document d join resource r on r.rid = d.rid where d.task_rid = $1 order by d.made_at, d.rid",
        task.rid,
    )
    found = await read.many(tx, scope, [("DocumentReference", row["id"]) for row in rows])
    return [(row["kind"], found["DocumentReference", row["id"]]) for row in rows if ("DocumentReference", row["id"]) in found]


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """For `Hooks.guards`: what was sent is not changed or deleted by anybody but a system of the region. Raises Conflict."""
    if scope.reach == "everything":
        return
    ids = [change.id for change in changes if change.type == "DocumentReference" and change.id is not None]
    if not ids:
        return
    kept = await tx.fetchval(
        "select r.id from handover_document d join resource r on r.rid = d.rid where r.type = $1 and r.id = any($2::text[]) limit 1",
        type_id("DocumentReference"),
        ids,
    )
    if kept is not None:
        raise Conflict(
            f"DocumentReference/{kept} was sent with a referral and stays as it is.",
            zh="该文书已随转诊发出,不能修改或删除。",
            expression="DocumentReference",
            code="business-rule",
        )
