"""Transactions and batches over HTTP: what stands in their entries, what is answered, and what is only stored."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.http.house import ORIGIN, Server
from tests.http.test_interactions import Json, observation

LAB = "urn:oid:2.16.156.10011.1.33"
U = "urn:uuid:0b8b6b1e-52a5-4fd6-a6fd-ab8b5c4b000"


def entry(method: str, url: str, resource: Json | None = None, full_url: str = "", **request: Any) -> Json:
    made: Json = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


async def sent(server: Server, kind: str, *entries: Json, who: str = "gp", prefer: str = "") -> tuple[int, Json]:
    client = await server.as_(who)
    bundle = {"resourceType": "Bundle", "type": kind, "entry": list(entries)}
    answer = await client.post("/fhir", json=bundle, headers={"prefer": prefer} if prefer else {})
    return answer.status_code, answer.json()


def numbered(number: str, **more: Any) -> Json:
    return observation(identifier=[{"system": LAB, "value": number}], **more)


async def stored(server: Server) -> int:
    return int(await server.value("select count(*) from resource"))


async def test_reads_in_a_transaction_see_what_it_writes_and_are_in_the_trail(server: Server) -> None:
    own = {"id": "b1", "performer": [{"reference": "Organization/qingshi"}]}
    await sent(server, "transaction", entry("PUT", "Observation/b1", numbered("B0") | own), who="bench")
    status, answer = await sent(
        server,
        "transaction",
        entry("GET", f"Observation?identifier={LAB}|B1"),
        entry("GET", "Observation/b1"),
        entry("HEAD", "Observation/b1"),
        entry("GET", "Observation/b1/_history"),
        entry("GET", "Patient/p1/$everything?_type=Observation"),
        entry("POST", "Observation/_search?patient=p1"),
        entry("GET", "Observation/b1", ifNoneMatch='W/"2"'),
        entry("GET", "Organization/qingshi", ifModifiedSince="2999-01-01T00:00:00Z"),
        entry("GET", "Organization/qingshi", ifModifiedSince="2000-01-01T00:00:00Z"),
        entry("PUT", "Observation/b1", numbered("B1") | own),
    )
    assert status == 200, answer
    entries = answer["entry"]
    assert [one["response"]["status"][:3] for one in entries] == ["200"] * 6 + ["304", "304", "200", "200"]
    assert entries[0]["resource"]["total"] == 1
    assert entries[1]["resource"]["id"] == "b1"
    assert entries[1]["response"]["etag"] == 'W/"2"'
    assert entries[1]["response"]["lastModified"].endswith("Z")
    assert "resource" not in entries[2]
    assert entries[3]["resource"]["type"] == "history"
    assert any(one["resource"]["id"] == "b1" for one in entries[4]["resource"]["entry"])
    assert any(one["resource"]["id"] == "b1" for one in entries[5]["resource"]["entry"])
    assert "resource" not in entries[6]
    seen = "select count(*) from audit_event where action in ('R', 'E') and 'Observation/b1/_history/2' = any(entities) and ground <> ''"
    assert await server.value(seen) >= 6, "notes of reads are written with the transaction"


async def test_a_read_that_fails_undoes_everything(server: Server) -> None:
    before = await stored(server)
    for failing, expected in (
        (entry("GET", "Observation/none"), 404),
        (entry("GET", "Patient/p3"), 404),
        (entry("GET", "Nonsense/1"), 404),
        (entry("GET", "Observation?nonsense=1"), 400),
        (entry("GET", "http://other.example/fhir/Patient/1"), 400),
        (entry("POST", "ServiceRequest/$refer", {"resourceType": "Parameters"}), 400),
        (entry("POST", "Observation/b2/$expunge", {"resourceType": "Parameters"}), 400),
    ):
        status, answer = await sent(server, "transaction", entry("POST", "Observation", numbered("B2")), failing)
        assert (status, answer["issue"][0]["expression"]) == (expected, ["Bundle.entry[1].request"]), (failing, answer)
    assert await stored(server) == before
    assert (
        await server.value("select count(*) from audit_event where action = 'C' and array_to_string(entities, ' ') like 'Observation%'")
        == 0
    )


async def test_what_is_preferred_comes_back(server: Server) -> None:
    entries = (
        entry("POST", "Observation", numbered("B3")),
        entry("POST", "Observation", numbered("B4"), ifNoneExist=f"identifier={LAB}|B4"),
        entry("DELETE", f"Observation?identifier={LAB}|none"),
    )
    _, plain = await sent(server, "transaction", *entries)
    assert all("resource" not in one and "outcome" not in one["response"] for one in plain["entry"])
    location = plain["entry"][0]["response"]["location"]
    assert location.startswith(f"{ORIGIN}/fhir/Observation/")
    _, whole = await sent(server, "transaction", *entries, prefer="return=representation")
    assert [one.get("resource", {}).get("resourceType") for one in whole["entry"]] == ["Observation", "Observation", None]
    assert [one["response"]["status"] for one in whole["entry"]] == ["201 Created", "200 OK", "204 No Content"]
    _, told = await sent(server, "transaction", *entries, prefer="return=OperationOutcome")
    said = [one["response"]["outcome"]["issue"][0]["diagnostics"] for one in told["entry"]]
    assert "stored as version 1" in said[0]
    assert "there already" in said[1]
    assert "nothing to delete" in said[2]
    _, batch = await sent(server, "batch", *entries, prefer="return=OperationOutcome")
    assert batch["entry"][0]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    _, least = await sent(server, "batch", *entries, prefer="return=minimal")
    assert all("resource" not in one for one in least["entry"])


async def test_entries_of_a_batch_do_all_that_requests_do(server: Server) -> None:
    status, answer = await sent(
        server,
        "batch",
        entry("PUT", f"Observation?identifier={LAB}|B5", numbered("B5")),
        entry("PUT", f"Observation?identifier={LAB}|B5", numbered("B5", status="amended"), ifMatch='W/"1"'),
        entry("PUT", f"Observation?identifier={LAB}|B5", numbered("B5"), ifMatch='W/"1"'),
        entry("HEAD", f"Observation?identifier={LAB}|B5"),
        entry("GET", f"Observation?identifier={LAB}|B5"),
        entry("DELETE", f"Observation?identifier={LAB}|B5"),
        entry("DELETE", f"Observation?identifier={LAB}|B5"),
        entry("POST", "Observation", numbered("B6"), ifNoneExist=f"identifier={LAB}|B6"),
        entry("POST", "Observation", numbered("B6"), ifNoneExist=f"identifier={LAB}|B6"),
        entry("GET", "Observation/none"),
        {"request": {"method": "GET"}},
        entry("POST", "", {"resourceType": "Bundle", "type": "batch"}),
        entry("GET", "Organization/qingshi", ifModifiedSince="soon"),
    )
    assert status == 200
    found = [one["response"]["status"] for one in answer["entry"]]
    assert found == ["201", "200", "412", "200", "200", "204", "204", "201", "200", "404", "400", "400", "400"]
    assert "resource" not in answer["entry"][3]
    assert answer["entry"][4]["resource"]["total"] == 1
    assert answer["entry"][2]["response"]["outcome"]["issue"][0]["severity"] == "error"


async def test_a_transaction_that_fails_says_where(server: Server) -> None:
    before = await stored(server)
    good = entry("POST", "Observation", numbered("B7"))
    elsewhere = {"status": "planned", "class": {"code": "AMB"}, "subject": {"reference": "Patient/p1"}}
    unseen = numbered("B7") | {"subject": {"reference": "Patient/p3"}}
    for bad, status, place in (
        (entry("POST", "Observation", numbered("B7", status="done")), 422, "Bundle.entry[1].resource.status"),
        (entry("PUT", "Observation/none", numbered("B7") | {"id": "none"}, ifMatch='W/"4"'), 412, "Bundle.entry[1].resource"),
        (entry("POST", "Observation", unseen), 422, "Bundle.entry[1].resource.subject.reference"),
        (entry("DELETE", "Patient/p1"), 409, "Bundle.entry[1]"),
        (entry("POST", "Organization", {"resourceType": "Organization", "name": "x"}), 403, "Bundle.entry[1].resource"),
        (entry("PUT", "Observation?status=final&x=1", numbered("B7")), 400, "Bundle.entry[1].request"),
        (entry("POST", "Encounter", {"resourceType": "Encounter", **elsewhere, "serviceProvider": {"reference": "Organization/none"}}), 422,
         "Bundle.entry[1].resource.serviceProvider.reference"),
    ):  # fmt: skip
        found, answer = await sent(server, "transaction", good, bad)
        assert (found, answer["issue"][0].get("expression")) == (status, [place]), answer
    assert await stored(server) == before


@pytest.mark.parametrize(
    "kind", ["document", "message", "collection", "searchset", "history", "transaction", "batch", "transaction-response"]
)
async def test_a_bundle_sent_to_its_type_is_stored_as_it_is(server: Server, kind: str) -> None:
    system = await server.as_("bench")
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "出院小结"},
        "subject": {"reference": U + "2"},
        "date": "2026-11-20",
        "author": [{"reference": U + "2"}],
        "title": "出院小结",
    }
    header = {
        "resourceType": "MessageHeader",
        "eventUri": "http://x/event",
        "source": {"endpoint": "http://x"},
        "focus": [{"reference": U + "2"}],
    }
    patient = {"resourceType": "Patient", "name": [{"text": "别处的人"}], "generalPractitioner": [{"reference": "Practitioner/elsewhere"}]}
    first = header if kind == "message" else composition
    request = {"request": {"method": "GET", "url": "x"}} if kind in ("history", "transaction", "batch") else {}
    response = {"response": {"status": "200"}} if kind in ("history", "transaction-response") else {}
    sent_ = {
        "resourceType": "Bundle",
        "type": kind,
        **({"identifier": {"system": LAB, "value": "doc"}, "timestamp": "2026-11-20T08:00:00+08:00"} if kind == "document" else {}),
        "entry": [
            {"fullUrl": U + "1", "resource": first, **request, **response},
            {"fullUrl": U + "2", "resource": patient, **request, **response},
        ],
    }
    answer = await system.post("/fhir/Bundle", json=sent_)
    assert answer.status_code == 201, answer.text
    back = (await system.get(f"/fhir/Bundle/{answer.json()['id']}")).json()
    assert {key: value for key, value in back.items() if key not in ("id", "meta")} == sent_
    assert await server.value("select count(*) from resource where body like '%别处的人%'") == 1, "its entries are not taken apart"


async def test_a_stored_bundle_in_a_transaction_keeps_its_own_names(server: Server) -> None:
    inner = {
        "resourceType": "Bundle",
        "type": "collection",
        "signature": {"type": [{"code": "1"}], "when": "2026-11-20T08:00:00+08:00", "who": {"reference": U + "1"}},
        "entry": [{"fullUrl": U + "1", "resource": observation() | {"subject": {"reference": U + "1"}}}],
    }
    status, answer = await sent(
        server,
        "transaction",
        entry("POST", "Observation", observation(), U + "1"),
        entry("POST", "Bundle", inner, U + "2"),
        who="bench",
        prefer="return=representation",
    )
    assert status == 200, answer
    back = answer["entry"][1]["resource"]
    assert {key: value for key, value in back.items() if key not in ("id", "meta")} == inner


@pytest.mark.parametrize("kind", ["document", "message", "collection", "searchset", "history", "batch-response", None, 5])
async def test_what_is_no_transaction_is_not_carried_out_and_says_what_to_do(server: Server, kind: Any) -> None:
    status, answer = await sent(server, kind, entry("POST", "Observation", observation()))
    assert (status, answer["issue"][0]["expression"]) == (400, ["Bundle.type"])
    assert "POST /Bundle" in answer["issue"][0]["diagnostics"]


async def test_references_to_a_version_need_that_version(server: Server) -> None:
    gp = await server.as_("gp")
    id = (await gp.post("/fhir/Observation", json=numbered("B8"))).json()["id"]
    for version, status in (("1", 201), ("2", 422), ("x", 422), ("0", 422), ("99999999999", 422)):
        answer = await gp.post("/fhir/Observation", json=observation(hasMember=[{"reference": f"Observation/{id}/_history/{version}"}]))
        assert answer.status_code == status, (version, answer.text)
    refused = answer.json()["issue"][0]
    assert refused["expression"] == ["Observation.hasMember[0].reference"]
    ours = observation(hasMember=[{"reference": f"{ORIGIN}/fhir/Observation/{id}/_history/1"}])
    made = await gp.post("/fhir/Observation", json=ours)
    assert made.json()["hasMember"] == [{"reference": f"Observation/{id}/_history/1"}]
    elsewhere = observation(hasMember=[{"reference": "https://other.example/fhir/Observation/1/_history/9"}])
    assert (await gp.post("/fhir/Observation", json=elsewhere)).status_code == 201
    status, answer2 = await sent(
        server,
        "transaction",
        entry("PUT", f"Observation/{id}", numbered("B8", status="amended") | {"id": id}),
        entry("POST", "Observation", observation(hasMember=[{"reference": f"Observation/{id}/_history/2"}])),
    )
    assert status == 200, answer2


async def test_transactions_at_once_under_one_condition_create_one(server: Server) -> None:
    entries = (
        entry("PUT", f"Observation?identifier={LAB}|B9", numbered("B9"), U + "1"),
        entry("POST", "Observation", observation(hasMember=[{"reference": U + "1"}])),
    )
    answers = await asyncio.gather(*(sent(server, "transaction", *entries) for _ in range(10)))
    assert {status for status, _ in answers} == {200}
    assert await server.value('select count(*) from resource where body like \'%"value":"B9"%\'') == 1
    made = [answer["entry"][0]["response"]["status"] for _, answer in answers]
    assert sorted(made) == ["200 OK"] * 9 + ["201 Created"]
