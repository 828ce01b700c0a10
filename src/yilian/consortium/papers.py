"""Papers of a consortium: resolutions, rules, annual plans and signed agreements, as DocumentReferences, each with its file as a Binary.

    type              a code of `urls.CONSORTIUM_PAPER`
    custodian         the consortium, which stands in context.related too
    description       the title
    masterIdentifier  文号
    context.period    start: the day it was decided or holds from, of an annual plan the first day of its year
    content           one attachment: the file, a Binary, which goes the way of every upload (records/uploads.py); or the title alone
    status            current; superseded: replaced or out of force; entered-in-error

FHIR R4: http://hl7.org/fhir/R4/documentreference.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yilian.consortium import standing
from yilian.consortium.codes import PAPERS, coded
from yilian.consortium.standing import Consortium, RoomScope
from yilian.errors import BadRequest, InvalidResource, NotFound
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.search.parameters import parameters_of
from yilian.store import read
from yilian.store.change import Change, Written, independent
from yilian.store.read import Stored
from yilian.store.scope import SYSTEM, Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

STATES = ("current", "superseded", "entered-in-error")
SAID = frozenset({"resourceType", "id", "meta", "status", "type", "description", "masterIdentifier", "context", "content"})
OURS = frozenset({"custodian", "author", "date"})
"""What the server says itself: sent back as it was read, it is left alone."""

OF = """
select distinct r.id, r.rid from index_reference p join resource r using (rid)
where p.param = $1 and p.target = $2 and r.type = $3 and ($4 = '' or r.id = $4)
and not r.deleted and r.patient is null and r.confined is null
"""
"""Resources that refer to a consortium, written by who keeps it: what an institution wrote for itself is confined to it."""


async def keep(tx: Tx, scope: Scope, id: str, paper: Json, file: Json | None, if_match: int | None) -> Written:
    """Store a paper of the consortium Organization/`id`, in `tx`: a new one without an id, else the next version.

    file: a Binary; None: the one there is stays. Forbidden, NotFound, VersionStale; InvalidResource for what is no such paper or says more.
    """
    consortium = await standing.consortium(tx, id)
    await standing.require_keeper(tx, scope, consortium.rid)
    standing.require_sound(paper)
    before: Json | None = None
    if paper.get("id"):
        before = parse((await one(tx, consortium, paper["id"])).body)
    made = _checked(paper, before, consortium)
    made["author"] = [standing.who(scope)]
    made["date"] = tx.now.astimezone(region_zone()).isoformat(timespec="seconds")
    changes: list[Change] = []
    if file is not None:
        standing.require_sound(file)
        if not file.get("data") or not file.get("contentType"):
            raise InvalidResource("file is a Binary with contentType and data.", expression="file", zh="请选择要上传的文件。")
        key = tx.new_id()
        sent = {"resourceType": "Binary", "id": key, "contentType": file["contentType"], "data": file["data"]}
        changes.append(Change("POST", "Binary", key, sent, place="file"))
        attachment = {"contentType": file["contentType"], "url": f"Binary/{key}"}
    else:
        attachment = independent(before["content"][0]["attachment"]) if before is not None else {}
    made["content"] = [{"attachment": attachment | {"title": made["description"]}}]
    if before is None:
        changes.append(Change("POST", "DocumentReference", None, made))
    else:
        changes.append(Change("PUT", "DocumentReference", paper["id"], made, if_match=if_match))
    return (await write(tx, lent(scope, RoomScope, "everything"), changes))[-1]


def _checked(paper: Json, before: Json | None, consortium: Consortium) -> Json:
    for name in sorted(paper.keys() - SAID - OURS):
        raise _refused(name, f"A paper of a consortium has no {name}; it has {', '.join(sorted(SAID))}.", "文件登记中含有不支持的内容。")
    kind = kind_of(paper)
    if kind not in PAPERS:
        raise _refused("type", f"A paper is of one kind: {', '.join(PAPERS)}.", "请选择文件类别。")
    if before is not None and kind_of(before) != kind:
        raise _refused("type", "A paper stays of its kind; write another one.", "已登记文件的类别不能更改。")
    if paper["status"] not in STATES:
        raise _refused("status", f"status is one of {', '.join(STATES)}.", "文件状态不正确。")
    title = paper.get("description", "").strip()
    if not title:
        raise _refused("description", "A paper needs a title.", "请填写文件标题。")
    day = day_of(paper)
    if len(day) != 10:
        raise _refused("context.period", "Say the day it was decided or holds from, context.period.start.", "请填写日期。")
    made: Json = {
        "resourceType": "DocumentReference",
        "status": paper["status"],
        "type": coded(urls.CONSORTIUM_PAPER, kind, PAPERS),
        "custodian": consortium.reference,
        "description": title,
        "context": {"period": {"start": day}, "related": [consortium.reference]},
    }
    if before is not None:
        made["id"] = paper["id"]
    number = (paper.get("masterIdentifier") or {}).get("value", "").strip()
    return made | ({"masterIdentifier": {"value": number}} if number else {})


async def listed(
    tx: Tx, scope: Scope, id: str, *, kind: str = "", year: str = "", offset: int = 0, count: int = 30
) -> tuple[list[Stored], int]:
    """A page of the papers of the consortium Organization/`id`, the newest first; and how many there are.

    kind: a code of `PAPERS`, year: of its day, "2026"; "" for all. What was entered in error is left out.
    Forbidden, NotFound; BadRequest for a kind or year there is not.
    """
    if (kind and kind not in PAPERS) or (year and not (year.isdecimal() and len(year) == 4)):
        raise BadRequest(f"kind is one of {', '.join(PAPERS)}, year four digits.", zh="筛选条件不正确。")
    consortium = await standing.consortium(tx, id)
    await standing.require_reader(tx, scope, consortium.rid)
    found = []
    for one in await of(tx, "DocumentReference", "related", consortium.rid):
        said = parse(one.body)
        fits = kind_of(said) if not kind else kind_of(said) == kind
        if fits and said["status"] != "entered-in-error" and (not year or day_of(said)[:4] == year):
            found.append((day_of(said), one.rid, one))
    found.sort(key=lambda each: each[:2], reverse=True)
    return [one for _, _, one in found[offset : offset + count]], len(found)


async def of(tx: Tx, kind: str, parameter: str, consortium: int, id: str = "") -> list[Stored]:
    """The resources of this type that refer to a consortium by this search parameter, kept for it; the one with this id, or all. Whoever
    asks has been asked already."""
    rows = await tx.fetch(OF, parameters_of(kind)[parameter].id, consortium, type_id(kind), id)
    bodies = await read.many(tx, SYSTEM, [(kind, row["id"]) for row in rows])
    return list(bodies.values())


async def one(tx: Tx, consortium: Consortium, id: str) -> Stored:
    """A paper of this consortium, whoever asks. NotFound where it has none with this id."""
    found = await of(tx, "DocumentReference", "related", consortium.rid, id) if id else []
    if not found or not kind_of(parse(found[0].body)):
        raise NotFound(f"The consortium has no paper DocumentReference/{id[:64]}.", zh="该医联体没有这份文件。")
    return found[0]


async def file_of(tx: Tx, scope: Scope, consortium: str, id: str) -> Stored:
    """The file, a Binary, of the paper DocumentReference/`id` of the consortium Organization/`consortium`. NotFound, Forbidden."""
    whose = await standing.consortium(tx, consortium)
    await standing.require_reader(tx, scope, whose.rid)
    said = parse((await one(tx, whose, id)).body)
    kind, _, key = str(said["content"][0]["attachment"].get("url", "")).partition("/")
    if kind != "Binary" or said["status"] == "entered-in-error":
        raise NotFound(f"DocumentReference/{id[:64]} has no file.", zh="这份文件没有上传附件。")
    return await read.by_id(tx, SYSTEM, "Binary", key)


async def require_resolution(tx: Tx, consortium: Consortium, reference: str) -> Json:
    """The resolution of this consortium a decision rests on, as a Reference. InvalidResource where it is none that is in force."""
    kind, _, id = reference.partition("/")
    if kind == "DocumentReference" and id:
        for found in await of(tx, "DocumentReference", "related", consortium.rid, id):
            said = parse(found.body)
            if kind_of(said) == "resolution" and said["status"] == "current":
                return {"reference": reference, "display": said["description"]}
    raise InvalidResource(
        "Name the resolution of the consortium this rests on: a DocumentReference of the kind resolution that is current.",
        expression="resolution",
        zh="请选择作为依据的医联体决议(须为有效决议)。",
    )


def kind_of(paper: Json) -> str:
    """A code of `urls.CONSORTIUM_PAPER`, "" for none."""
    codings = (paper.get("type") or {}).get("coding", ())
    return next((str(one.get("code", "")) for one in codings if one.get("system") == urls.CONSORTIUM_PAPER), "")


def day_of(paper: Json) -> str:
    """Its day, "2026-03-01"; "" for none."""
    return str(((paper.get("context") or {}).get("period") or {}).get("start", ""))[:10]


def _refused(element: str, text: str, zh: str) -> InvalidResource:
    return InvalidResource(text, expression=f"DocumentReference.{element}", zh=zh)
