"""A token for a part of a type: what does not fit is answered to the byte like what never was, in every way of reading."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.access.journey import answered, authorize, bearer, redeem, sign_in, tokens_of
from tests.http.house import Server
from tests.scope.asks import asks, never, tell
from tests.scope.people import client_of, sees
from tests.scope.test_searches import CHAINS, LINKS, found, questions
from tests.scope.world import LOINC, World, sugar
from yilian import app, config
from yilian.access import clients

Json = dict[str, Any]

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
LABORATORY = [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}]
OTHERS = "user/Patient.rs user/Encounter.rs user/DiagnosticReport.rs user/Provenance.rs user/List.rs user/Group.rs"
PARTS = {
    "by category": "user/Observation.rs?category=laboratory",
    "by system and category, or a code nobody has": f"user/Observation.rs?category={CATEGORY}|laboratory user/Observation.rs?code=nobody",
    "by two at once": "user/Observation.rs?category=laboratory&status=final,amended",
}


def fits(body: Json | None) -> bool:
    """Said in words of our own: it is of the laboratory."""
    categories = (body or {}).get("category", [])
    return any(coding["code"] == "laboratory" for one in categories for coding in one["coding"])


async def narrowed(server: Server, scope: str, user: str = "gp") -> httpx.AsyncClient:
    client = server.nobody()
    got = await tokens_of(client, user, scope=f"openid {scope}")
    assert sorted(got["scope"].split()) == sorted(f"openid {scope}".split())
    client.headers["authorization"] = bearer(got["access_token"])
    client.headers["x-request-id"] = "scope"
    return client


async def bodies_of(server: Server, world: World) -> dict[str, Json | None]:
    """What each Observation says now; None for a deleted one."""
    bench = await client_of(server, "bench")
    answers = {name: await bench.get(f"/fhir/{name}") for name in world.versions if name.startswith("Observation/")}
    return {name: answer.json() if answer.status_code == 200 else None for name, answer in answers.items()}


async def test_what_does_not_fit_is_answered_like_what_never_was(server: Server, world: World) -> None:
    client, bodies = await narrowed(server, f"{PARTS['by category']} {OTHERS}"), await bodies_of(server, world)
    hidden = [name for name, body in bodies.items() if sees("gp", world.current(name)) and not fits(body)]
    shown = [name for name, body in bodies.items() if sees("gp", world.current(name)) and fits(body)]
    assert len(hidden) >= 2
    assert len(shown) >= 2
    compared, different = 0, []
    for name in hidden:
        id = name.partition("/")[2]
        nobody = never(id)
        for ask, same in zip(asks("gp", "Observation", id, None), asks("gp", "Observation", nobody, None), strict=True):
            if ask.method in ("DELETE", "PATCH") or "reference" in ask.name or "$refer" in ask.name:
                continue  # the token writes nothing; what may be pointed to is a matter of the reach
            told, never_was = await tell(client, ask, id), await tell(client, same, nobody)
            compared += 1
            if told != never_was:
                different.append((name, ask.name, told, never_was))
    assert compared > 80
    assert not different, different[:3]
    for name in shown:
        for path in (name, f"{name}/_history/1", f"{name}/_history"):
            assert (await client.get(f"/fhir/{path}")).status_code == 200, path


@pytest.mark.parametrize("scope", PARTS.values(), ids=PARTS)
async def test_a_search_finds_and_counts_what_fits(server: Server, world: World, scope: str) -> None:
    bench, client, bodies = await client_of(server, "bench"), await narrowed(server, f"{scope} {OTHERS}"), await bodies_of(server, world)

    def visible(name: str) -> bool:
        return sees("gp", world.current(name)) and (not name.startswith("Observation/") or fits(bodies[name]))

    less = 0
    for query in questions("Observation"):
        if query in CHAINS["Observation"]:
            continue
        all_there, _, _ = await found(bench, "Observation", query)
        expected = [name for name in all_there if visible(name)]
        matches, _, total = await found(client, "Observation", query)
        assert (matches, total) == (expected, len(expected)), query
        less += len(expected) < len([name for name in all_there if sees("gp", world.current(name))])
    assert less > 30
    for way, links in LINKS.items():
        for link in links:
            for kind in ("Observation", "Patient", "Encounter", "DiagnosticReport", "Provenance"):
                if way == "_include" and not link.startswith(f"{kind}:"):
                    continue
                answer = await client.get(f"/fhir/{kind}?{way}={link}&_count=200")
                there = [one["resource"] for one in answer.json().get("entry", [])] if answer.status_code == 200 else []
                assert all(fits(one) for one in there if one["resourceType"] == "Observation"), (way, link)


async def test_chains_totals_lists_and_operations_tell_of_what_fits_alone(server: Server, world: World) -> None:
    client, bodies = await narrowed(server, f"{PARTS['by category']} {OTHERS}"), await bodies_of(server, world)
    other = f"{LOINC}|7918-6"
    wide = await client_of(server, "bench")
    for path in (
        f"Patient?_has:Observation:patient:code={other}", f"Encounter?_has:Observation:encounter:code={other}",
        "Patient?_has:Observation:patient:_id=bridge-p1", "DiagnosticReport?result.category:missing=true",
        f"Encounter?patient._has:Observation:patient:code={other}",
    ):  # fmt: skip
        assert (await client.get(f"/fhir/{path}&_total=accurate")).json()["total"] == 0, path
    assert (await wide.get(f"/fhir/Patient?_has:Observation:patient:code={other}&_total=accurate")).json()["total"] > 0
    assert (await client.get("/fhir/Patient?_has:Observation:patient:code=1558-6&_total=accurate")).json()["total"] > 0

    async def observations(path: str) -> set[str]:
        answer = await client.get(f"/fhir/{path}")
        assert answer.status_code == 200, (path, answer.text)
        page = answer.json()
        here = [one["resource"] for one in page.get("entry", []) if "resource" in one]
        assert page.get("total", len(here)) >= len(here) or "$everything" in path
        return {f"Observation/{one['id']}" for one in here if one["resourceType"] == "Observation"}

    for who in ("p1", "p2"):
        mine = {n for n, body in bodies.items() if fits(body) and sees("gp", world.current(n)) and world.current(n).patient == who}
        assert mine
        for path in (
            f"Patient/{who}/$everything?_count=500", f"Patient/{who}/$timeline?_count=500", f"Patient/{who}/Observation?_count=500",
            f"Patient/{who}/*?_count=500", f"Observation?patient={who}&_count=500", f"Patient/{who}/$everything?_type=Observation",
        ):  # fmt: skip
            assert await observations(path) == mine, path
        assert await observations(f"Observation/$lastn?patient={who}&code:missing=false&category=laboratory") == mine
        assert await observations(f"Observation/$lastn?patient={who}&code={other}") == set()
        assert await observations(f"Encounter/visit-{who}/$everything") <= mine
        assert await observations(f"Patient/{who}/$everything?_type=Patient") == set()
    for path in ("Observation/_history?_count=500", "_history?_count=500", "?_type=Observation,Patient&_count=500"):
        there = await observations(path)
        assert there
        assert all(fits(bodies[name]) for name in there), path


async def test_every_version_is_held_against_what_it_says_itself(own_server: Server) -> None:
    """A result that was filed under another category before, and one that is not of the laboratory any more."""
    bench, client = await client_of(own_server, "bench"), await narrowed(own_server, PARTS["by category"])
    wide = await client_of(own_server, "gp")
    for id, first, then in (("became", None, LABORATORY), ("was", LABORATORY, None)):
        for category in (first, then):
            body = sugar(id, "p1") | ({"category": category} if category else {})
            assert (await bench.put(f"/fhir/Observation/{id}", json=body)).status_code in (200, 201)
    assert (await wide.get("/fhir/Observation/became/_history")).json()["total"] == 2
    for id, there, gone in (("became", 2, 1), ("was", 1, 2)):
        assert (await client.get(f"/fhir/Observation/{id}/_history/{there}")).status_code == 200
        assert (await client.get(f"/fhir/Observation/{id}/_history/{gone}")).status_code == 404
        page = (await client.get(f"/fhir/Observation/{id}/_history")).json()
        assert [one["resource"]["meta"]["versionId"] for one in page["entry"]] == [str(there)]
        assert page["total"] == 1
    assert (await client.get("/fhir/Observation/became")).status_code == 200
    assert (await client.get("/fhir/Observation/was")).status_code == 404
    assert (await bench.delete("/fhir/Observation/became")).status_code == 204
    assert (await client.get("/fhir/Observation/became")).status_code == 404, "a deletion says nothing of what was deleted"


async def test_what_cannot_heed_a_part_is_refused(server: Server) -> None:
    client = await narrowed(server, f"{PARTS['by category']} user/Patient.cruds user/Task.rs user/Subscription.cruds user/AuditEvent.rs")
    later = {"prefer": "respond-async"}
    for path in (
        "Task/$worklist?list=sent", "AuditEvent", "Patient/$export?_type=Observation", "$export", "Patient/p1/$seers",
        "ViewDefinition", "Observation/sugar-p1/$validate",
    ):  # fmt: skip
        answer = await client.get(f"/fhir/{path}", headers=later)
        assert answer.status_code == 403, (path, answer.text)
    watching = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "?",
        "criteria": "Observation?",
        "channel": {"type": "rest-hook", "endpoint": "https://example.org/hook", "payload": "application/fhir+json"},
    }
    assert (await client.post("/fhir/Subscription", json=watching)).status_code == 403
    table = await client.get("/fhir/ViewDefinition/vital_signs/$run?patient=p1", headers={"accept": "application/json"})
    assert table.status_code == 200
    assert all("bridge" not in str(row) and "blood" not in str(row) for row in table.json())


async def test_reading_and_searching_are_two_letters(server: Server) -> None:
    reads, searches = await narrowed(server, "user/Observation.r"), await narrowed(server, "user/Observation.s user/Patient.rs")
    one = ("Observation/sugar-p1", "Observation/sugar-p1/_history", "Observation/sugar-p1/_history/1")
    many = ("Observation?_id=sugar-p1", "Observation/_history", "Observation/_search", "Observation/$lastn?patient=p1&code=1558-6")
    for path in one:
        assert (await reads.get(f"/fhir/{path}")).status_code == 200, path
        assert (await searches.get(f"/fhir/{path}")).status_code == 403, path
    for path in many:
        assert (await reads.get(f"/fhir/{path}")).status_code in (403, 404, 405), path
    assert (await searches.get("/fhir/Observation?_id=sugar-p1")).json()["entry"]
    assert (await searches.post("/fhir/Observation/_search", data={"_id": "sugar-p1"})).json()["entry"]
    assert (await searches.get("/fhir/Observation/_history")).json()["entry"]
    both = await narrowed(server, "user/Observation.r user/Patient.rs")
    assert (await both.get("/fhir/Patient?_has:Observation:patient:code=1558-6&_total=accurate")).json()["total"] == 0
    page = (await both.get("/fhir/Patient?_id=p1&_revinclude=Observation:patient")).json()
    assert {one["resource"]["resourceType"] for one in page["entry"]} == {"Patient"}
    for kind in ("batch", "transaction"):
        entries = [{"request": {"method": "GET", "url": url}} for url in ("Observation?_id=sugar-p1", "Observation/sugar-p1")]
        answer = await reads.post("/fhir", json={"resourceType": "Bundle", "type": kind, "entry": entries})
        if kind == "batch":
            assert [one["response"]["status"][:3] for one in answer.json()["entry"]] == ["403", "200"]
        else:
            assert answer.status_code == 403


@pytest.mark.parametrize(("letters", "allowed"), [("c", "c"), ("u", "u"), ("d", "d"), ("cu", "cu"), ("ud", "ud"), ("cud", "cud")])
async def test_each_way_of_writing_has_its_letter(own_server: Server, letters: str, allowed: str) -> None:
    client, wide = await narrowed(own_server, f"user/Observation.{letters}"), await client_of(own_server, "gp")
    fresh = {key: value for key, value in sugar("x", "p1").items() if key != "id"}
    created = await client.post("/fhir/Observation", json=fresh)
    assert created.status_code == (201 if "c" in allowed else 403), created.text
    there = (await wide.post("/fhir/Observation", json=fresh)).json()
    changed = await client.put(f"/fhir/Observation/{there['id']}", json={**there, "status": "amended"})
    assert changed.status_code == (200 if "u" in allowed else 403), changed.text
    assert there["id"] not in changed.text, "who may not read is not shown what is there"
    steps = [{"op": "replace", "path": "/status", "value": "corrected"}]
    media = {"content-type": "application/json-patch+json"}
    patched = await client.request("PATCH", f"/fhir/Observation/{there['id']}", json=steps, headers=media)
    assert patched.status_code == (200 if "u" in allowed else 403), patched.text
    entry = {"resource": fresh, "request": {"method": "POST", "url": "Observation"}}
    sent = await client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert sent.status_code == (200 if "c" in allowed else 403), sent.text
    gone = await client.delete(f"/fhir/Observation/{there['id']}")
    assert gone.status_code == (204 if "d" in allowed else 403), gone.text
    assert (await client.get(f"/fhir/Observation/{there['id']}")).status_code == 403


async def test_what_is_written_fits_before_and_after(own_server: Server) -> None:
    client, wide = await narrowed(own_server, "user/Observation.cruds?category=laboratory"), await client_of(own_server, "gp")
    fresh = {key: value for key, value in sugar("x", "p1").items() if key != "id"}
    assert (await client.post("/fhir/Observation", json=fresh)).status_code == 403
    made = await client.post("/fhir/Observation", json={**fresh, "category": LABORATORY})
    assert made.status_code == 201, made.text
    mine = made.json()
    without = {key: value for key, value in mine.items() if key != "category"}
    assert (await client.put(f"/fhir/Observation/{mine['id']}", json=without)).status_code == 403, "it would not fit any more"
    remove = [{"op": "remove", "path": "/category"}]
    media = {"content-type": "application/json-patch+json"}
    assert (await client.request("PATCH", f"/fhir/Observation/{mine['id']}", json=remove, headers=media)).status_code == 403
    amended = await client.put(f"/fhir/Observation/{mine['id']}", json={**mine, "status": "amended"})
    assert amended.status_code == 200
    other = (await wide.post("/fhir/Observation", json=fresh)).json()
    taken = await client.put(f"/fhir/Observation/{other['id']}", json={**other, "category": LABORATORY})
    assert taken.status_code == 403, "it did not fit before"
    assert (await client.delete(f"/fhir/Observation/{other['id']}")).status_code == 403
    assert (await wide.get(f"/fhir/Observation/{other['id']}")).json()["meta"]["versionId"] == "1"
    entries = [
        {"resource": {**fresh, "category": LABORATORY}, "request": {"method": "POST", "url": "Observation"}},
        {"resource": fresh, "request": {"method": "POST", "url": "Observation"}},
    ]
    whole = await client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert whole.status_code == 403
    assert (await client.delete(f"/fhir/Observation/{mine['id']}")).status_code == 204


async def test_an_application_that_was_opened_with_a_patient_sees_that_patient_alone(own_server: Server, world: World) -> None:
    """In every way of reading; what the session sees of others is like what never was."""
    database = app.database(config.Settings(), own_server.dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            await clients.add(
                tx, "viewer", name="viewer", secret=None, scope="launch patient/*.rs", grant_types=["authorization_code"],
                redirect_uris=["https://app.example/back"], launches=["https://app.example/launch"],
            )  # fmt: skip
    finally:
        await database.close()
    client = own_server.nobody()
    await sign_in(client, "gp")
    origin = str(client.base_url).rstrip("/")
    opened = await client.post("/oauth2/launch", json={"client": "viewer", "patient": "Patient/p1"}, headers={"origin": origin})
    launch = parse_qs(urlsplit(opened.json()["location"]).query)["launch"][0]
    asked = {"client_id": "viewer", "redirect_uri": "https://app.example/back", "scope": "launch patient/*.rs", "launch": launch}
    code = answered(await authorize(client, **asked))["code"]
    got = await redeem(client, code, client_id="viewer", redirect_uri="https://app.example/back")
    assert got.json()["patient"] == "p1"
    client = own_server.nobody()
    client.headers["authorization"] = bearer(got.json()["access_token"])
    client.headers["x-request-id"] = "scope"
    others = [one for versions in world.versions.values() if (one := versions[-1]).patient == "p2" and sees("gp", one)]
    mine = [one for versions in world.versions.values() if (one := versions[-1]).patient == "p1" and sees("gp", one) and not one.deleted]
    assert len(others) > 10
    assert len(mine) > 10
    for one in mine:
        assert (await client.get(f"/fhir/{one.name}")).status_code == 200, one.name
        assert (await client.get(f"/fhir/{one.type}?_id={one.id}&_total=accurate")).json()["total"] == 1
    compared = 0
    for one in others:
        nobody = never(one.id)
        reads = zip(asks("gp", one.type, one.id, None), asks("gp", one.type, nobody, None), strict=True)
        for ask, same in reads:
            if ask.method == "GET":
                assert await tell(client, ask, one.id) == await tell(client, same, nobody), (one.name, ask.name)
                compared += 1
    assert compared > 200
    for path in ("Observation?_count=200", "Patient", "Observation/_history?_count=200", "_history?_count=500", "Patient/p1/$everything"):
        page = (await client.get(f"/fhir/{path}")).json()
        there = {f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in page["entry"] if "resource" in one}
        about = {world.current(name).patient for name in there if name in world.versions}
        assert about <= {"p1", ""}, path
        assert "p1" in about
    for path in ("Task/$worklist?list=sent", "AuditEvent", "Patient/$export", "Patient/p1/$seers"):
        assert (await client.get(f"/fhir/{path}", headers={"prefer": "respond-async"})).status_code == 403, path
    fresh = {key: value for key, value in sugar("x", "p1").items() if key != "id"}
    assert (await client.post("/fhir/Observation", json=fresh)).status_code == 403
