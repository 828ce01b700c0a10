"""The documents that go with the steps of a referral, written with them in one transaction and frozen (`handover`).

    submit, approve, forward   when the referral leaves its sender: 转诊交接文书 (what travels) and 转出记录 (the sender's own record)
    arrive                     接收记录: the receiver's record of who came, when, with which documents
    complete                   双向转诊(回转)单: a document for the referrer, named in Task.output

In the transaction and not in a job: a receiver who sees the referral sees what was sent with it, and what was sent is the record of that
moment. It costs a few reads; the paper is set when somebody prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from yilian import handover, policy
from yilian.directory.institutions import by_rid
from yilian.fhir import json, urls
from yilian.fhir.dates import region_zone
from yilian.handover import Document, Section
from yilian.referral import resources
from yilian.referral.slip_content import Facts, referral_slip, result_line, return_slip
from yilian.referral.slips import facts_of, searched
from yilian.store import read
from yilian.store.change import Change

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.referral.step import Step

Resource = dict[str, Any]

MOST_RESULTS = 30
"""Results of one kind in a document; the record behind it has them all."""


async def accompany(step: Step) -> None:
    """Add the documents this step calls for to what is written with it, and name them in the Task. Raises what the store raises."""
    kinds = _called_for(step)
    if not kinds or step.after.to_org is None:
        return
    tx = step.tx
    facts = await facts_of(tx, step.scope, step.after, step.request, step.task)
    documents = []
    for kind in kinds:
        addressee = step.after.from_org if kind == "return" else step.after.to_org
        shared, bits = await _shared(tx, facts, addressee, kind)
        bits |= _own_bits(tx, step.request) | _own_bits(tx, step.task)
        document = handover.bundle(await _document(step, kind, shared))
        documents.append(document)
        made = handover.reference(document, related=f"ServiceRequest/{step.request['id']}", labels=handover.kinds_of(bits))
        step.beside.append(Change("POST", "DocumentReference", made["id"], made, confined=None))
        _name(step.task, kind, made)

    async def keep() -> None:
        await handover.keep(tx, step.after.task_rid, documents)

    step.afterwards.append(keep)


def _called_for(step: Step) -> tuple[str, ...]:
    before, after = step.before, step.after
    if after.submitted_at is not None and (before is None or before.submitted_at is None):
        return ("transfer", "out")
    if before is None or before.state == after.state:
        return ()
    return {"arrived": ("in",), "completed": ("return",)}.get(after.state, ())


async def _shared(tx: Tx, facts: Facts, addressee: int, kind: str) -> tuple[Facts, int]:
    """The facts without what the addressee may not read, and the sensitive kinds of what is left. Records of both sides need no record."""
    if kind in ("out", "in"):
        return replace(facts, record={}), 0
    named = [one for some in (*facts.record.values(), facts.attached) for one in some]
    passing = await handover.passing(tx, addressee, [(one["resourceType"], one["id"]) for one in named])

    def may_go(some: Iterable[Resource]) -> list[Resource]:
        return [one for one in some if (one["resourceType"], one["id"]) in passing]

    left = replace(facts, record={key: may_go(some) for key, some in facts.record.items()}, attached=may_go(facts.attached))
    bits = 0
    for found in passing.values():
        bits |= found
    return left, bits


def _own_bits(tx: Tx, resource: Resource) -> int:
    """The sensitive kinds of the letter itself: its words are in the document."""
    return tx.hooks.sensitive(resource, json.dump(resource).decode()) if tx.hooks.sensitive is not None else 0


async def _document(step: Step, kind: str, facts: Facts) -> Document:
    tx, after = step.tx, step.after
    assert after.to_org is not None
    institutions = await by_rid(tx, [after.from_org, after.to_org])
    sender, receiver = institutions[after.from_org], institutions[after.to_org]
    by = step.request["requester"]["reference"] if kind in ("transfer", "out") else step.scope.agent
    wanted = [tuple(text.split("/", 1)) for text in (sender.reference, receiver.reference, by) if text.count("/") == 1]
    found = await read.many(tx, step.scope, [(kind, id) for kind, id in wanted])
    known = {f"{one.type}/{one.id}": json.parse(one.body) for one in found.values()}
    author = known.get(by) if by.startswith("Practitioner/") else None
    sections = await _SECTIONS[kind](step, facts)
    return Document(
        kind=kind,
        id=tx.new_id(),
        number=after.number,
        patient=facts.patient,
        author=author,
        sender=known[sender.reference],
        receiver=known[receiver.reference],
        related=f"ServiceRequest/{step.request['id']}",
        at=tx.now,
        sections=[one for one in sections if one.lines or one.code in _ALWAYS],
    )


_ALWAYS = ("reason", "problems", "allergies", "medication", "diagnosis", "course", "advice")
"""Sections that stand in the paper also where nothing is known: that nothing is recorded is told."""


async def _transfer(step: Step, facts: Facts) -> list[Section]:
    said = referral_slip(facts)
    record = facts.record
    results, imaging = await _results(step, facts)
    return [
        _lines("reason", said["reasons"], said["impression"]),
        _lines("present-illness", said["present-illness"]),
        _lines("past-history", said["past-history"]),
        _lines("course", said["treatment"]),
        Section("problems", _split(_names(record.get("Condition", ()))), record.get("Condition", ())),
        Section("allergies", _split(said["allergies"]), record.get("AllergyIntolerance", ())),
        Section("medication", _split(said["medication"], ";"), record.get("MedicationRequest", ())),
        Section("vital-signs", _split(said["vital-signs"], ";")),
        Section("results", [result_line(one) + recognised(one) for one in results], results),
        Section("imaging", [result_line(one) + recognised(one) for one in imaging], imaging),
        _lines("documents", said["attachments"]),
        _lines(
            "plan",
            said["precautions"],
            _with("就诊类型", said["care-type"]),
            _with("转运方式", said["transport"]),
            _with("陪护", said["escort"]),
            _with("接诊安排", said["arranged"]),
        ),
        _lines("consent", said["consent"]),
    ]


async def _out(step: Step, facts: Facts) -> list[Section]:
    said = referral_slip(facts)
    sent = [one["valueReference"]["display"] for one in step.task.get("input", []) if "valueReference" in one]
    return [
        _lines("reason", said["reasons"], said["impression"]),
        _lines(
            "handling",
            _with("转出机构", said["institution"]),
            _with("接收机构", f"{said['to']} {said['specialty']}"),
            _with("方向", said["direction"]),
            _with("紧急程度", said["priority"]),
            _with("转诊医生", said["doctor"]),
            *(" ".join(part) for part in said["steps"]),
        ),
        _lines("documents", *sent, said["attachments"]),
        _lines("plan", said["precautions"], _with("转运方式", said["transport"]), _with("陪护", said["escort"])),
        _lines("consent", said["consent"]),
    ]


async def _in(step: Step, facts: Facts) -> list[Section]:
    said = referral_slip(facts)
    received = [one["valueReference"]["display"] for one in step.task.get("input", []) if "valueReference" in one]
    when = step.now.astimezone(region_zone()).strftime("%Y-%m-%d %H:%M")
    return [
        _lines("reason", said["reasons"], said["impression"]),
        _lines("arrival", _with("到诊时间", when), _with("接收人", step.me.name), _with("科室", said["specialty"]), step.asked.note),
        _lines("documents", *received, said["attachments"]),
        _lines("handling", _with("转出机构", said["institution"]), *(" ".join(part) for part in said["steps"])),
    ]


async def _return(step: Step, facts: Facts) -> list[Section]:
    said = return_slip(facts)
    plan = [facts.plan] if facts.plan else []
    return [
        _lines("diagnosis", said["diagnosis"], _with("住院病案号", said["record-number"])),
        _lines("results", said["findings"]),
        _lines("course", said["treatment"]),
        _lines("medication-changes", said["medication-changes"]),
        Section("medication", _split(said["medication"], ";"), facts.record.get("MedicationRequest", ())),
        _lines("advice", said["advice"]),
        Section("next-visit", _split(_with("复诊时间", said["next-visit"])) + _split(said["plan"]), plan),
        _lines("documents", said["attachments"]),
    ]


_SECTIONS = {"transfer": _transfer, "out": _out, "in": _in, "return": _return}


async def _results(step: Step, facts: Facts) -> tuple[list[Resource], list[Resource]]:
    """What the referrer attached, and the newer laboratory values, reports and images of the record: results, imaging."""
    tx, patient = step.tx, facts.patient["id"]
    days = int(await policy.value(tx, "handover.results_days", tx.now, step.after.from_org))
    since = (tx.now - timedelta(days=days)).astimezone(region_zone()).date().isoformat()
    asked: Mapping[str, tuple[tuple[str, str], ...]] = {
        "Observation": (("category", "laboratory"), ("date", f"ge{since}"), ("_sort", "-date")),
        "DiagnosticReport": (("date", f"ge{since}"), ("_sort", "-date")),
        "ImagingStudy": (("started", f"ge{since}"), ("_sort", "-started")),
    }
    found = [one for kind in asked for one in (await searched(tx, step.scope, kind, (("patient", patient), *asked[kind])))[:MOST_RESULTS]]
    passing = await handover.passing(tx, step.after.to_org or 0, [(one["resourceType"], one["id"]) for one in found])
    attached = [one for one in facts.attached if one["resourceType"] in asked]
    known = {(one["resourceType"], one["id"]) for one in attached}
    # sensitive results travel when the referrer attaches them (then they are the letter) or the patient granted them
    more = [one for one in found if (key := (one["resourceType"], one["id"])) in passing and not passing[key] and key not in known]
    everything = [*attached, *more]
    pictures = [one for one in everything if _is_imaging(one)]
    return [one for one in everything if one not in pictures], pictures


def _is_imaging(one: Resource) -> bool:
    codes = {c.get("code") for concept in one.get("category", []) if isinstance(concept, dict) for c in concept.get("coding", [])}
    return one["resourceType"] == "ImagingStudy" or bool(codes & {"RAD", "imaging", "IMG", "RUS", "CT", "NMR"})


def recognised(one: Resource) -> str:
    """The mark of 检查检验结果互认 behind a result that carries it, else ""."""
    tags = one.get("meta", {}).get("tag", [])
    return " 【互认】" if any(tag.get("system") == urls.RECOGNITION or "互认" in str(tag.get("display", "")) for tag in tags) else ""


def _name(task: Resource, kind: str, made: Resource) -> None:
    """The document in the Task: what was sent and recorded as input, the 回转单 as output."""
    link = {"reference": f"DocumentReference/{made['id']}", "display": made["description"]}
    if kind == "return":
        resources.set_outputs(task, "return-document", [{"valueReference": link}])
    else:
        coding = {"system": urls.HANDOVER_DOCUMENT, "code": kind, "display": handover.KINDS[kind].zh}
        task.setdefault("input", []).append({"type": {"coding": [coding]}, "valueReference": link})


def _lines(code: str, *texts: str) -> Section:
    return Section(code, [line for text in texts for line in _split(text)])


def _split(text: str, between: str = "\n") -> list[str]:
    return [part.strip() for part in text.split(between) if part.strip()]


def _with(name: str, value: str) -> str:
    return f"{name}:{value.strip()}" if value.strip() else ""


def _names(conditions: Iterable[Resource]) -> str:
    found = []
    for one in conditions:
        concept = one.get("code", {})
        name = concept.get("text") or next((c.get("display") or c.get("code", "") for c in concept.get("coding", [])), "")
        since = str(one.get("onsetDateTime", ""))[:10]
        found.append(f"{name}({since} 起)" if since else name)
    return "\n".join(found)
