"""Whatever is sent: an answer below 500, an OperationOutcome when it is a refusal, and nothing stored then.

Requests are made by changing sound ones at random places, since pure noise is refused at the door and finds nothing.
"""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.house import Server
from tests.http.test_interactions import FHIR, observation
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.search.parameters import parameters_of

Json = dict[str, Any]

FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

SEEDS: list[Json] = [
    observation(
        valueQuantity={"value": 6.1, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
        category=[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        referenceRange=[{"low": {"value": 4}, "high": {"value": 6}}],
    ),
    {
        "resourceType": "Patient",
        "name": [{"family": "张", "given": ["伟"], "text": "张伟"}],
        "birthDate": "1956-03",
        "telecom": [{"system": "phone", "value": "13900001234"}],
        "contact": [{"name": {"text": "王芳"}, "relationship": [{"text": "配偶"}]}],
        "managingOrganization": {"reference": "Organization/qingshi"},
    },
    {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-11-20T08:30:00+08:00", "end": "2026-11-20T09:00:00+08:00"},
        "serviceProvider": {"reference": "Organization/qingshi"},
    },
]

STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        [
            "\x00",
            "a\x00b",
            "\x1b[2J",
            "\u202e",
            "x" * 70_000,
            " ",
            "",
            "0000-00-00",
            "2023-02-30",
            "9999-12-31T24:00:00Z",
            "Patient/",
            "Patient/p3",
        ]
    ),
    st.sampled_from(
        ["#", "#x", "urn:uuid:x", "http://[", "Patient?identifier=", "Patient/p1/_history/0", "$", "../", "1e400", "999999999999999999999"]
    ),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just([[]]),
    st.just({"reference": "Patient/p1"}),
    st.just({"resourceType": "Patient"}),
    st.dictionaries(st.text(max_size=8), st.integers(), max_size=3),
)

GIVEN = f"select count(*) from resource where type <> {type_id('Person')}"
"""How many resources there are; without those that a job makes when two records turn out to be of one person."""


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, from the outside in."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here] * bool(here) + [place for key, below in inner for place in places(below, (*here, key))]


@st.composite
def changed(draw: st.DrawFn) -> Json:
    """A seed with one to three strange things in it: a value replaced, removed, or put under a strange name."""
    resource = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(resource) or [("resourceType",)]))
        holder: Any = resource
        for key in place[:-1]:
            holder = holder[key]
        how = draw(st.sampled_from(["replace", "remove", "add", "wrap"]))
        if how == "remove":
            del holder[place[-1]]
        elif how == "add" and isinstance(holder, dict):
            holder[draw(st.text(max_size=12))] = copy.deepcopy(draw(STRANGE))
        elif how == "wrap":
            holder[place[-1]] = [holder[place[-1]]]
        else:
            holder[place[-1]] = copy.deepcopy(draw(STRANGE))
    return resource


def body(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def expect_sound(answer: httpx.Response, sent: Any) -> None:
    assert answer.status_code < 500, (answer.status_code, answer.text[:300], sent)
    if answer.status_code >= 400:
        outcome = answer.json()
        assert outcome["resourceType"] == "OperationOutcome"
        assert all(issue["diagnostics"] for issue in outcome["issue"])


@FUZZ
@given(resource=changed())
async def test_a_changed_resource_is_stored_or_refused_with_its_fields_named(server: Server, resource: Json) -> None:
    gp = await server.as_("gp")
    kind = resource.get("resourceType")
    kind = kind if isinstance(kind, str) and kind in RESOURCE_TYPES else "Observation"
    before = await server.value(GIVEN)
    answer = await gp.post(f"/fhir/{kind}", content=body(resource), headers=FHIR)
    expect_sound(answer, resource)
    after = await server.value(GIVEN)
    assert after - before == (1 if answer.status_code == 201 else 0)
    if answer.status_code == 201:
        made = answer.json()
        again = await gp.put(f"/fhir/{kind}/{made['id']}", content=answer.content, headers=FHIR)
        assert again.status_code == 200, "what the server gives back, it takes back"


@FUZZ
@given(
    first=changed(),
    second=changed(),
    kind=st.sampled_from(["transaction", "batch"]),
    url=STRANGE,
    method=st.sampled_from(["POST", "PUT", "GET", "X"]),
)
async def test_a_changed_bundle_is_carried_out_or_refused_whole(
    server: Server, first: Json, second: Json, kind: str, url: Any, method: str
) -> None:
    gp = await server.as_("gp")
    entries = [
        {
            "fullUrl": "urn:uuid:0b8b6b1e-52a5-4fd6-a6fd-ab8b5c4b0001",
            "resource": first,
            "request": {"method": "POST", "url": first.get("resourceType")},
        },
        {"fullUrl": url, "resource": second, "request": {"method": method, "url": url if method != "POST" else second.get("resourceType")}},
    ]
    sent = {"resourceType": "Bundle", "type": kind, "entry": entries}
    before = await server.value(GIVEN)
    answer = await gp.post("/fhir", content=body(sent), headers=FHIR)
    expect_sound(answer, sent)
    if answer.status_code != 200:
        assert await server.value(GIVEN) == before
    else:
        assert all(int(entry["response"]["status"][:3]) < 500 for entry in answer.json()["entry"]), answer.text[:500]


VALUES = st.one_of(
    st.text(max_size=15),
    st.sampled_from(
        [
            "",
            "|",
            "a|",
            "|a",
            ",",
            "\\",
            "\\,",
            "gt",
            "ap2020",
            "eq1e400",
            "lt-0",
            "Patient/p1",
            "p1",
            "http://x/Patient/1",
            "%",
            "_",
            "2020-02-30",
        ]
    )
    | st.sampled_from(
        [
            "5.4|http://unitsofmeasure.org|mg",
            "sa2020",
            "ne2020-01",
            "1e-300",
            "9" * 400,
            "true",
            "null",
            "x:y",
            "$",
            "'; drop table resource; --",
        ]
    ),
)
MODIFIERS = [
    "",
    ":exact",
    ":contains",
    ":missing",
    ":not",
    ":text",
    ":in",
    ":above",
    ":identifier",
    ":Patient",
    ":x",
    ".name",
    ".identifier",
    ":Patient.name",
]


@FUZZ
@given(data=st.data())
async def test_a_search_with_anything_in_it_is_answered_or_explained(server: Server, data: st.DataObject) -> None:
    gp = await server.as_("gp")
    kind = data.draw(st.sampled_from(RESOURCE_TYPES))
    if kind == "Parameters":
        kind = "Patient"
    known = sorted(parameters_of(kind))
    asked = []
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(
            st.sampled_from(
                [
                    *known,
                    "_sort",
                    "_count",
                    "_total",
                    "_include",
                    "_revinclude",
                    "_include:iterate",
                    "_revinclude:iterate",
                    "_cursor",
                    "_summary",
                    "_elements",
                    "_contained",
                    "_type",
                    "_has:Observation:patient:code",
                    "x",
                ]
            )
        )
        asked.append((name + data.draw(st.sampled_from(MODIFIERS)), data.draw(VALUES)))
    text = "&".join(f"{quote(name)}={quote(value)}" for name, value in asked)
    where = data.draw(st.sampled_from([kind] * 3 + ["", "Patient/p1/*", f"Patient/p1/{kind}", "Patient/p1"]))
    handling = data.draw(st.sampled_from(["strict", "strict", "lenient"]))
    answer = await gp.get(f"/fhir/{where}?{text}" if where else f"/fhir?{text}", headers={"prefer": f"handling={handling}"})
    expect_sound(answer, text)
    assert answer.status_code in (200, 400, 403, 404, 405), (answer.status_code, text)


@FUZZ
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]),
    path=st.lists(
        st.sampled_from(
            ["Patient", "p1", "_history", "1", "_search", "$everything", "$act", "Task", "x" * 80, "%00", "%ff", "..", "", "é"]
        ),
        max_size=5,
    ),
    content=st.binary(max_size=40) | st.just(b"{}") | st.just(b'{"resourceType":"Parameters"}'),
)
async def test_any_address_with_any_method_is_answered(server: Server, method: str, path: list[str], content: bytes) -> None:
    gp = await server.as_("gp")
    answer = await gp.request(method, "/fhir/" + "/".join(path), content=content, headers=FHIR)
    assert answer.status_code < 500, (method, path, answer.text[:300])


@FUZZ
@given(
    names=st.lists(st.sampled_from(["action", "reason", "note", "request", "to", "plan", "slot", "x"]), max_size=4),
    value=STRANGE,
    key=st.sampled_from(["valueCode", "valueString", "valueReference", "valueCodeableConcept", "resource", "part", "valueBoolean", "x"]),
)
async def test_an_operation_with_strange_parameters_is_refused(server: Server, names: list[str], value: Any, key: str) -> None:
    gp = await server.as_("gp")
    sent = {"resourceType": "Parameters", "parameter": [{"name": name, key: value} for name in names]}
    before = await server.value(GIVEN)
    for path in ("ServiceRequest/$refer", "Task/nothing/$act"):
        answer = await gp.post(f"/fhir/{path}", content=body(sent), headers=FHIR)
        expect_sound(answer, sent)
        assert answer.status_code >= 400
    assert await server.value(GIVEN) == before
