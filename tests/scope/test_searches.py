"""Every search finds what a system that sees everything finds, less what is out of scope: on the page, in the total, in what goes along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.http.house import Server
from tests.scope.people import OTHERS, Version, client_of, sees
from tests.scope.world import LAB, LOINC, RECORD_TYPES, SHARED, TYPES, World
from yilian.fhir.compartments import CLINICAL
from yilian.search.parameters import COMPUTED, SUPPORTED_TYPES, parameters_of

Json = dict[str, Any]

NEGATIONS = {
    "Appointment": ["status:not=booked"],
    "CarePlan": ["status:not=draft", "intent:not=order"],
    "Condition": ["code:not=I10"],
    "Encounter": ["status:not=planned", "class:not=IMP"],
    "MedicationRequest": ["status:not=stopped"],
    "Observation": [f"code:not={LOINC}|4548-4", "status:not=amended"],
    "Patient": ["gender:not=female", "active:not=true"],
    "Provenance": ["signature-type:not=x"],
    "ServiceRequest": ["status:not=revoked", "category:not=down"],
    "Task": ["status:not=completed", "business-status:not=completed"],
}
CHAINS = {
    "Observation": ["encounter.status=finished", "encounter.identifier:missing=false", "encounter:Encounter.class:not=IMP"],
    "DiagnosticReport": ["result.code=1558-6", "result.status:not=amended"],
    "Provenance": ["target:Task.status=accepted", "target:ServiceRequest.status:not=active", "target:Observation.code=1558-6"],
    "Task": ["focus:ServiceRequest.status=draft", "focus:ServiceRequest.status:not=draft", "part-of.status=draft", "part-of:missing=false"],
    "Encounter": ["service-provider.name=青石镇卫生院"],
    "Coverage": ["payor:Organization.name=柳河"],
}
OF_THE_PATIENT = (
    "name=李秀英", "name=shanxiong", "name=zha", "identifier:missing=false", "gender=male", "gender:not=male", "birthdate=gt1950",
    "organization=Organization/liuhe", "address:missing=false",
)  # fmt: skip
LINKS = {
    "_include": ["Observation:encounter", "Observation:patient", "DiagnosticReport:result", "Task:focus", "Task:part-of", "Task:patient",
                 "Provenance:target", "Encounter:service-provider", "ServiceRequest:performer", "Patient:organization", "Group:member"],
    "_revinclude": ["Observation:patient", "Task:patient", "Task:focus", "Task:part-of", "Provenance:target", "DiagnosticReport:result",
                    "Observation:encounter", "Patient:organization", "Encounter:service-provider", "Group:member", "Coverage:payor"],
}  # fmt: skip


def questions(kind: str) -> Iterator[str]:
    """Searches for a type, as query strings."""
    yield from ("", "_lastUpdated=gt2020-01-01", "_sort=-_lastUpdated", "_sort=_id", f"_id={'zzz'}")
    known = parameters_of(kind)
    if kind in SHARED:
        return
    for place, parameter in enumerate(sorted(known.values(), key=lambda one: one.code)):
        if parameter.type in SUPPORTED_TYPES and parameter.code not in COMPUTED:
            yield f"{parameter.code}:missing={('true', 'false')[place % 2]}"
    yield from NEGATIONS.get(kind, [])
    yield from CHAINS.get(kind, [])
    if kind == "Patient":
        for name in ("李秀英", "lixiuying", "单雄", "shan", "z", "欧阳", "ouyangjianguo"):
            yield f"name={name}"
        yield from ("birthdate=lt1960", "identifier:missing=false", "telecom=13900001234", "organization=Organization/qingshi")
        yield from ("organization.name=柳河镇卫生院", "organization:Organization.active:not=false", "_sort=name", "_sort=-birthdate")
        return
    whom = next((code for code in ("patient", "beneficiary") if code in known and "Patient" in known[code].targets), "")
    if whom and kind in RECORD_TYPES:
        for ask in OF_THE_PATIENT:
            yield f"{whom}:Patient.{ask}"
        yield f"{whom}=Patient/p1,Patient/p2,Patient/p3"
    if "identifier" in known:
        yield from (f"identifier={LAB}|", "identifier:missing=true")
    if kind in CLINICAL and (date := CLINICAL[kind].date):
        yield f"_sort=-{date}"


async def found(client: httpx.AsyncClient, kind: str, query: str) -> tuple[list[str], list[str], int]:
    """Matches, what goes along, and the total of a search that fits on one page."""
    answer = await client.get(f"/fhir/{kind}?{query}{'&' if query else ''}_total=accurate&_count=500")
    assert answer.status_code == 200, f"{kind}?{query}: {answer.text}"
    page = answer.json()
    sides: dict[str, list[str]] = {"match": [], "include": []}
    for one in page.get("entry", []):
        sides[one["search"]["mode"]].append(f"{one['resource']['resourceType']}/{one['resource']['id']}")
    return sides["match"], sides["include"], page["total"]


async def everybody(server: Server) -> dict[str, httpx.AsyncClient]:
    return {role: await client_of(server, role) for role in OTHERS}


@pytest.mark.parametrize("kind", TYPES)
async def test_a_search_finds_what_is_in_scope_and_counts_no_more(
    server: Server, world: World, kind: str, record_property: Callable[[str, object], None]
) -> None:
    bench, clients = await client_of(server, "bench"), await everybody(server)
    compared = telling = 0
    for query in questions(kind):
        all_there, _, _ = await found(bench, kind, query)
        for role, client in clients.items():
            expected = [name for name in all_there if sees(role, world.current(name))]
            matches, _, total = await found(client, kind, query)
            assert (matches, total) == (expected, len(expected)), (role, kind, query)
            compared += 1
            telling += len(expected) < len(all_there)
    record_property("compared", compared)
    assert telling > 100 or kind not in RECORD_TYPES


BY_OTHERS = {
    "Patient": [
        "_has:Observation:patient:code=1558-6", "_has:Observation:patient:encounter.status=finished",
        "_has:Observation:patient:_has:DiagnosticReport:result:status=final", "_has:Encounter:patient:status:not=planned",
        "_has:Observation:patient:code-value-quantity=1558-6$gt5", f"_has:Observation:patient:encounter:identifier={LAB}|visit-p3",
    ],
    "Encounter": ["_has:Observation:encounter:value-quantity=ge7", "patient._has:Condition:patient:code=E11", "patient:Patient.name=shan"],
    "Observation": [
        "code-value-quantity=1558-6$gt5", "value-quantity=gt5", "_has:DiagnosticReport:result:_id=report-p3",
        f"encounter:identifier={LAB}|visit-p3", "patient._has:Encounter:patient:class=AMB", "_has:Observation:derived-from:code=1558-6",
        "combo-code-value-quantity=1558-6$gt5", "_sort=patient", "_sort=-subject,encounter",
    ],
    "Location": ["_has:List:item:_id=note-liuhe"],
}  # fmt: skip


BARRED = {"DiagnosticReport:result": "DiagnosticReport/report-{}", "_has:Condition:patient": "Condition/problem-{}"}
"""What says it, where somebody who may see whom it is said of may not see that: the patient refused what others wrote."""


@pytest.mark.parametrize("kind", BY_OTHERS)
async def test_what_others_say_of_it_is_asked_within_the_scope(server: Server, world: World, kind: str) -> None:
    """`_has`, chains below each other, composites, references by identifier, sorting by what is pointed to: cold or warm, page by page."""
    bench, clients = await client_of(server, "bench"), await everybody(server)
    telling = 0
    for query in BY_OTHERS[kind]:
        all_there, _, _ = await found(bench, kind, query)
        for role, client in clients.items():
            expected = [name for name in all_there if sees(role, world.current(name))]
            for part, saying in BARRED.items():
                if part in query:
                    expected = [name for name in expected if sees(role, world.current(saying.format(world.current(name).patient)))]
            if "derived-from" in query and role in ("gp", "head", "gp2", "liuhe-system", "county", "resident", "resident3"):
                expected = []  # what refers to it is in another record
            matches, _, total = await found(client, kind, query)
            assert (matches, total) == (expected, len(expected)), (role, kind, query)
            telling += len(expected) < len(all_there)
    assert telling > 10 or kind == "Location"


async def test_anothers_cursor_leads_through_ones_own_record_alone(server: Server, world: World) -> None:
    bench, clients = await client_of(server, "bench"), await everybody(server)
    for query in ("Observation?_count=1", "Observation?_count=1&_sort=-patient", "Patient?_count=1&_sort=name"):
        url: str | None = f"/fhir/{query}"
        while url:
            page = (await bench.get(url)).json()
            url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
            for role, client in clients.items():
                mine = (await client.get(url)).json() if url else {}
                for one in mine.get("entry", []):
                    assert sees(role, world.current(f"{one['resource']['resourceType']}/{one['resource']['id']}")), (role, url)


async def test_what_goes_along_is_in_scope(server: Server, world: World, record_property: Callable[[str, object], None]) -> None:
    bench, clients = await client_of(server, "bench"), await everybody(server)
    compared = telling = 0
    for way, links in LINKS.items():
        for link in links:
            for one in _starting_points(world, way, link):
                query = f"_id={one.id}&{way}={link}"
                _, all_there, _ = await found(bench, one.type, query)
                for role, client in clients.items():
                    seen = sees(role, one)
                    expected = [name for name in all_there if seen and sees(role, world.current(name))]
                    matches, along, total = await found(client, one.type, query)
                    assert (matches, total) == ([one.name] * seen, int(seen)), (role, query)
                    assert along == expected, (role, query)
                    compared += 1
                    telling += seen and len(expected) < len(all_there)
    record_property("compared", compared)
    assert telling > 50


def _starting_points(world: World, way: str, link: str) -> list[Version]:
    """Resources a link leads away from, or to: those of p2 and p3, who differ most between the roles, and what is not a person's."""
    kind, code = link.split(":")
    targets = (kind,) if way == "_include" else parameters_of(kind)[code].targets
    there = [one for one in world.things if one.type in targets and not one.deleted]
    return [one for one in there if one.patient in ("p2", "p3", "*")] + [one for one in there if one.shared][:2]


@pytest.mark.parametrize("kind", ["Observation", "Task", "Patient", "Provenance"])
async def test_pages_are_full_of_what_is_in_scope(server: Server, world: World, kind: str) -> None:
    for role, client in (await everybody(server)).items():
        expected = {one.name for one in world.things if one.type == kind and sees(role, one) and not one.deleted}
        for sort in ("", "&_sort=-_lastUpdated"):
            url: str | None = f"/fhir/{kind}?_count=2&_total=accurate{sort}"
            walked: list[str] = []
            while url:
                page = (await client.get(url)).json()
                assert page["total"] == len(expected), role
                here = [f"{kind}/{one['resource']['id']}" for one in page.get("entry", [])]
                url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
                assert len(here) == 2 or url is None, role
                walked += here
            assert sorted(walked) == sorted(expected), role


async def test_a_reference_out_of_the_record_leads_nowhere(server: Server) -> None:
    """Somebody filed p3's result as the source of p1's: it can be read there, and that is all."""
    gp, gp2 = await client_of(server, "gp"), await client_of(server, "gp2")
    for client, here, there in ((gp, "p1", "p3"), (gp2, "p3", "p1")):
        bridge = f"_id=bridge-{here}"
        assert f"Observation/sugar-{there}" in (await client.get(f"/fhir/Observation/bridge-{here}")).text
        for query, expected in (
            (f"{bridge}&_include=Observation:derived-from", []),
            (f"{bridge}&_revinclude=Observation:derived-from", []),
            (f"{bridge}&_revinclude=Observation:has-member", []),
        ):
            assert (await found(client, "Observation", query))[1] == expected, query
        for chain in ("code=1558-6", "status=final", "status:not=amended", "focus:missing=true", f"_id=sugar-{there}"):
            query = f"derived-from:Observation.{chain}"
            assert await found(client, "Observation", query) == ([], [], 0), query
            for other in (f"&{bridge}", f"&patient={here}", "&patient.gender:not=x"):
                assert await found(client, "Observation", query + other) == ([], [], 0), query + other
        assert (await found(client, "Observation", "derived-from:missing=false"))[0] == [f"Observation/bridge-{here}"]
        assert (await found(client, "Observation", f"_id=sugar-{here}&_revinclude=Observation:derived-from"))[1] == []
        everything = (await client.get(f"/fhir/Patient/{here}/$everything")).json()
        assert f"sugar-{there}" not in [one["resource"]["id"] for one in everything["entry"]]
