"""`$validate` tells everything and stores nothing; profiles refuse, warn or are off, as policy says."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.house import Server
from yilian import app, config, policy
from yilian.fhir import urls

Json = dict[str, Any]
LAB = urls.BASE + "StructureDefinition/yilian-laboratory-result"
RESIDENT = urls.BASE + "StructureDefinition/yilian-patient"
BP = "http://hl7.org/fhir/StructureDefinition/bp"
HEADERS = {"content-type": "application/fhir+json"}


def lab(**more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}], "text": "检验"}
        ],
        "code": {"coding": [{"system": urls.LOINC, "code": "10839-9"}], "text": "肌钙蛋白 I"},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-11-20T10:00:00+08:00",
        "performer": [{"reference": "Organization/qingshi"}],
        "valueQuantity": {"value": 0.014, "unit": "μg/L", "system": urls.UCUM, "code": "ug/L"},
        "referenceRange": [{"text": "≤0.04 μg/L"}],
        **more,
    }


def without(resource: Json, *keys: str) -> Json:
    return {key: value for key, value in resource.items() if key not in keys}


async def validated(server: Server, resource: Json, who: str = "gp", *, at: str = "", **query: Any) -> list[Json]:
    async with await server.as_(who) as client:
        answer = await client.post(f"/fhir/{at or resource['resourceType']}/$validate", json=resource, headers=HEADERS, params=query)
    assert answer.status_code == 200, answer.text
    issues: list[Json] = answer.json()["issue"]
    return issues


def errors(issues: list[Json]) -> list[Json]:
    return [issue for issue in issues if issue["severity"] in ("error", "fatal")]


async def set_policy(server: Server, name: str, value: Any, institution: int | None = None) -> None:
    database = app.database(config.Settings(), server.dsn)
    await database.open()
    async with database.transaction() as tx:
        await policy.put(tx, name, value, valid_from=date(2020, 1, 1), source="test", institution=institution)
    await database.close()
    policy._cache.clear()


async def put(server: Server, resource: Json, who: str = "bench", **headers: str) -> Any:
    async with await server.as_(who) as client:
        return await client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource, headers={**HEADERS, **headers})


async def post(server: Server, resource: Json, who: str = "gp", **headers: str) -> Any:
    async with await server.as_(who) as client:
        return await client.post(f"/fhir/{resource['resourceType']}", json=resource, headers={**HEADERS, **headers})


# --- the resource by itself


async def test_a_sound_resource_has_no_error(server: Server) -> None:
    assert errors(await validated(server, lab())) == []


async def test_every_fault_is_told_with_its_place_code_and_chinese(server: Server) -> None:
    found = errors(await validated(server, lab(status="done", effectiveDateTime="2026-02-30")))
    assert [issue["expression"] for issue in found] == [["Observation.status"], ["Observation.effective"]]
    assert {issue["code"] for issue in found} == {"code-invalid", "value"}
    assert all(issue["diagnostics"] and issue["details"]["text"] for issue in found)


async def test_what_hl7_only_warns_of_is_told_too(server: Server) -> None:
    assert any("dom-6" in issue["diagnostics"] for issue in await validated(server, lab()))


async def test_another_type_than_the_address_says_is_an_error(server: Server) -> None:
    (found,) = errors(await validated(server, lab(), at="Patient"))
    assert found["expression"] == ["resourceType"]


async def test_a_reference_to_nothing_is_a_warning_by_itself_and_an_error_for_a_write(server: Server) -> None:
    wrong = lab(subject={"reference": "Patient/nobody"})
    loose = await validated(server, wrong)
    assert errors(loose) == []
    assert [issue["severity"] for issue in loose if issue["expression"] == ["Observation.subject.reference"]] == ["warning"]
    (found,) = errors(await validated(server, wrong, mode="create"))
    assert found["expression"] == ["Observation.subject.reference"]


async def test_a_patient_one_may_not_see_is_told_of_like_one_that_does_not_exist(server: Server) -> None:
    hidden = await validated(server, lab(subject={"reference": "Patient/p3"}), mode="create")
    nothing = await validated(server, lab(subject={"reference": "Patient/px"}), mode="create")
    assert [str(issue).replace("Patient/p3", "Patient/px") for issue in hidden] == [str(issue) for issue in nothing]


# --- as a write would be


async def test_nothing_is_stored_whatever_the_mode(server: Server) -> None:
    count = "select (select count(*) from resource) + (select count(*) from history) + (select count(*) from job)"
    before = await server.value(count)
    for mode in ("create", "profile", ""):
        query = {"profile": LAB} | ({"mode": mode} if mode else {})
        assert errors(await validated(server, lab(), **query)) == []
    changed = {"resourceType": "Organization", "id": "qingshi", "name": "改名"}
    assert errors(await validated(server, changed, "bench", at="Organization/qingshi", mode="update")) == []
    assert await server.value(count) == before
    assert await server.value("select body::json ->> 'name' from resource where id = 'qingshi'") == "青石镇卫生院"


async def test_a_deletion_is_tried(server: Server) -> None:
    async with await server.as_("bench") as client:
        refused = (await client.post("/fhir/Patient/p1/$validate", params={"mode": "delete"})).json()["issue"]
        made = (await client.post("/fhir/Observation", json=lab(), headers=HEADERS)).json()
        referred = (await client.post("/fhir/Patient/p1/$validate", params={"mode": "delete"})).json()["issue"]
        free = (await client.post(f"/fhir/Observation/{made['id']}/$validate", params={"mode": "delete"})).json()["issue"]
        missing = (await client.post("/fhir/Observation/none/$validate", params={"mode": "delete"})).json()["issue"]
        assert (await client.get(f"/fhir/Observation/{made['id']}")).status_code == 200
    assert errors(refused) == []
    assert errors(free) == []
    assert errors(referred)[0]["code"] == "conflict"
    assert errors(missing)[0]["code"] == "not-found"


async def test_who_may_not_write_is_told_so(server: Server) -> None:
    (found,) = errors(await validated(server, {"resourceType": "Organization", "name": "x"}, "gp", mode="create"))
    assert found["code"] == "forbidden"


async def test_an_update_needs_the_id_of_the_address(server: Server) -> None:
    other = {"resourceType": "Organization", "id": "liuhe", "name": "x"}
    assert errors(await validated(server, other, "bench", at="Organization/qingshi", mode="update"))[0]["expression"] == ["Organization.id"]


async def test_the_stored_one_is_validated_by_get(server: Server) -> None:
    async with await server.as_("gp") as client:
        answer = await client.get("/fhir/Patient/p1/$validate")
        with_profile = await client.get("/fhir/Patient/p1/$validate", params={"profile": RESIDENT})
        unseen = await client.get("/fhir/Patient/p3/$validate")
    assert answer.status_code == 200
    assert errors(answer.json()["issue"]) == []
    assert with_profile.status_code == 200
    assert unseen.status_code == 404


async def test_parameters_carry_resource_mode_and_profile(server: Server) -> None:
    bare = without(lab(), "performer")
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "resource", "resource": bare},
            {"name": "mode", "valueCode": "profile"},
            {"name": "profile", "valueUri": LAB},
        ],
    }
    (found,) = errors(await validated(server, parameters, at="Observation"))
    assert (found["code"], found["expression"]) == ("required", ["Observation.performer"])


@pytest.mark.parametrize(
    "query",
    [{"mode": "read"}, {"mode": "profile"}, {"mode": "delete"}, {"colour": "red"}],
)
async def test_what_is_not_understood_is_refused(server: Server, query: Json) -> None:
    async with await server.as_("gp") as client:
        answer = await client.post("/fhir/Observation/$validate", json=lab(), headers=HEADERS, params=query)
    assert answer.status_code == 400


# --- profiles


async def test_a_named_profile_is_held_to(server: Server) -> None:
    assert errors(await validated(server, lab(), profile=LAB)) == []
    wrong = lab(valueQuantity={"value": 1, "unit": "g"})
    places = {issue["expression"][0] for issue in errors(await validated(server, wrong, profile=LAB))}
    assert places == {"Observation.value.system", "Observation.value.code"}


async def test_an_unknown_profile_that_is_asked_for_is_an_error_and_one_that_is_claimed_a_warning(server: Server) -> None:
    (found,) = errors(await validated(server, lab(), profile="https://elsewhere.example/p"))
    assert found["code"] == "not-found"
    claimed = await validated(server, lab(meta={"profile": ["https://elsewhere.example/p"]}))
    assert errors(claimed) == []
    assert any("elsewhere.example" in issue["diagnostics"] for issue in claimed)


async def test_hl7s_own_profiles_are_known(server: Server) -> None:
    found = errors(await validated(server, lab(), profile=BP))
    assert {issue["expression"][0] for issue in found} >= {"Observation.category", "Observation.component"}


async def test_a_claimed_profile_is_a_warning_of_the_write_and_comes_back_when_asked_for(server: Server) -> None:
    claims = without(lab(meta={"profile": [LAB]}), "performer")
    answer = await post(server, claims)
    assert answer.status_code == 201
    assert answer.json()["resourceType"] == "Observation"
    told = (await post(server, claims, prefer="return=OperationOutcome")).json()["issue"]
    assert [(issue["severity"], issue.get("expression")) for issue in told] == [
        ("information", None),
        ("warning", ["Observation.performer"]),
    ]
    entry = {"resource": claims, "request": {"method": "POST", "url": "Observation"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    async with await server.as_("gp") as client:
        done = await client.post("/fhir", json=bundle, headers={**HEADERS, "prefer": "return=OperationOutcome"})
        metrics = (await client.get("/metrics")).text
    (_, warning) = done.json()["entry"][0]["response"]["outcome"]["issue"]
    assert warning["expression"] == ["Bundle.entry[0].resource.performer"]
    assert f'yilian_profile_checks{{outcome="warned",profile="{LAB}"}}' in metrics


async def test_policy_refuses_warns_or_looks_away_for_each_institution(server: Server) -> None:
    claims = without(lab(meta={"profile": [LAB]}), "performer")
    here = await server.value("select rid from resource where id = 'qingshi'")
    await set_policy(server, "validation.profiles", {LAB: "refuse"}, here)
    refused = await post(server, claims)
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["Observation.performer"]
    assert (await post(server, claims, "bench")).status_code == 201  # another institution's rules
    assert errors(await validated(server, claims))
    await set_policy(server, "validation.profiles", {LAB: "off"}, here)
    told = (await post(server, claims, prefer="return=OperationOutcome")).json()["issue"]
    assert [issue["severity"] for issue in told] == ["information"]


async def test_policy_requires_a_profile_of_a_type(server: Server) -> None:
    where = "category.coding.where(code = 'laboratory').exists()"
    await set_policy(server, "validation.required", [{"type": "Observation", "profile": LAB, "where": where}])
    assert (await post(server, without(lab(), "performer"))).status_code == 422
    assert (await post(server, lab())).status_code == 201
    assert (await post(server, without(lab(), "performer", "category"))).status_code == 201
    await set_policy(server, "validation.required", [{"type": "Observation", "profile": "https://elsewhere.example/p"}])
    unknown = await post(server, lab())
    assert unknown.status_code == 422
    assert "not known" in unknown.text


async def test_a_policy_nobody_can_read_lets_nothing_through(server: Server) -> None:
    await set_policy(server, "validation.profiles", ["refuse"])
    assert (await post(server, lab(meta={"profile": [LAB]}))).status_code == 409
    await set_policy(server, "validation.required", "everything")
    assert (await post(server, lab())).status_code == 409


async def test_an_older_version_of_patch_is_held_to_profiles_too(server: Server) -> None:
    await set_policy(server, "validation.profiles", {LAB: "refuse"})
    made = (await post(server, lab(meta={"profile": [LAB]}))).json()
    patch = [{"op": "remove", "path": "/performer"}]
    async with await server.as_("gp") as client:
        answer = await client.patch(f"/fhir/Observation/{made['id']}", json=patch, headers={"content-type": "application/json-patch+json"})
    assert answer.status_code == 422


# --- definitions of the region


def defined(key: str, elements: list[Json], kind: str = "Observation", base: str = "", **more: Any) -> Json:
    root = {"id": kind, "path": kind}
    return {
        "resourceType": "StructureDefinition",
        "id": key,
        "url": f"https://hospital.example/{key}",
        "name": "Own",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": base or f"http://hl7.org/fhir/StructureDefinition/{kind}",
        "derivation": "constraint",
        "differential": {"element": [root, *elements]},
        **more,
    }


async def test_a_posted_profile_holds_at_once_and_so_do_its_changes_and_its_end(server: Server) -> None:
    noted = defined("noted", [{"id": "Observation.note", "path": "Observation.note", "min": 1}])
    own = noted["url"]
    assert (await put(server, noted)).status_code == 201
    assert errors(await validated(server, lab(), profile=own))[0]["expression"] == ["Observation.note"]
    # one that rests on it
    both = defined("both", [{"id": "Observation.device", "path": "Observation.device", "min": 1}], base=own)
    assert (await put(server, both)).status_code == 201
    assert {i["expression"][0] for i in errors(await validated(server, lab(), profile=both["url"]))} == {
        "Observation.note",
        "Observation.device",
    }
    noted["differential"]["element"].pop()
    assert (await put(server, noted)).status_code == 200
    assert errors(await validated(server, lab(), profile=own)) == []
    assert [i["expression"][0] for i in errors(await validated(server, lab(), profile=both["url"]))] == ["Observation.device"]
    async with await server.as_("bench") as client:
        assert (await client.delete("/fhir/StructureDefinition/noted")).status_code == 204
    assert "not known" in errors(await validated(server, lab(), profile=own))[0]["diagnostics"]


async def test_reslicing_is_refused_by_name(server: Server) -> None:
    again = defined("again", [{"id": "Observation.category:a/b", "path": "Observation.category", "sliceName": "a/b"}])
    assert (await put(server, again)).status_code == 201
    (found,) = errors(await validated(server, lab(), profile=again["url"]))
    assert "reslicing" in found["diagnostics"]
    assert found["code"] == "not-supported"


async def test_a_required_binding_asks_the_terminology_and_follows_it(server: Server) -> None:
    value_set: Json = {
        "resourceType": "ValueSet",
        "id": "tests",
        "url": "https://hospital.example/vs",
        "status": "active",
        "compose": {"include": [{"system": urls.LOINC, "concept": [{"code": "2160-0"}]}]},
    }
    element = {"id": "Observation.code", "path": "Observation.code", "binding": {"strength": "required", "valueSet": value_set["url"]}}
    bound = defined("bound", [element])
    await put(server, bound)
    unknown = await validated(server, lab(), profile=bound["url"])
    assert errors(unknown) == []
    assert any("not checked" in issue["diagnostics"] for issue in unknown)
    assert (await put(server, value_set)).status_code == 201
    (found,) = errors(await validated(server, lab(), profile=bound["url"]))
    assert (found["code"], found["expression"]) == ("code-invalid", ["Observation.code"])
    value_set["compose"]["include"][0]["concept"].append({"code": "10839-9"})
    assert (await put(server, value_set)).status_code == 200
    assert errors(await validated(server, lab(), profile=bound["url"])) == []


async def test_an_unknown_modifier_extension_is_refused_and_one_that_is_defined_is_not(server: Server) -> None:
    url = "https://hospital.example/not-given"
    modified = lab(modifierExtension=[{"url": url, "valueBoolean": True}])
    assert [issue["code"] for issue in errors(await validated(server, modified))] == ["extension"]
    answer = await post(server, modified)
    assert answer.status_code == 422
    assert (answer.json()["issue"][0]["code"], answer.json()["issue"][0]["expression"]) == (
        "extension",
        ["Observation.modifierExtension[0]"],
    )
    elements: list[Json] = [
        {"id": "Extension.url", "path": "Extension.url", "fixedUri": url},
        {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": "boolean"}]},
    ]
    known = defined("not-given", elements, "Extension", context=[{"type": "element", "expression": "Observation"}])
    known["url"], known["kind"] = url, "complex-type"
    known["differential"]["element"][0] |= {"isModifier": True, "isModifierReason": "says it was not given"}
    assert (await put(server, known)).status_code == 201
    assert (await post(server, modified)).status_code == 201
    assert (
        await post(server, lab(modifierExtension=[{"url": url, "valueString": "x"}]))
    ).status_code == 201  # known; its form is a profile's
    patient = {"resourceType": "Patient", "name": [{"text": "x"}], "modifierExtension": [{"url": url, "valueBoolean": True}]}
    told = await validated(server, patient)
    assert any(issue["code"] == "extension" and "Observation only" in issue["diagnostics"] for issue in told)


async def test_two_servers_agree_at_once(server: Server) -> None:
    """What another process has committed is seen by the next check: the generation is read every time."""
    noted = defined("noted", [{"id": "Observation.note", "path": "Observation.note", "min": 1}])
    assert errors(await validated(server, lab(), profile=noted["url"]))[0]["code"] == "not-found"
    import asyncpg

    from yilian.validation import book

    known = book._book[0]
    assert (await put(server, noted)).status_code == 201
    book._book[:] = [known]  # a process that has not written it itself
    assert errors(await validated(server, lab(), profile=noted["url"]))[0]["expression"] == ["Observation.note"]
    connection = await asyncpg.connect(server.dsn)
    before = await connection.fetchval("select generation from definition_generation")
    undone = connection.transaction()
    await undone.start()
    await connection.execute("update definition_generation set generation = nextval('definition_generations')")
    await undone.rollback()
    await connection.execute("update definition_generation set generation = nextval('definition_generations')")
    assert await connection.fetchval("select generation from definition_generation") == before + 2  # never the number that was rolled back
    await connection.close()


# --- laws

json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=6) | st.floats(allow_nan=False, allow_infinity=False),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceType", "parameter", "name", "resource", "meta", "profile", "extension", "url", "identifier", "valueCode", "id"]
            )
            | st.text(max_size=4),
            below,
            max_size=4,
        )
    ),
    max_leaves=12,
)
CHANGES = st.dictionaries(st.sampled_from(sorted(lab())), json, max_size=3)


async def test_any_json_is_answered_without_a_fault_of_ours(server: Server) -> None:
    gp = await server.as_("gp")
    made: list[Any] = []

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(json | CHANGES.map(lambda change: lab() | change), st.sampled_from(["", "create", "update", "profile"]), st.booleans())
    def run(body: Any, mode: str, profiled: bool) -> None:
        made.append((body, mode, profiled))

    run()
    async with gp as client:
        for body, mode, profiled in made:
            query = ({"mode": mode} if mode else {}) | ({"profile": LAB} if profiled else {})
            answer = await client.post("/fhir/Observation/$validate", json=body, headers=HEADERS, params=query)
            assert answer.status_code in (200, 400), (body, answer.text)
            assert answer.json()["resourceType"] == "OperationOutcome"


async def test_what_is_stored_validates_without_an_error(server: Server) -> None:
    """Whatever a write takes, $validate finds no error in it afterwards, and what it calls sound a write takes."""
    made: list[Json] = []
    fields = st.fixed_dictionaries(
        {},
        optional={
            "status": st.sampled_from(["final", "amended", "wrong"]),
            "performer": st.sampled_from([[{"reference": "Organization/qingshi"}], [{"reference": "Patient/nobody"}], []]),
            "valueQuantity": st.sampled_from([{"value": 1}, {"value": 1, "unit": "g", "system": urls.UCUM, "code": "g"}, {}]),
            "meta": st.sampled_from([{"profile": [LAB]}, {"profile": [BP]}, {"profile": ["https://elsewhere.example/p"]}]),
            "modifierExtension": st.just([{"url": "https://elsewhere.example/x", "valueCode": "x"}]),
            "extension": st.just([{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueCode": "x"}]),
        },
    )

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(fields)
    def run(change: Json) -> None:
        made.append(lab() | change)

    run()
    stored = 0
    async with await server.as_("gp") as client:
        for resource in made:
            tried = await client.post("/fhir/Observation/$validate", json=resource, headers=HEADERS, params={"mode": "create"})
            sound = errors(tried.json()["issue"]) == []
            answer = await client.post("/fhir/Observation", json=resource, headers=HEADERS)
            assert (answer.status_code == 201) is sound, (resource, answer.text, tried.text)
            if answer.status_code == 201:
                stored += 1
                again = await client.get(f"/fhir/Observation/{answer.json()['id']}/$validate")
                assert errors(again.json()["issue"]) == [], again.text
    assert stored > 3
