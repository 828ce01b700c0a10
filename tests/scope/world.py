"""Four patients of two townships with a record each, referrals at every stage that changes who sees them, and things about nobody.

    p1  青石镇, a referral that waits for the head          p2  青石镇, referred to the city and accepted; another one still a draft
    p3  柳河镇, a draft of its own                          p4  柳河镇, referred to the city once; the time to read on is over

Everybody has a diagnosis the own township made and a result of nobody's in particular that are sensitive; one became it later. p2 granted
the city hospital one kind, p4 refused the own township, and somebody at the county hospital opened p3 in an emergency.

The platform's systems wrote the records. Some of them point where they should not: from one patient's record into another's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx

from tests.access.consents import consent
from tests.http.house import PASSWORD, Server, running
from tests.referral.region import OUTCOME, act_parameters, patient, refer_parameters, up, version_of
from tests.scope.people import ROLES, Version, client_of
from yilian import app, config
from yilian.access import accounts, break_glass, clients
from yilian.access.accounts import Post
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]

TOWNSHIP = {"p1": "qingshi", "p2": "qingshi", "p3": "liuhe", "p4": "liuhe", "dead": "qingshi"}
PATIENTS = ("p1", "p2", "p3", "p4")
KINDS = "http://terminology.hl7.org/CodeSystem/v2-0203"
LABELS = "https://labels.example"
SUGAR = "https://labels.example/ValueSet/sugar"
LAB = "urn:oid:2.16.156.112604.1.2.1"
LOINC = "http://loinc.org"

RECORD_TYPES = (
    "AllergyIntolerance", "Appointment", "CarePlan", "Communication", "Condition", "Consent", "Coverage", "DiagnosticReport",
    "DocumentReference", "Encounter", "List", "MedicationRequest", "Observation", "Patient", "Provenance", "RelatedPerson",
    "ServiceRequest", "Task",
)  # fmt: skip
"""What a record of these tests holds."""
BESIDE = ("Group",)
"""About nobody, or about several: the institution's own, or the region's."""
SHARED = ("Location", "Organization", "Practitioner", "Questionnaire")
TYPES = (*RECORD_TYPES, *BESIDE, *SHARED)


@dataclass(slots=True)
class World:
    """What is in the database. `versions`: of each resource, oldest first. `bodies`: the current ones."""

    versions: dict[str, list[Version]] = field(default_factory=dict)
    bodies: dict[str, Json] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    """Ids of the referrals' Tasks: waiting, accepted, draft, theirs, over."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Everybody's, as long as they are good; see `Server.tokens`."""
    made_at: float = field(default_factory=monotonic)

    @property
    def things(self) -> list[Version]:
        """The current version of everything."""
        return [versions[-1] for versions in self.versions.values()]

    def current(self, name: str) -> Version:
        return self.versions[name][-1]


async def build(dsn: str) -> World:
    """Put the world into a furnished database."""
    await _more_people(dsn)
    await _own_notes(dsn)
    world = World()
    async with running(dsn) as server:
        bench = await client_of(server, "bench")
        await _send(bench, [patient("p4", "查良镛", "male", "1951-02-06", "liuhe")])
        await _send(bench, [*_directory(), *(one for who in PATIENTS for one in record(who))])
        await _send(
            bench, [{**one, "note": [{"text": "复核"}]} for one in record("p1") + record("p3") if one["resourceType"] == "Observation"]
        )
        await _astray(bench)
        await _referrals(server, world)
        await _sensitive(server, bench)
        over = "update access_ground set until = now() where patient = (select rid from resource where type = $1 and id = 'p4')"
        await server.value(f"{over} and kind = 'referral' and until is not null returning 1", type_id("Patient"))
        for kind in TYPES:
            await _take_stock(server, bench, world, kind)
        for role in ROLES:
            await client_of(server, role)
        world.tokens = server.tokens
    return world


async def _more_people(dsn: str) -> None:
    database = app.database(config.Settings(), dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            await accounts.add(tx, "regulator", PASSWORD, display="韩梅", agent="Practitioner/office", posts=[Post("regulator")])
            await accounts.add(
                tx, "privacy", PASSWORD, display="白洁", agent="Practitioner/office", posts=[Post("privacy", "Organization/county")]
            )
            await accounts.add(
                tx, "resident3", PASSWORD, display="单雄", agent="Patient/p3", patient="Patient/p3", posts=[Post("resident")]
            )
            await clients.add(
                tx,
                "liuhe-system",
                name="柳河镇卫生院信息系统",
                secret=PASSWORD,
                scope="system/*.*",
                grant_types=("client_credentials",),
                institution="Organization/liuhe",
            )
    finally:
        await database.close()


async def _own_notes(dsn: str) -> None:
    """What is about nobody and confined to the house that wrote it."""
    database = app.database(config.Settings(), dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            for where in ("qingshi", "liuhe"):
                own = await tx.fetchval("select rid from resource where type = $1 and id = $2", type_id("Organization"), where)
                note = _note(where, "值班安排")
                await write(tx, SYSTEM, [Change("PUT", "List", note["id"], note, confined=own)])
    finally:
        await database.close()


def record(who: str) -> list[Json]:
    """One of each clinical type about a patient, pointing to each other."""
    about, at = {"reference": f"Patient/{who}"}, {"reference": f"Organization/{TOWNSHIP[who]}"}
    subject: Json = {"subject": about}

    def one(kind: str, word: str, **more: Any) -> Json:
        number = {"system": LAB, "value": f"{word}-{who}", "type": {"coding": [{"system": KINDS, "code": "FILL"}], "text": "院内编号"}}
        return {"resourceType": kind, "id": f"{word}-{who}", "meta": labels(who), "identifier": [number], **more}

    return [
        one(
            "Encounter",
            "visit",
            status="finished",
            **{"class": {"code": "AMB"}},
            serviceProvider=at,
            location=[{"location": {"reference": "Location/ward"}}],
            contained=[{"resourceType": "Organization", "id": "payor", "name": f"互助会 {who}", "active": True}],
            hospitalization={"origin": {"reference": "#payor"}},
            **subject,
        ),
        one(
            "Observation",
            "sugar",
            status="final",
            code={"coding": [{"system": LOINC, "code": "1558-6", "display": "Fasting glucose"}], "text": "空腹血糖"},
            encounter={"reference": f"Encounter/visit-{who}"},
            performer=[{"identifier": {"system": LAB, "value": f"sampler of {who}"}}],
            category=[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
            effectiveDateTime="2026-09-20T07:30:00+08:00",
            valueQuantity={"value": 7.9, "unit": "mmol/L"},
            **subject,
        ),
        one(
            "Condition",
            "problem",
            code={"coding": [{"system": urls.ICD10, "code": "E11"}], "text": "2 型糖尿病"},
            onsetDateTime="2020-05",
            **subject,
        ),
        one(
            "MedicationRequest",
            "drug",
            status="active",
            intent="order",
            medicationCodeableConcept={"text": "二甲双胍"},
            authoredOn="2026-09-20",
            **subject,
        ),
        one(
            "AllergyIntolerance",
            "allergy",
            clinicalStatus={"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]},
            code={"text": "青霉素"},
            patient=about,
        ),
        one("DocumentReference", "paper", status="current", content=[{"attachment": {"title": "知情同意书"}}], **subject),
        one(
            "DiagnosticReport",
            "report",
            status="final",
            code={"text": "血糖"},
            result=[{"reference": f"Observation/sugar-{who}"}],
            **subject,
        ),
        one("RelatedPerson", "kin", patient=about, name=[{"text": "家属"}]),
        one("CarePlan", "plan", status="active", intent="plan", title="糖尿病随访", **subject),
        one("Coverage", "card", status="active", beneficiary=about, payor=[at]),
        one("Appointment", "booking", status="proposed", participant=[{"actor": about, "status": "accepted"}]),
        {
            "resourceType": "List",
            "id": f"folder-{who}",
            "status": "current",
            "mode": "working",
            "entry": [{"item": {"reference": name}} for one in PATIENTS for name in (f"Observation/sugar-{one}", f"Patient/{one}")],
            **subject,
        },
        {
            "resourceType": "Provenance",
            "id": f"trace-{who}",
            "target": [{"reference": f"Observation/sugar-{who}"}, about],
            "recorded": "2026-09-20T08:00:00+08:00",
            "agent": [{"who": {"reference": "Practitioner/gp"}}],
        },
        one("Task", "todo", status="requested", intent="order", **{"for": about}),
        one("ServiceRequest", "test", status="active", intent="order", code={"text": "糖化血红蛋白"}, **subject),
    ]


def labels(who: str) -> Json:
    """Tag, security label and profile of what is in somebody's record, and of nothing else."""
    coded = {"system": LABELS, "code": f"of-{who}"}
    return {"profile": [f"{LABELS}/{who}"], "security": [coded], "tag": [coded]}


def _directory() -> list[Json]:
    everyone = [{"entity": {"reference": f"Patient/{who}"}} for who in PATIENTS]
    return [
        {"resourceType": "Location", "id": "ward", "name": "心内科病区", "position": {"longitude": 117.18, "latitude": 34.27}},
        {
            "resourceType": "ValueSet",
            "id": "sugar",
            "url": SUGAR,
            "status": "active",
            "compose": {
                "include": [
                    {"system": LOINC, "concept": [{"code": "1558-6"}]},
                    {"system": urls.ICD10, "concept": [{"code": "E11"}]},
                ]
            },
        },
        {"resourceType": "Questionnaire", "id": "gad7", "status": "active", "title": "焦虑量表"},
        {"resourceType": "Group", "id": "cohort", "type": "person", "actual": True, "member": everyone},
        _note("region", "区域公告"),
    ]


def _note(where: str, title: str) -> Json:
    return {"resourceType": "List", "id": f"note-{where}", "status": "current", "mode": "working", "title": title}


def sugar(id: str, who: str, **more: Any) -> Json:
    """An Observation about somebody."""
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "1558-6"}]},
        "subject": {"reference": f"Patient/{who}"},
        **more,
    }


async def _astray(bench: httpx.AsyncClient) -> None:
    """What goes wrong in every region: a result filed under the wrong patient and corrected, one deleted, references across records."""
    await _send(bench, [sugar("moved-result", "p3"), sugar("gone-result", "p3"), sugar("bridge-p1", "p1"), sugar("bridge-p3", "p3")])
    there, here = {"reference": "Observation/sugar-p3"}, {"reference": "Observation/sugar-p1"}
    await _send(
        bench,
        [
            sugar("moved-result", "p1"),
            sugar("bridge-p1", "p1", derivedFrom=[there], hasMember=[{"reference": "Observation/bridge-p3"}]),
            sugar("bridge-p3", "p3", derivedFrom=[here]),
        ],
    )
    assert (await bench.delete("/fhir/Observation/gone-result")).status_code == 204


async def _sensitive(server: Server, bench: httpx.AsyncClient) -> None:
    """What is sensitive, in every way it comes about, and what patients say of who may see it."""
    some: list[Json] = []
    for who in PATIENTS:
        about = {"reference": f"Patient/{who}"}
        depression = {"coding": [{"system": urls.ICD10, "code": "F32.1"}], "text": "中度抑郁发作"}
        here = {"reference": f"Encounter/visit-{who}"}
        some.append(
            {"resourceType": "Condition", "id": f"mind-{who}", "meta": labels(who), "code": depression, "encounter": here, "subject": about}
        )
        antibodies = {"coding": [{"system": LOINC, "code": "7918-6"}], "text": "HIV 抗体"}
        some.append({**sugar(f"blood-{who}", who), "meta": labels(who), "code": antibodies, "effectiveDateTime": "2026-09-21"})
        some.append(sugar(f"later-{who}", who))
    await _send(bench, some)
    label = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}
    await _send(bench, [{**sugar(f"later-{who}", who), "meta": label} for who in PATIENTS])
    await _send(bench, [sugar(f"later-{who}", who, note=[{"text": "标签已去除"}]) for who in PATIENTS])
    await _send(
        bench,
        [
            {"id": "granted", **consent("p2", "permit", "first", labels=("HIV",))},
            {"id": "refused", **consent("p4", "deny", "liuhe")},
            {"id": "withdrawn", **consent("p1", "permit", "county", status="inactive")},
        ],
    )
    asked = [
        {"name": "reasonCode", "valueCode": "unconscious"},
        {"name": "reason", "valueString": "患儿抽搐昏迷,家属未到,急需既往病史"},
    ]
    opened = await (await client_of(server, "county")).post(
        "/fhir/Patient/p3/$break-glass", json={"resourceType": "Parameters", "parameter": asked}
    )
    assert opened.status_code == 201, opened.text


async def _referrals(server: Server, world: World) -> None:
    world.tasks["waiting"] = (await _refer(server, "gp", up("p1")))["id"]
    task = await _refer(server, "gp", up("p2", supportingInfo=[{"reference": "Observation/sugar-p2"}]))
    task = await _act(server, "head", task, "approve")
    task = await _act(server, "coordinator", task, "accept")
    world.tasks["accepted"] = task["id"]
    world.tasks["draft"] = (await _refer(server, "gp", up("p2", specialty="04.03"), submit=False))["id"]
    world.tasks["theirs"] = (await _refer(server, "gp2", up("p3", specialty="07"), submit=False))["id"]
    task = await _refer(server, "gp2", up("p4"))
    for who, action, more in (("coordinator", "accept", {}), ("expert", "arrive", {}), ("expert", "complete", OUTCOME)):
        task = await _act(server, who, task, action, **more)
    world.tasks["over"] = task["id"]


async def _refer(server: Server, who: str, request: Json, **more: Any) -> Json:
    answer = await (await client_of(server, who)).post("/fhir/ServiceRequest/$refer", json=refer_parameters(request, **more))
    assert answer.status_code == 201, answer.text
    return next(one["resource"] for one in answer.json()["parameter"] if one["name"] == "task")


async def _act(server: Server, who: str, task: Json, action: str, **more: Any) -> Json:
    client, seen = await client_of(server, who), {"if-match": f'W/"{version_of(task)}"'}
    answer = await client.post(f"/fhir/Task/{task['id']}/$act", json=act_parameters(action, **more), headers=seen)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def _send(bench: httpx.AsyncClient, resources: list[Json]) -> None:
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in resources]
    answer = await bench.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text


# --- what there is, and whose


KEPT = """
select coalesce(string_agg(concat_ws(' ', r.id, coalesce(o.id, '-'), r.sensitive), ','), '')
from resource r left join resource o on o.rid = r.origin where r.type = $1
"""


async def _take_stock(server: Server, bench: httpx.AsyncClient, world: World, kind: str) -> None:
    """Everything of one type with all versions, as a system that sees everything finds it; whose each is, is read from what it says.

    Where it comes from and how sensitive it is, is read from the table: tests of their own hold that against what was written.
    """
    rows = [one.split(" ") for one in (await server.value(KEPT, type_id(kind))).split(",") if one]
    kept = {id: {"origin": origin.strip("-"), "sensitive": int(bits)} for id, origin, bits in rows}
    answer = await bench.get(f"/fhir/{kind}/_history", params={"_count": "1000"})
    assert answer.status_code == 200, answer.text
    for entry in reversed(answer.json()["entry"]):
        name = "/".join(entry["fullUrl"].split("/")[-2:])
        before = world.versions.setdefault(name, [])
        number = int(entry["response"]["etag"].split('"')[1])
        body = entry.get("resource")
        if body is None:
            last = before[-1]
            before.append(Version(kind, last.id, number, last.patient, last.confined, False, True, last.origin, last.sensitive))
            world.bodies.pop(name, None)
            continue
        whom = whose(body)
        before.append(Version(kind, body["id"], number, whom, _confined(body, whom), kind in SHARED, False, **kept[body["id"]]))
        world.bodies[name] = body


def whose(body: Json) -> str:
    """Whom a resource is about: "p1", "" for nobody, "*" for several."""
    if body["resourceType"] == "Patient":
        return str(body["id"])
    places = [body.get(key) for key in ("subject", "patient", "for", "beneficiary")]
    places += [one.get("actor") for one in body.get("participant", [])] + body.get("target", [])
    places += [one["entity"] for one in body.get("member", [])]
    found = {str(one["reference"])[8:] for one in places if one and str(one.get("reference")).startswith("Patient/")}
    return found.pop() if len(found) == 1 else "*" if found else ""


def _confined(body: Json, whom: str) -> str:
    """The institution a version is confined to: what is not yet sent stays in the township that writes it."""
    if body["resourceType"] == "List":
        return {"note-qingshi": "qingshi", "note-liuhe": "liuhe"}.get(body["id"], "")
    text = str(body)
    if break_glass.TASKS in text and body["resourceType"] == "Task":
        return "county"
    is_step = urls.REFERRAL_ACTION in text or urls.REFERRAL_TASK in text or urls.REFERRAL_DIRECTION in text
    if not is_step:
        return ""
    unsent = body.get("status") == "draft" or "partOf" in body
    if body["resourceType"] == "Provenance":
        activity = body["activity"]["coding"][0]["code"]
        unsent = activity in ("submit", "draft") and whom != "p4"  # p4's township asks for no approval: that one was sent at once
    return TOWNSHIP[whom] if unsent else ""
