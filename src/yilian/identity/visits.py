"""登记: a visit written down at the desk, with the number the institution gives it. Planned when it is to come, arrived when it has.

门(急)诊号 and 住院号 count up within an institution and a year: MZ2026000042, ZY2026000007 (identifier systems of china-facts §8.3, the
institution as assigner). FHIR R4: http://hl7.org/fhir/R4/encounter.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from yilian.directory.specialties import SPECIALTIES
from yilian.errors import BadRequest, Conflict
from yilian.fhir import urls
from yilian.fhir.dates import interval, region_zone
from yilian.fhir.json import parse
from yilian.search import query
from yilian.store import find, read
from yilian.store.change import Change, Written
from yilian.store.scope import Scope
from yilian.store.write import stamp, write

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.read import Stored

Json = dict[str, Any]
Counter = Literal["outpatient", "inpatient"]
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of visit: its class (v3-ActCode), the counter its number is of, and how that number begins."""

    code: str
    display: str
    zh: str
    counter: Counter
    system: str
    prefix: str


KINDS = {
    "outpatient": Kind("AMB", "ambulatory", "门诊", "outpatient", urls.OUTPATIENT_NO, "MZ"),
    "emergency": Kind("EMER", "emergency", "急诊", "outpatient", urls.OUTPATIENT_NO, "MZ"),
    "inpatient": Kind("IMP", "inpatient encounter", "住院", "inpatient", urls.INPATIENT_NO, "ZY"),
}
STATES = ("planned", "arrived")
OPEN = ("arrived", "triaged", "in-progress")
"""Status of a visit of somebody who is there."""
BEGUN = "in-progress"
"""The one of these in which somebody has begun to see the patient."""


async def register(
    tx: Tx, scope: Scope, patient: str, *, kind: str, state: str = "arrived", specialty: str = "", appointment: str = ""
) -> Written:
    """Write the Encounter of a visit of Patient/`patient` to the scope's own institution, in `tx`, with the next number. As `drafted`, and
    raises what the store raises."""
    encounter = await drafted(tx, scope, patient, kind=kind, state=state, specialty=specialty, appointment=appointment)
    (done,) = await write(tx, scope, [Change("POST", "Encounter", None, encounter)])
    return done


async def drafted(
    tx: Tx, scope: Scope, patient: str, *, kind: str, state: str = "arrived", specialty: str = "", appointment: str = ""
) -> Json:
    """The Encounter of a visit with the next number, which is taken, not yet written: for who writes more into it.

    kind       a key of `KINDS`
    specialty  诊疗科目 of the department, a code of `directory.specialties`; "" where it is not known yet
    appointment  logical id of the Appointment it was booked with, "" for none
    Raises BadRequest for words that are none of these, NotFound for a patient outside the scope.
    """
    if kind not in KINDS or state not in STATES:
        raise BadRequest(f"kind is {' | '.join(KINDS)}, status {' | '.join(STATES)}.", zh="登记类别或状态不正确。")
    if specialty and specialty not in SPECIALTIES:
        raise BadRequest(f"{specialty[:20]!r} is no 诊疗科目.", expression="specialty", zh="没有这个诊疗科目。")
    if not scope.institution_rid:
        raise BadRequest("Visits are registered by an institution.", zh="只有医疗机构可以登记就诊。")
    stored = await read.by_id(tx, scope, "Patient", patient)
    chosen, name = KINDS[kind], _name(parse(stored.body))
    own = {"reference": scope.institution, "display": scope.institution_name}
    number = await _next_number(tx, scope.institution_rid, chosen)
    encounter: Json = {
        "resourceType": "Encounter",
        "identifier": [{"use": "official", "system": chosen.system, "value": number, "assigner": own}],
        "status": state,
        "class": {"system": ACT, "code": chosen.code, "display": chosen.display},
        "subject": {"reference": f"Patient/{patient}", **({"display": name} if name else {})},
        "serviceProvider": own,
    }
    if specialty:
        encounter["serviceType"] = {"coding": [{"system": urls.SPECIALTY, "code": specialty, "display": SPECIALTIES[specialty]}]}
    if appointment:
        encounter["appointment"] = [{"reference": f"Appointment/{appointment}"}]
    if state == "arrived":
        encounter["period"] = {"start": stamp(tx.now)}
    return encounter


async def arrive(tx: Tx, scope: Scope, encounter: str, seen: int | None) -> Written:
    """到诊: who was expected is there, in `tx`. `seen`: the version that was looked at, None to take any.

    Raises Conflict unless the visit is planned, VersionStale when it was changed meanwhile, NotFound outside the scope.
    """
    stored = await read.by_id(tx, scope, "Encounter", encounter)
    resource = parse(stored.body)
    if resource.get("status") != "planned":
        raise Conflict("Only a planned visit arrives; this one is under way or over.", zh="该就诊不是“待到诊”状态,不能再次报到。")
    resource.setdefault("statusHistory", []).append({"status": "planned", "period": {"end": stamp(tx.now)}})
    resource["status"] = "arrived"
    resource["period"] = {**resource.get("period", {}), "start": stamp(tx.now)}
    (done,) = await write(tx, scope, [Change("PUT", "Encounter", encounter, resource, if_match=seen or stored.version)])
    return done


async def under_way(tx: Tx, scope: Scope, patient: str, specialty: str) -> Json | None:
    """The outpatient visit of Patient/`patient` to the scope's own institution that began today (of the region) and is under way, in this
    诊疗科目 or in none yet; None where there is none. One day, one department, one visit."""
    return next((visit for _, visit in await _of_today(tx, scope, patient) if specialty_of(visit) in ("", specialty)), None)


async def with_appointment(tx: Tx, scope: Scope, patient: str, specialty: str) -> Stored | None:
    """Of those the one somebody came to with an appointment, where there is one: nobody registers a second beside it. `specialty`: "" where
    the desk does not say which department."""
    for stored, visit in await _of_today(tx, scope, patient):
        if visit.get("appointment") and (not specialty or specialty_of(visit) in ("", specialty)):
            return stored
    return None


async def _of_today(tx: Tx, scope: Scope, patient: str) -> list[tuple[Stored, Json]]:
    """Outpatient visits here that began today and are under way, the earliest first."""
    midnight = tx.now.astimezone(region_zone()).replace(hour=0, minute=0, second=0, microsecond=0)
    asked = [
        ("patient", f"Patient/{patient}"), ("service-provider", scope.institution), ("status", ",".join(OPEN)),
        ("class", f"{ACT}|AMB"), ("date", f"ge{midnight.date().isoformat()}"), ("_sort", "date"), ("_count", "50"),
    ]  # fmt: skip
    found: list[tuple[Stored, Json]] = []
    for one in (await find.find(tx, scope, query.parse("Encounter", asked, zone=region_zone()))).matches:
        visit = parse(one.body)
        began = str((visit.get("period") or {}).get("start", ""))
        if began and interval(began, region_zone())[0] >= midnight:
            found.append((one, visit))
    return found


async def belong(tx: Tx, scope: Scope, visit: Json, appointment: str, specialty: str) -> Written:
    """Say of a visit, as `under_way` told of it, that it is the one of Appointment/`appointment`, in `tx`. Raises VersionStale when it was
    changed meanwhile."""
    resource = {key: value for key, value in visit.items() if key != "meta"}
    reference = {"reference": f"Appointment/{appointment}"}
    if reference not in (there := list(resource.get("appointment", ()))):
        resource["appointment"] = [*there, reference]
    if specialty and not specialty_of(resource):
        resource["serviceType"] = {"coding": [{"system": urls.SPECIALTY, "code": specialty, "display": SPECIALTIES[specialty]}]}
    seen = int(visit["meta"]["versionId"])
    (done,) = await write(tx, scope, [Change("PUT", "Encounter", visit["id"], resource, if_match=seen)])
    return done


async def end(tx: Tx, scope: Scope, encounter: str, *, was_seen: bool = True) -> Written | None:
    """结束就诊: who was there goes, in `tx`: the visit is over now. It is finished, or, where nobody has seen the patient and nobody began
    to, cancelled (FHIR: "ended before it has begun"). None for what is no ambulatory visit under way: who was admitted
    meanwhile is discharged by the ward, and what the clinic's own system has ended is left as it is. Raises NotFound outside the scope."""
    stored = await read.by_id(tx, scope, "Encounter", encounter)
    resource = parse(stored.body)
    before = resource.get("status")
    open_ = OPEN if was_seen else ("planned", *OPEN)
    if before not in open_ or resource.get("class", {}).get("code") not in ("AMB", "EMER"):
        return None
    if await tx.fetchval("select exists (select from bed_claim where encounter = $1 and stands and ends is null)", stored.rid):
        return None
    since = next((one["period"]["end"] for one in reversed(resource.get("statusHistory", ())) if one.get("period", {}).get("end")), None)
    since = since or (resource.get("period") or {}).get("start")
    lasted = {"start": since, "end": stamp(tx.now)} if since else {"end": stamp(tx.now)}
    resource.setdefault("statusHistory", []).append({"status": before, "period": lasted})
    resource["status"] = "finished" if was_seen or before == BEGUN else "cancelled"
    resource["period"] = {**resource.get("period", {}), "end": stamp(tx.now)}
    (done,) = await write(tx, scope, [Change("PUT", "Encounter", encounter, resource, if_match=stored.version)])
    return done


def specialty_of(encounter: Json) -> str:
    """The 诊疗科目 of a visit, "" where it is not known."""
    codings = (encounter.get("serviceType") or {}).get("coding", ())
    return next((str(one.get("code", "")) for one in codings if one.get("system") == urls.SPECIALTY), "")


async def _next_number(tx: Tx, institution: int, kind: Kind) -> str:
    """The next number of this year in the region's zone; given back when `tx` is rolled back, so there are no gaps.

    Whoever takes one waits for the transaction that took the one before: take it late.
    """
    year = tx.now.astimezone(region_zone()).year
    last = await tx.fetchval(
        """
        insert into visit_number (institution, kind, year, last) values ($1, $2, $3, 1)
        on conflict (institution, kind, year) do update set last = visit_number.last + 1 returning last
        """,
        institution,
        kind.counter,
        year,
    )
    return f"{kind.prefix}{year}{last:06d}"


def _name(patient: Json) -> str:
    names = patient.get("name") or [{}]
    return str(names[0].get("text") or names[0].get("family", "") + "".join(names[0].get("given", ())))
