"""The whole server: what a token opens over the FHIR interface, and the trail it leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.access.conftest import House, encounter
from tests.access.journey import bearer, tokens_of
from yilian.access import accounts
from yilian.access.accounts import Post
from yilian.app import build
from yilian.config import Settings

ORIGIN = "http://127.0.0.1:8080"


@pytest.fixture
def dsn(prepared_dsn: str) -> str:
    return prepared_dsn


@pytest.fixture
async def server(people: House, dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    await people.rule("second_factor_roles", [])
    settings = Settings(audit_strict=True)
    app = build(settings, dsn)
    async with app.others.router.lifespan_context(app.others):
        yield httpx.AsyncClient(transport=httpx.ASGITransport(app=app, client=("10.0.0.8", 99)), base_url=ORIGIN)


async def as_(server: httpx.AsyncClient, user: str, scope: str = "openid user/*.*") -> httpx.AsyncClient:
    """A second browser window with this user's token."""
    server.cookies.clear()
    token = (await tokens_of(server, user, scope=scope))["access_token"]
    other = httpx.AsyncClient(transport=server._transport, base_url=ORIGIN, headers={"authorization": bearer(token)})
    other.headers["x-request-id"] = f"r-{user}"
    return other


async def test_a_doctor_reads_own_patients_and_each_read_is_in_the_trail(people: House, server: httpx.AsyncClient) -> None:
    gp = await as_(server, "gp")
    assert (await gp.get("/fhir/Patient/here")).status_code == 200
    assert (await gp.get("/fhir/Patient/there")).status_code == 404
    assert (await gp.get("/fhir/Patient?_total=accurate")).json()["total"] == 1
    rows = await people.rows("select * from audit_event where request_id = 'r-gp' order by seq")
    assert [(row["subtype"], row["entities"], row["ground"]) for row in rows] == [
        ("read", ["Patient/here/_history/1"], "registered"),
        ("search-type", ["Patient/here/_history/1"], "registered"),
    ]
    assert {row["address"] for row in rows} == {"10.0.0.8"}
    assert rows[1]["query"] == "Patient?_total=accurate"


async def test_without_a_token_nothing_is_open_but_what_tells_how_to_get_one(server: httpx.AsyncClient) -> None:
    for path in ("/fhir/Patient", "/fhir/Patient/here", "/fhir/Organization", "/fhir/AuditEvent"):
        refused = await server.get(path)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.json()["resourceType"] == "OperationOutcome"
    for path in ("/fhir/metadata", "/fhir/.well-known/smart-configuration", "/.well-known/openid-configuration", "/oauth2/jwks"):
        assert (await server.get(path)).status_code == 200


async def test_a_type_the_token_does_not_cover_is_forbidden_whether_or_not_it_is_there(people: House, server: httpx.AsyncClient) -> None:
    await people.put(encounter("e", "here", "qingshi"))
    narrow = await as_(server, "gp", "openid user/Patient.read")
    assert (await narrow.get("/fhir/Patient/here")).status_code == 200
    for path in (
        "/fhir/Encounter/e",
        "/fhir/Encounter/not-there",
        "/fhir/Encounter",
        "/fhir/Encounter/e/_history",
        "/fhir/Encounter/e/_history/1",
    ):
        assert (await narrow.get(path)).status_code == 403, path
    assert (await narrow.put("/fhir/Patient/here", json={"resourceType": "Patient", "id": "here"})).status_code == 403
    with_encounters = (await narrow.get("/fhir/Patient?_id=here&_revinclude=Encounter:patient")).json()
    assert [entry["resource"]["resourceType"] for entry in with_encounters["entry"]] == ["Patient"]
    everything = (await narrow.get("/fhir/Patient/here/$everything")).json()
    assert {entry["resource"]["resourceType"] for entry in everything["entry"]} == {"Patient"}


@pytest.mark.parametrize("user", ["admin", "regulator"])
async def test_who_has_no_patients_sees_none_by_any_road(people: House, server: httpx.AsyncClient, user: str) -> None:
    await people.put(encounter("e", "here", "qingshi"))
    nobody = await as_(server, user)
    for path in ("/fhir/Patient/here", "/fhir/Encounter/e", "/fhir/Patient/here/_history", "/fhir/Patient/here/$everything"):
        assert (await nobody.get(path)).status_code == 404, path
    for path in ("/fhir/Patient?_total=accurate", "/fhir/Encounter?_total=accurate"):
        assert (await nobody.get(path)).json()["total"] == 0
    assert "entry" not in (await nobody.get("/fhir/Patient/_history")).json()
    assert (await nobody.get("/fhir/Organization/first")).status_code == 200


async def test_the_trail_is_read_by_whom_it_concerns_and_written_by_nobody(people: House, server: httpx.AsyncClient) -> None:
    gp = await as_(server, "gp")
    await gp.get("/fhir/Patient/here")
    resident = await as_(server, "resident")
    seen = (await resident.get("/fhir/AuditEvent?patient=Patient/here&subtype=read")).json()
    (event,) = [entry["resource"] for entry in seen["entry"]]
    assert event["agent"][0]["who"]["reference"] == "Practitioner/gp"
    assert (await resident.get(f"/fhir/AuditEvent/{event['id']}")).json()["id"] == event["id"]
    gp2 = await as_(server, "gp2")
    assert (await gp2.get(f"/fhir/AuditEvent/{event['id']}")).status_code == 404
    for user in (gp, resident):
        assert (await user.post("/fhir/AuditEvent", json=event)).status_code == 405
        assert (await user.put(f"/fhir/AuditEvent/{event['id']}", json=event)).status_code == 405
        assert (await user.delete(f"/fhir/AuditEvent/{event['id']}")).status_code == 405


async def test_with_the_trail_out_of_order_nothing_is_read(people: House, server: httpx.AsyncClient) -> None:
    gp = await as_(server, "gp")
    assert (await gp.get("/fhir/Patient/here")).status_code == 200
    async with people.db.transaction() as tx:
        await tx.execute("alter table audit_event add constraint broken check (account <> 'gp') not valid")
        await tx.execute("alter table audit_event rename to audit_event_away")
    refused = await gp.get("/fhir/Patient/here")
    assert refused.status_code == 503
    assert "here" not in refused.text
    async with people.db.transaction() as tx:
        await tx.execute("alter table audit_event_away rename to audit_event")
        await tx.execute("alter table audit_event drop constraint broken")


async def test_a_disabled_doctor_is_out_at_the_next_look(people: House, server: httpx.AsyncClient) -> None:
    gp = await as_(server, "gp")
    async with people.db.transaction() as tx:
        await accounts.disable(tx, "gp")
    assert (await gp.get("/fhir/Patient/here")).status_code == 401, "this token was not looked at within the last ten seconds"


async def test_a_new_post_gives_nothing_of_the_old_institution(people: House, server: httpx.AsyncClient) -> None:
    async with people.db.transaction() as tx:
        await accounts.set_posts(tx, "gp", [Post("gp", "Organization/liuhe")])
    gp = await as_(server, "gp")
    assert (await gp.get("/fhir/Patient/here")).status_code == 404
    assert (await gp.get("/fhir/Patient/there")).status_code == 200
