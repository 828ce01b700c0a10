"""Whom a call is about: the patient as this region knows them, and what the caller sent along.

Three ways, in this order:
1. The caller's FHIR server is this one. Then its token decides what is read (`fhirAuthorization`), or else the client's own scope.
2. The Patient that came along carries a number this region knows (身份证, 健康卡, 健康档案, 医保). Then what the client's institution may
   see of that person here is tried together with what came along.
3. Nobody is found. Then what came along is tried alone.

Another server is never called: what is needed has to come along. What came along is used for the answer and not stored; what is not sound,
or not about this patient, is left out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from yilian.criteria import keeping
from yilian.criteria.cds.services import Called, NotEnough
from yilian.criteria.evaluate import Verdict, evaluate
from yilian.criteria.facts import facts_of
from yilian.criteria.suggest import rules, suggest
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.store import find
from yilian.store.read import Stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

NUMBERS = (urls.RESIDENT_ID, urls.HEALTH_CARD, urls.HEALTH_FILE, urls.MEDICAL_INSURANCE)
ABOUT = ("Observation", "Condition", "MedicationRequest", "MedicationStatement", "Encounter")


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found. `ours`: id of the Patient here, "" for nobody; `left_out`: resources that came along and were of no use."""

    verdicts: tuple[Verdict, ...]
    looked_at: tuple[Stored, ...]
    ours: str
    left_out: int


async def judge(tx: Tx, scope: Scope, called: Called, *, at_home: bool) -> Judged:
    """Every criterion tried. `at_home`: the ids of the call are ours. Raises NotEnough, and what `suggest` raises for a patient of ours."""
    if at_home:
        found = await suggest(tx, scope, called.patient_id)
        return Judged(found.verdicts, found.looked_at, called.patient_id, 0)
    given = [one for one in called.prefetched.get("patient", ()) if one.get("resourceType") == "Patient"]
    if len(given) != 1 or _faulty(tx, given[0]):
        raise NotEnough(
            "Send the Patient along (prefetch.patient): this service calls no other FHIR server.",
            expression="prefetch.patient",
            zh="请求中缺少患者资料(prefetch.patient)。",
        )
    if "observations" not in called.prefetched or "conditions" not in called.prefetched:
        raise NotEnough(
            "Send Observations and Conditions along (prefetch.observations, prefetch.conditions); null says there are none.",
            expression="prefetch",
            zh="请求中缺少检查检验或诊断资料。",
        )
    sent = [one for name, listed in called.prefetched.items() if name != "patient" for one in listed]
    usable = [one for one in sent if one.get("resourceType") in ABOUT and _is_about(one, called.patient_id) and not _faulty(tx, one)]
    theirs = [{**one, "id": ""} for one in usable]
    for one in theirs:
        del one["id"]  # an id of another server would look like one of ours
    known = await _known(tx, scope, given[0])
    if known:
        found = await suggest(tx, scope, known, beside=theirs)
        return Judged(found.verdicts, found.looked_at, known, len(sent) - len(usable))
    facts = facts_of(given[0], theirs, tx.now, region_zone())
    return Judged(tuple(evaluate(await keeping.in_force(tx), facts, await rules(tx))), (), "", len(sent) - len(usable))


async def _known(tx: Tx, scope: Scope, patient: Resource) -> str:
    """The id of the one Patient here that carries one of the numbers, within the scope; "" for nobody, or for several."""
    if not scope.may_read("Patient"):
        return ""
    wanted = {
        f"{system}|{value}": ("Patient", f"identifier={system}|{value}")
        for system, value in ((one.get("system"), one.get("value")) for one in patient.get("identifier") or ())
        if system in NUMBERS and isinstance(value, str) and value.isalnum() and len(value) <= 64
    }
    if not wanted:
        return ""
    found = {one.id for one in (await find.only_each(tx, scope, wanted)).values() if isinstance(one, Stored)}
    return found.pop() if len(found) == 1 else ""


def _is_about(resource: Resource, patient_id: str) -> bool:
    reference = (resource.get("subject") or {}).get("reference", "") if isinstance(resource.get("subject"), dict) else ""
    return isinstance(reference, str) and reference.rsplit("/", 2)[-2:] == ["Patient", patient_id]


def _faulty(tx: Tx, resource: Resource) -> bool:
    return any(one.severity in ("fatal", "error") for one in tx.hooks.validate(resource))


def readers_own(scope: Scope, client: Scope) -> Scope:
    """The scope a token of ours gives, marked in the trail with the client that brought it."""
    return replace(scope, client=client.user)
