"""What there is in the region of the matrix: for each state of ground and consent one patient, who has one thing of each sensitive kind
from each institution, and what hangs on it. Told as data; `writing.py` writes it, all of it or what one asker may see.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.scope.matrix.oracle import PSYCHIATRIC, Asker, Facts, Ground, Thing, may_see
from tests.scope.matrix.states import LABELS, A, B, ConsentState, GroundState, consent_states, ground_states
from yilian.fhir import urls

Json = dict[str, Any]

KINDS = (0, 1, 2, 4, 8, 16, 3)
"""The sensitive kinds of a thing, as bits; the last is of two."""
ORIGINS = (A, B, "")
LATER = len(KINDS)
"""The place of a thing that has been labelled in one version only."""
TYPES = ("Observation", "Condition", "DocumentReference", "MedicationRequest", "Procedure", "CarePlan")
LABEL = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LOINC = "http://loinc.org"
OWN = "urn:oid:2.16.156.112604.1.2.1"
BY_DIAGNOSIS = {1: "F32.1", 2: "B20", 4: "Q90.9", 8: "N97.9"}
BY_TEST = {1: "44249-1", 2: "7918-6", 4: "51969-4"}
SUGAR = {"value": 7.9, "unit": "mmol/L"}
LABORATORY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
NAMES = ("王建国", "李秀英", "张伟", "刘洋", "陈静", "杨帆", "赵敏", "黄磊", "周杰", "吴芳", "徐丽", "孙强")


@dataclass(frozen=True, slots=True)
class Case:
    """One patient: the states, and the id, which is that of the Patient too."""

    id: str
    ground: GroundState
    consent: ConsentState

    @property
    def other(self) -> str:
        """The id of the other record of the same person."""
        return f"q{self.id[1:]}"

    @property
    def has_other(self) -> bool:
        return self.ground.road in ("linked", "unlinked")


@dataclass(slots=True)
class Region:
    """things and bodies by name; bodies: all versions; cases by (place of the ground, place of the consent)"""

    begun: datetime
    cases: dict[tuple[int, int], Case] = field(default_factory=dict)
    things: dict[str, Thing] = field(default_factory=dict)
    bodies: dict[str, list[Json]] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    pointed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What something points to that is seen by others than what is pointed to: target → what points there."""

    def add(self, thing: Thing, *versions: Json) -> None:
        self.things[thing.name] = thing
        self.bodies[thing.name] = [{"resourceType": thing.type, "id": thing.id, **one} for one in versions]

    def sees(self, asker: Asker, thing: Thing) -> bool:
        return may_see(self.facts, asker, thing, self.begun)

    def seen(self, asker: Asker) -> frozenset[str]:
        """The names of all an asker may know of."""
        return frozenset(name for name, thing in self.things.items() if self.sees(asker, thing))


def name_of(case: Case, kind: int, origin: int) -> str:
    """Of the thing of the kind at this place of `KINDS` (or `LATER`), by the institution at this place of `ORIGINS`."""
    number = int(case.id[1:])
    return f"{'Observation' if kind == LATER else TYPES[(number + kind + origin) % len(TYPES)]}/n{kind}{origin}-{case.id}"


def region(begun: datetime) -> Region:
    made = Region(begun)
    grounds, consents = ground_states(begun), consent_states(begun)
    for g, ground in enumerate(grounds):
        for c, consent in enumerate(consents):
            case = made.cases[g, c] = Case(f"k{g * len(consents) + c:03}", ground, consent)
            _record(made, case)
    everybody = [{"entity": {"reference": f"Patient/{case.id}"}} for case in made.cases.values()]
    made.add(Thing("Group", "cohort", "*"), {"type": "person", "actual": True, "member": everybody})
    return made


def _record(made: Region, case: Case) -> None:
    id, place, facts = case.id, case.ground, made.facts
    at_b = place.road == "registered"
    facts.grounds[id] = [_filled(one, id) for one in place.grounds] + [Ground(A, "encounter")] + [Ground(A, "registered")] * (not at_b)
    facts.rules[id] = list(case.consent.rules)
    _patient(made, id, B if at_b else A, handed_over=place.road == "handed over")
    about, visit = {"reference": f"Patient/{id}"}, {"reference": f"Encounter/visit-{id}"}
    made.add(Thing("Encounter", f"visit-{id}", id, A), _visit(about, A))
    if place.road.startswith("encounter"):
        more = [_visit(about, B, "cancelled")] if place.road.endswith("cancelled") else []
        made.add(Thing("Encounter", f"call-{id}", id, B), _visit(about, B), *more)
    for kind, bits in enumerate((*KINDS, PSYCHIATRIC)):
        for origin, whose in enumerate(ORIGINS):
            type, _, thing = name_of(case, kind, origin).partition("/")
            body = _body(type, about, visit if whose == A else None, 0 if kind == LATER else bits, thing)
            versions = [body, {**body, "meta": _label(1)}, {**body, "note": [{"text": "标签已去除"}]}] if kind == LATER else [body]
            made.add(Thing(type, thing, id, whose, bits), *versions)
    _what_hangs_together(made, case, about, visit)
    for whose in (A, B):
        title = {"status": "current", "mode": "working", "title": "内部备忘", "subject": about}
        made.add(Thing("List", f"memo-{whose}-{id}", id, whose, confined=whose), title)
    if case.has_other:
        _the_other_record(made, case)
    for one in (*place.consents, *case.consent.consents):
        whom = case.other if one["id"] == "there" else id
        said = {**one, "id": f"{one['id']}-{id}", "patient": {"reference": f"Patient/{whom}"}}
        name = f"Consent/{said['id']}"
        if name in made.things:
            made.bodies[name].append(said)
        else:
            labels = {one["code"] for one in said["provision"].get("securityLabel", ())}  # a word about a kind is of that kind
            made.add(Thing("Consent", said["id"], whom, kinds=sum(bit for bit, code in LABELS.items() if code in labels), base=True), said)


def _what_hangs_together(made: Region, case: Case, about: Json, visit: Json) -> None:
    id, road = case.id, case.ground.road
    mind, plain, report, letter = f"Observation/mind-{id}", f"Observation/plain-{id}", f"DiagnosticReport/report-{id}", f"Task/letter-{id}"
    made.add(Thing("Observation", f"mind-{id}", id, A, PSYCHIATRIC), _body("Observation", about, None, 1, f"mind-{id}"))
    made.add(Thing("Observation", f"plain-{id}", id, A), _body("Observation", about, visit, 0, f"plain-{id}"))
    result = [{"reference": mind}, {"reference": plain}]
    made.add(
        Thing("DiagnosticReport", f"report-{id}", id, A), {"status": "final", "code": {"text": "报告"}, "result": result, "subject": about}
    )
    made.pointed[mind] = (report, letter)
    if road.startswith("referral"):
        task = {"status": "requested", "intent": "order", "for": about, "focus": {"reference": mind}, "description": "转诊"}
        made.add(Thing("Task", f"letter-{id}", id, base=True), task)
    if road.startswith("emergency"):
        made.add(Thing("Task", f"alarm-{id}", id, B, confined=B))
        made.add(Thing("Communication", f"notice-{id}", id, B))


def _the_other_record(made: Region, case: Case) -> None:
    other, facts, joined = case.other, made.facts, case.ground.linked
    facts.grounds[other] = list(case.ground.elsewhere)
    facts.rules[other] = list(case.ground.there)
    if joined:
        facts.same[case.id] = facts.same[other] = frozenset({case.id, other})
    _patient(made, other, B)
    about = {"reference": f"Patient/{other}"}
    for word, whose, bits in (("plain", B, 0), ("mind", "", 1), ("plainly", "", 0)):
        made.add(Thing("Observation", f"{word}-{other}", other, whose, bits), _body("Observation", about, None, bits, f"{word}-{other}"))
    made.add(Thing("Person", f"one-{case.id}", "*"))


def _patient(made: Region, id: str, at: str, *, handed_over: bool = False) -> None:
    number = 1 + int(id[1:]) + 500 * (id[0] == "q")
    body: Json = {
        "name": [{"text": NAMES[number % len(NAMES)]}],
        "gender": ("male", "female")[number % 2],
        "birthDate": (date(1941, 2, 3) + timedelta(days=17 * number)).isoformat(),
        "identifier": [{"system": urls.HEALTH_FILE, "value": f"320322100101{number:05}"}],
        "managingOrganization": {"reference": f"Organization/{at}"},
    }
    before = [{**body, "managingOrganization": {"reference": f"Organization/{B}"}}] if handed_over else []
    made.add(Thing("Patient", id, id, B if handed_over else at, base=True), *before, body)


def _visit(about: Json, at: str, status: str = "finished") -> Json:
    return {"status": status, "class": {"code": "AMB"}, "serviceProvider": {"reference": f"Organization/{at}"}, "subject": about}


def _body(type: str, about: Json, visit: Json | None, bits: int, word: str) -> Json:
    """A resource that belongs to these kinds: by its code where there is one that says so, else by a label."""
    coded = {"Condition": (urls.ICD10, BY_DIAGNOSIS), "Observation": (LOINC, BY_TEST)}.get(type)
    code: Json = {"text": "项目"}
    if coded is not None:
        code["coding"] = [{"system": coded[0], "code": coded[1].get(bits, {"Condition": "E11", "Observation": "1558-6"}[type])}]
    body: Json = {"identifier": [{"system": OWN, "value": word}], "subject": about}
    if bits and (coded is None or bits not in coded[1]):
        body["meta"] = _label(bits)
    if visit is not None and type in ("Observation", "Condition", "Procedure"):
        body["encounter"] = visit
    final: dict[str, Json] = {
        "Observation": {
            "status": "final",
            "code": code,
            "effectiveDateTime": "2026-09-20",
            "valueQuantity": SUGAR,
            "category": [LABORATORY],
        },
        "Condition": {"code": code, "onsetDateTime": "2020-05"},
        "DocumentReference": {"status": "current", "content": [{"attachment": {"title": "病历"}}]},
        "MedicationRequest": {
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": "药品"},
            "authoredOn": "2026-09",
        },
        "Procedure": {"status": "completed", "code": code, "performedDateTime": "2026-09-20"},
        "CarePlan": {"status": "active", "intent": "plan", "title": "随访"},
    }
    return body | final[type]


def _label(bits: int) -> Json:
    return {"security": [{"system": LABEL, "code": code} for bit, code in LABELS.items() if bits & bit]}


def _filled(ground: Ground, id: str) -> Ground:
    letter = frozenset(name.format(id) for name in ground.letter)
    return Ground(ground.institution, ground.kind, ground.purpose, ground.until, ground.all_kinds, letter)
