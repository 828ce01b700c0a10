"""Who of our in-patients can go down, by which criterion, and to whom: for the ward and its referral office.

In-patients are Encounters (IMP) under way at the asker's institution, looked at a page at a time, newest first; told are those who meet a
down-criterion with nothing urgent against it. To whom: institutions of the directory that take such down-referrals for the specialty the
criterion asks for (`directory.candidates`), as far from the patient's own institution as they are; that one first, where it takes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yilian.access.policy import require
from yilian.criteria import keeping
from yilian.criteria.evaluate import Verdict, evaluate
from yilian.criteria.facts import facts_of
from yilian.criteria.gather import gather
from yilian.criteria.suggest import rules
from yilian.directory import candidates
from yilian.directory.candidates import Candidate, Need
from yilian.directory.roads import Point
from yilian.errors import Forbidden
from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.search.query import parse as parse_query
from yilian.store import find, read
from yilian.store.read import Stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

MOST_DEPARTMENTS = 300
PLACES = 3
SITE = """
select o.id, s.latitude, s.longitude from resource o
join lateral (select latitude, longitude from institution_site where organization = o.rid order by rid limit 1) s on true
where o.rid = any($1::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Stable:
    """One in-patient who can go down. `home`: reference of the institution that looks after the patient, "" for none or our own."""

    encounter: Resource
    patient: Resource
    verdicts: tuple[Verdict, ...]
    places: tuple[Candidate, ...]
    home: str


@dataclass(frozen=True, slots=True)
class Found:
    """One page. `looked`: how many in-patients were looked at on it; `departments`: of these, by code; `rows`: all, for the trail."""

    stable: tuple[Stable, ...]
    looked: int
    departments: dict[str, str]
    rows: tuple[Stored, ...]
    next: str | None


async def stable(tx: Tx, scope: Scope, *, department: str = "", count: int = 50, cursor: str | None = None) -> Found:
    """A page of `count` in-patients, looked at. `department`: code of Encounter.serviceType, "" for all.

    Raises Forbidden for who speaks for no institution or reads no Encounters, Observations or Conditions; BadRequest for a strange cursor.
    """
    for kind in ("Encounter", "Observation", "Condition", "Patient"):
        require(scope, "read", kind)
    if scope.reach != "grounds" or not scope.institution_rid:
        raise Forbidden("In-patients are those of an institution; you speak for none.", zh="仅限医疗机构人员查看本机构在院患者。")
    asked = [
        ("status", "in-progress"),
        ("class", "IMP"),
        ("service-provider", ",".join(await _houses(tx, scope))),
        ("_sort", "-date"),
        ("_count", str(count)),
        ("_include", "Encounter:patient"),
    ]
    if cursor is not None:
        asked.append(("_cursor", cursor))
    page = await find.find(tx, scope, parse_query("Encounter", asked, zone=region_zone()))
    people = {f"Patient/{one.id}": one for one in page.included if one.type == "Patient"}
    stays = [(parse(one.body), one) for one in page.matches]
    departments = dict(filter(None, (_department(stay) for stay, _ in stays)))
    chosen = [(stay, people[subject]) for stay, _ in stays if (subject := _subject(stay)) in people and _is_of(stay, department)]
    gathered = await gather(tx, scope, list({patient.rid for _, patient in chosen}))
    criteria, today = await keeping.in_force(tx), await rules(tx)
    urgent = {one.url for one in await keeping.urgent(tx)}
    tried = [one for one in criteria if one.direction == "down" or one.url in urgent]
    met: list[tuple[Resource, Stored, Resource, tuple[Verdict, ...]]] = []
    for stay, patient in chosen:
        about = parse(patient.body)
        verdicts = evaluate(tried, facts_of(about, gathered[patient.rid].resources, tx.now, region_zone()), today)
        down = tuple(one for one in verdicts if one.criterion.direction == "down" and one.may_go)
        if down:
            met.append((stay, patient, about, down))
    told = await _placed(tx, scope, met)
    looked_at = [row for one in gathered.values() for row in one.rows]
    return Found(tuple(told), len(chosen), departments, (*page.matches, *people.values(), *looked_at), page.next)


async def _placed(tx: Tx, scope: Scope, met: list[tuple[Resource, Stored, Resource, tuple[Verdict, ...]]]) -> list[Stable]:
    """With the institutions that could take each; asked once for all patients of one home and specialty."""
    homes = {about["id"]: _home(about, scope) for _, _, about, _ in met}
    sites = await _sites(tx, scope, [reference for reference in homes.values() if reference])
    known: dict[tuple[str, str], tuple[Candidate, ...]] = {}
    told = []
    for stay, _, about, verdicts in met:
        specialty = next((one.criterion.specialty for one in verdicts if one.criterion.specialty), "02")
        home = homes[about["id"]]
        key = (home, specialty)
        if key not in known:
            need = Need(specialty, "down", near=sites.get(home), count=20)
            found = await candidates.find(tx, scope, need)
            found.sort(key=lambda one: one.institution.reference != home)  # stable: the rest stays in its order
            known[key] = tuple(found[:PLACES])
        told.append(Stable(stay, about, verdicts, known[key], home))
    return told


async def _houses(tx: Tx, scope: Scope) -> list[str]:
    """References of the institution and its departments."""
    asked = [("partof", scope.institution), ("_count", str(MOST_DEPARTMENTS))]
    parts = await find.find(tx, scope, parse_query("Organization", asked, zone=region_zone()))
    return [scope.institution, *(f"Organization/{one.id}" for one in parts.matches)]


async def _sites(tx: Tx, scope: Scope, references: list[str]) -> dict[str, Point]:
    """Where these institutions are, those whose place is known."""
    wanted = [("Organization", target.id) for one in references if isinstance(target := parse_reference(one), Local)]
    rows = await read.many(tx, scope, wanted) if wanted else {}
    found = await tx.fetch(SITE, [one.rid for one in rows.values()])
    return {f"Organization/{row['id']}": Point(row["latitude"], row["longitude"]) for row in found}


def _home(patient: Resource, scope: Scope) -> str:
    reference = str((patient.get("managingOrganization") or {}).get("reference", ""))
    return "" if reference == scope.institution else reference


def _subject(encounter: Resource) -> str:
    return str((encounter.get("subject") or {}).get("reference", ""))


def _department(encounter: Resource) -> tuple[str, str] | None:
    concept = encounter.get("serviceType") or {}
    for coding in concept.get("coding", ()):
        if coding.get("code"):
            return str(coding["code"]), str(concept.get("text") or coding.get("display") or coding["code"])
    return None


def _is_of(encounter: Resource, department: str) -> bool:
    found = _department(encounter)
    return not department or (found is not None and found[0] == department)
