"""The interactions of the RESTful API, over HTTP, on the whole house. FHIR R4 http.html."""

from __future__ import annotations

from typing import Any

from tests.http.house import ORIGIN, Server

Json = dict[str, Any]
FHIR = {"content-type": "application/fhir+json"}


def observation(patient: str = "p1", value: str = "6.0", **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "糖化血红蛋白"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-11-20T08:30:00+08:00",
        **more,
    }


async def test_a_resource_is_created_read_updated_and_deleted(server: Server) -> None:
    gp = await server.as_("gp")
    made = await gp.post("/fhir/Observation", json=observation())
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == 'W/"1"'
    id = made.json()["id"]
    assert made.headers["location"] == f"{ORIGIN}/fhir/Observation/{id}/_history/1"
    read = await gp.get(f"/fhir/Observation/{id}")
    assert read.status_code == 200
    assert read.json() == made.json()
    changed = {**read.json(), "status": "amended"}
    updated = await gp.put(f"/fhir/Observation/{id}", json=changed, headers={"if-match": 'W/"1"'})
    assert updated.status_code == 200
    assert updated.json()["meta"]["versionId"] == "2"
    stale = await gp.put(f"/fhir/Observation/{id}", json=changed | {"status": "cancelled"}, headers={"if-match": 'W/"1"'})
    assert stale.status_code == 412
    first = await gp.get(f"/fhir/Observation/{id}/_history/1")
    assert first.json()["status"] == "final"
    gone = await gp.delete(f"/fhir/Observation/{id}")
    assert gone.status_code == 204
    assert (await gp.get(f"/fhir/Observation/{id}")).status_code == 410
    history = (await gp.get(f"/fhir/Observation/{id}/_history")).json()
    assert [entry["request"]["method"] for entry in history["entry"]] == ["DELETE", "PUT", "POST"]
    assert "resource" not in history["entry"][0]


async def test_digits_come_back_as_they_came(server: Server) -> None:
    gp = await server.as_("gp")
    body = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"HbA1c"},"subject":{"reference":"Patient/p1"},'
        b'"valueQuantity":{"value":6.10,"unit":"%","system":"http://unitsofmeasure.org","code":"%"}}'
    )
    made = await gp.post("/fhir/Observation", content=body, headers=FHIR)
    assert made.status_code == 201, made.text
    assert b'"value":6.10,' in (await gp.get(f"/fhir/Observation/{made.json()['id']}")).content


async def test_what_is_known_already_is_answered_without_a_body(server: Server) -> None:
    gp = await server.as_("gp")
    answer = await gp.get("/fhir/Patient/p1", headers={"if-none-match": 'W/"1"'})
    assert answer.status_code == 304
    assert answer.content == b""


async def test_prefer_return_chooses_what_comes_back(server: Server) -> None:
    gp = await server.as_("gp")
    minimal = await gp.post("/fhir/Observation", json=observation(), headers={"prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    outcome = await gp.post("/fhir/Observation", json=observation(), headers={"prefer": "return=OperationOutcome"})
    assert outcome.json()["resourceType"] == "OperationOutcome"


async def test_a_system_of_the_region_makes_what_is_not_there_under_the_id_it_says(server: Server) -> None:
    system = await server.as_("bench")
    made = await system.put("/fhir/Observation/lab-1", json={**observation(), "id": "lab-1"})
    assert made.status_code == 201
    other = await system.put("/fhir/Observation/lab-2", json={**observation(), "id": "lab-1"})
    assert other.status_code == 400
    assert other.json()["issue"][0]["expression"] == ["Observation.id"]
    only_new = await system.put("/fhir/Observation/lab-1", json={**observation(), "id": "lab-1"}, headers={"if-none-match": "*"})
    assert only_new.status_code == 412


async def test_who_sees_less_than_everything_does_not_choose_ids(server: Server) -> None:
    """Whether an id is taken out of scope could be told otherwise: there it cannot be used, and elsewhere it could."""
    gp, system = await server.as_("gp"), await server.as_("bench")
    assert (await system.put("/fhir/Observation/taken", json={**observation("p3"), "id": "taken"})).status_code == 201
    told = []
    for id in ("taken", "freee"):
        body = {**observation(), "id": id}
        answers = [
            await gp.put(f"/fhir/Observation/{id}", json=body),
            await gp.put(f"/fhir/Observation/{id}", json=body, headers={"if-none-match": "*"}),
            await gp.put("/fhir/Observation?identifier=urn:x|1", json=body),
            await gp.post("/fhir", json=bundle_of("transaction", "PUT", f"Observation/{id}", body)),
            await gp.post("/fhir", json=bundle_of("transaction", "PUT", "Observation?identifier=urn:x|1", body)),
        ]
        assert [one.status_code for one in answers] == [405] * 5, [one.text for one in answers]
        assert "POST it" in answers[0].text
        batch = await gp.post("/fhir", json=bundle_of("batch", "PUT", f"Observation/{id}", body))
        told.append([one.text.replace(id, "<id>") for one in (*answers, batch)])
    assert told[0] == told[1]
    assert (await system.get("/fhir/Observation/freee")).status_code == 404
    # What everyone may read is no secret: who keeps the directory and the definitions names them.
    keeper = await server.as_("admin")
    one = {"resourceType": "ValueSet", "id": "wards", "status": "draft"}
    assert (await keeper.put("/fhir/ValueSet/wards", json=one)).status_code == 201
    # What was there and was deleted is still one's own, and a condition needs no id.
    mine = (await gp.post("/fhir/Observation", json=observation())).json()
    assert (await gp.delete(f"/fhir/Observation/{mine['id']}")).status_code == 204
    assert (await gp.put(f"/fhir/Observation/{mine['id']}", json=mine)).status_code == 201
    made = await gp.put("/fhir/Observation?identifier=urn:x|1", json=observation(identifier=[{"system": "urn:x", "value": "1"}]))
    assert made.status_code == 201


def bundle_of(kind: str, method: str, url: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": resource, "request": {"method": method, "url": url}}]}


async def test_a_conditional_create_makes_one_only(server: Server) -> None:
    gp = await server.as_("gp")
    one = observation(identifier=[{"system": "urn:oid:2.16.156.10011.1.33", "value": "LAB-77"}])
    header = {"if-none-exist": "identifier=urn:oid:2.16.156.10011.1.33|LAB-77"}
    first = await gp.post("/fhir/Observation", json=one, headers=header)
    again = await gp.post("/fhir/Observation", json=one, headers=header)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


async def test_a_search_is_paged_by_its_next_link(server: Server) -> None:
    system, gp = await server.as_("bench"), await server.as_("gp")
    for number in range(7):
        await system.put(f"/fhir/Observation/o{number}", json={**observation(), "id": f"o{number}"})
    url: str | None = "/fhir/Observation?patient=p1&_sort=-date&_count=3&_total=accurate"
    seen: list[str] = []
    while url:
        page = (await gp.get(url)).json()
        assert page["total"] == 7
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    assert sorted(seen) == [f"o{number}" for number in range(7)]
    posted = await gp.post("/fhir/Observation/_search", data={"patient": "p1", "_count": "2"})
    assert len(posted.json()["entry"]) == 2


async def test_names_are_found_by_characters_and_by_pinyin(server: Server) -> None:
    gp = await server.as_("gp")
    for asked in ("李秀", "lixiuying", "lxy"):
        found = (await gp.get("/fhir/Patient", params={"name": asked})).json()
        assert [entry["resource"]["id"] for entry in found["entry"]] == ["p1"], asked


async def test_everything_about_a_patient_comes_together(server: Server) -> None:
    system, gp = await server.as_("bench"), await server.as_("gp")
    await system.put("/fhir/Observation/o1", json={**observation(), "id": "o1"})
    found = (await gp.get("/fhir/Patient/p1/$everything")).json()
    kinds = [entry["resource"]["resourceType"] for entry in found["entry"]]
    assert kinds[0] == "Patient"
    assert "Observation" in kinds
    assert "Organization" in kinds
    line = (await gp.get("/fhir/Patient/p1/$timeline")).json()
    assert [entry["resource"]["id"] for entry in line["entry"]] == ["o1"]


async def test_a_transaction_is_stored_whole_or_not_at_all(server: Server) -> None:
    gp = await server.as_("gp")
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "生化"},
        "subject": {"reference": "Patient/p1"},
        "result": [{"reference": "urn:uuid:0b8b6b1e-52a5-4fd6-a6fd-ab8b5c4b0001"}],
    }
    entries = [
        {
            "fullUrl": "urn:uuid:0b8b6b1e-52a5-4fd6-a6fd-ab8b5c4b0002",
            "resource": report,
            "request": {"method": "POST", "url": "DiagnosticReport"},
        },
        {
            "fullUrl": "urn:uuid:0b8b6b1e-52a5-4fd6-a6fd-ab8b5c4b0001",
            "resource": observation(),
            "request": {"method": "POST", "url": "Observation"},
        },
        {"request": {"method": "GET", "url": "Patient/p1"}},
    ]
    done = await gp.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert done.status_code == 200, done.text
    answered = done.json()["entry"]
    assert [entry["response"]["status"][:3] for entry in answered] == ["201", "201", "200"]
    assert answered[2]["resource"]["id"] == "p1"
    where = answered[0]["response"]["location"].split("/_history")[0].split("/")[-1]
    stored = (await gp.get(f"/fhir/DiagnosticReport/{where}")).json()
    assert stored["result"][0]["reference"].startswith("Observation/")
    before = await server.value("select count(*) from resource")
    entries[1] = {**entries[1], "resource": observation(status="done")}
    refused = await gp.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource.status"]
    assert await server.value("select count(*) from resource") == before


async def test_each_entry_of_a_batch_stands_alone(server: Server) -> None:
    gp = await server.as_("gp")
    entries = [
        {"resource": observation(status="done"), "request": {"method": "POST", "url": "Observation"}},
        {"resource": observation(), "request": {"method": "POST", "url": "Observation"}},
        {"request": {"method": "GET", "url": "Patient?name=lxy&_count=1"}},
        {"request": {"method": "GET", "url": "Patient/p3"}},
    ]
    done = (await gp.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entries})).json()
    assert [entry["response"]["status"] for entry in done["entry"]] == ["422", "201", "200", "404"]
    assert done["entry"][0]["response"]["outcome"]["issue"][0]["expression"] == ["Observation.status"]
    assert done["entry"][2]["resource"]["type"] == "searchset"


async def test_the_capability_statement_says_what_is_there(server: Server) -> None:
    nobody = server.nobody()
    statement = (await nobody.get("/fhir/metadata")).json()
    assert statement["fhirVersion"] == "4.0.1"
    kinds = {one["type"]: one for one in statement["rest"][0]["resource"]}
    assert len(kinds) == 145
    assert {"name", "birthdate", "identifier"} <= {one["name"] for one in kinds["Patient"]["searchParam"]}
    assert "refer" in {one["name"] for one in kinds["ServiceRequest"]["operation"]}
    assert (kinds["Patient"]["conditionalUpdate"], kinds["Patient"]["conditionalDelete"]) == (True, "single")
    assert {"patch", "history-type"} <= {one["code"] for one in kinds["Patient"]["interaction"]}
    assert {"transaction", "batch", "history-system"} <= {one["code"] for one in statement["rest"][0]["interaction"]}
    gp = await server.as_("bench")
    for kind in ("Patient", "Task", "Questionnaire", "VisionPrescription"):
        for parameter in kinds[kind]["searchParam"]:
            answer = await gp.get(f"/fhir/{kind}", params={f"{parameter['name']}:missing": "true", "_count": "1"})
            if parameter["name"] not in ("_id", "_lastUpdated"):
                assert answer.status_code == 200, (kind, parameter["name"], answer.text)


async def test_the_server_says_whether_it_is_well(server: Server) -> None:
    nobody = server.nobody()
    assert (await nobody.get("/healthz")).json() == {"status": "alive"}
    assert (await nobody.get("/readyz")).status_code == 200
    assert "yilian_http_requests_total" in (await nobody.get("/metrics")).text
