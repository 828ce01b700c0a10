"""Scanning what was sent: a job asks clamd, puts what is clean back where it was sent, and tells of what is not.

The content comes back as a new version of the resource, written by the platform; the version before keeps the mark. What is infected is
thrown away, a mark stays in its place, its sender is told by a Communication, and a security alert is in the trail of the institution.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from yilian import jobs
from yilian.audit.note import SECURITY_ALERT, SERIOUS_FAILURE, Note
from yilian.audit.record import note_event
from yilian.errors import Gone, NotFound
from yilian.jobs import Job, NewJob
from yilian.records import clamd
from yilian.records.contents import Json, State, contents, encoded, mark, mark_state, marked, tagged
from yilian.records.uploads import SCAN, worst
from yilian.store.change import Change, Written, independent
from yilian.store.scope import SYSTEM
from yilian.store.write import stamp, write

if TYPE_CHECKING:
    from yilian.db import Database, Tx

AGAIN = "uploads.again"
MALWARE = "malware-found"
"""As an operation of the trail: DICOM CID 403 has no code for it."""
OVERDUE = timedelta(minutes=5)

ONE = "select u.state, u.type, h.content from upload u left join upload_held h using (sha256) where u.sha256 = $1"
DECIDE = "update upload set state = $2, since = now(), engine = $3, signature = $4 where sha256 = $1 and state = 'waiting'"
WHERE = """
select u.type, u.id, u.account, u.agent, u.institution, i.id as institution_id from upload_use u
left join resource i on i.rid = u.institution where u.sha256 = $1 order by u.type, u.id
"""
LATE = "select encode(sha256, 'hex') as name from upload where state = 'waiting' and since < now() - $1::interval order by since limit 500"
PATIENT = "select id from resource where rid = $1"


async def scan(address: str, db: Database, job: Job) -> None:
    """One content, by its SHA-256. Unavailable, so that it is tried again, when clamd is not there. May be done twice."""
    digest = bytes.fromhex(job.payload["sha256"])
    async with db.reading() as tx:
        row = await tx.fetchrow(ONE, digest)
    if row is None or (row["state"] == "waiting" and row["content"] is None):
        raise jobs.GiveUp("There is no such content to be scanned.")
    content = row["content"]
    if row["state"] == "waiting":
        verdict = await clamd.scan(address, content)
        state = "infected" if verdict.signature else "clean"
        async with db.transaction() as tx:
            await tx.execute(DECIDE, digest, state, verdict.engine, verdict.signature or None)
    async with db.reading() as tx:
        decided = await tx.fetchrow("select state, signature from upload where sha256 = $1", digest)
        uses = await tx.fetch(WHERE, digest)
    assert decided is not None
    for use in uses:
        await _settle(db, use, digest, content, decided["state"], decided["signature"] or "")
    async with db.transaction() as tx:
        await tx.execute("delete from upload_held where sha256 = $1", digest)


async def again(db: Database, job: Job) -> None:
    """Contents that wait although their job has given up are asked for anew."""
    async with db.transaction() as tx:
        late = [row["name"] for row in await tx.fetch(LATE, OVERDUE)]
        await jobs.enqueue_many(tx, [NewJob(SCAN, {"sha256": name}, key=name) for name in late])


async def _settle(db: Database, use: Any, digest: bytes, content: bytes | None, state: State, signature: str) -> None:
    """What was decided of a content, in one of the resources it was sent in; nothing where it does not stand there any more."""

    def decided(resource: Json) -> Json:
        made: Json = independent(resource)
        for holder in contents(made):
            if marked(holder) != digest.hex():
                continue
            if state == "infected":
                holder["_data"] = mark(state, digest.hex())
            elif content is not None:
                del holder["_data"]
                holder["data"] = encoded(content)
        return tagged(made, worst([state, *(mark_state(holder) for holder in contents(made))]))

    async with db.transaction() as tx:
        try:
            (done,) = await write(tx, SYSTEM, [Change("PATCH", use["type"], use["id"], None, patch=decided)])
        except (NotFound, Gone):
            return
        if state == "infected" and not done.unchanged:
            await _tell(tx, use, done, signature)


async def _tell(tx: Tx, use: Any, done: Written, signature: str) -> None:
    institution = f"Organization/{use['institution_id']}" if use["institution_id"] else ""
    where = f"{done.type}/{done.id}"
    alert = Note(
        tx.now,
        SECURITY_ALERT,
        "operation",
        "E",
        SERIOUS_FAILURE,
        f"{signature}: {where}",
        MALWARE,
        account=use["account"],
        agent=use["agent"],
        name=use["account"],
        institution=institution,
        purpose="HSYSADMIN",
        entities=(f"{where}/_history/{done.version}",),
    )
    await note_event(tx, alert)
    if use["agent"].partition("/")[0] not in ("Practitioner", "Patient"):
        return  # a system reads its own answers
    patient = await tx.fetchval(PATIENT, done.patient) if done.patient is not None and done.patient > 0 else None
    message: Json = {
        "resourceType": "Communication",
        "status": "completed",
        "category": [{"text": "上传文件安全检查"}],
        "recipient": [{"reference": use["agent"]}],
        "about": [{"reference": where}],
        "sent": stamp(tx.now),
        "payload": [{"contentString": f"您上传的文件未通过安全检查（检出 {signature}），已被拦截且不会保存。请检查文件来源后重新上传。"}],
    }
    if patient is not None:
        message["subject"] = {"reference": f"Patient/{patient}"}
    confined = use["institution"] if use["agent"].startswith("Practitioner/") else None
    await write(tx, SYSTEM, [Change("POST", "Communication", None, message, confined=confined)])
