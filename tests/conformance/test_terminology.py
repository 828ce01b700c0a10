"""HL7's tests of terminology servers, run as data through the HTTP operations. They are in R5 form and meant for R4 servers too.

What R4 does not cover, or this server does otherwise, stands in `skips/terminology.toml` with its reason. One that is listed there and
passes after all fails here, and so does one that is listed and does not exist.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.templates import difference, in_r5_form
from tests.conftest import SHARED_DATA, copied, on_database
from tests.http.house import running

pytestmark = pytest.mark.shared_data

Json = dict[str, Any]
FOLDER = SHARED_DATA / "terminology-tests"
SKIPS: dict[str, str] = tomllib.loads((Path(__file__).parent / "skips" / "terminology.toml").read_text("utf-8"))["reasons"]
WAYS = {
    "expand": "ValueSet/$expand",
    "validate-code": "ValueSet/$validate-code",
    "cs-validate-code": "CodeSystem/$validate-code",
    "lookup": "CodeSystem/$lookup",
    "translate": "ConceptMap/$translate",
    "batch-validate": "ValueSet/$batch-validate-code",
}
R4_EQUIVALENCE = {
    "equivalent": "equivalent",
    "related-to": "relatedto",
    "source-is-broader-than-target": "narrower",
    "source-is-narrower-than-target": "wider",
    "not-related-to": "disjoint",
}
NOT_IN_R4 = ("versionAlgorithmCoding", "versionAlgorithmString")
_numbers = itertools.count(1)


def read(name: str) -> Json:
    found: Json = json.loads((FOLDER / name).read_text("utf-8-sig"))
    return found


@cache
def suites() -> list[Json]:
    return read("test-cases.json")["suites"] if FOLDER.is_dir() else []  # type: ignore[no-any-return]


CASES = [(suite["name"], test["name"]) for suite in suites() for test in suite["tests"]]


def in_r4(resource: Json) -> Json:
    """A definition of the tests as R4 has it: without elements of R5, and a ConceptMap with equivalences."""
    if resource["resourceType"] == "ConceptMap":
        resource = json.loads(json.dumps(resource).replace('"sourceScopeUri"', '"sourceUri"').replace('"targetScopeUri"', '"targetUri"'))
        for group in resource["group"]:
            for target in [t for e in group["element"] for t in e["target"]]:
                target["equivalence"] = R4_EQUIVALENCE[target.pop("relationship")]
                target["comment"] = "as R4 wants one (cmd-1)"
            group["unmapped"].pop("relationship")
    return without(resource, NOT_IN_R4)


def without(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [without(one, names) for one in value]
    if isinstance(value, dict):
        return {key: without(one, names) for key, one in value.items() if key not in names and ":" not in key}
    return value


def asked_of_r4(operation: str, request: Json) -> Json:
    """The parameters of a test under the names R4 gives them."""
    if operation == "translate":
        backwards = any(one["name"] == "targetCode" for one in request["parameter"])
        names = {"sourceCode": "code", "sourceSystem": "system", "targetSystem": "targetsystem"}
        if backwards:
            names = {"targetCode": "code", "targetSystem": "system", "sourceSystem": "targetsystem"}
        renamed = [one | {"name": names[one["name"]]} for one in request["parameter"]]
        return request | {"parameter": [*renamed, {"name": "reverse", "valueBoolean": backwards}]}
    return request


def expected_of_r4(operation: str, template: Json) -> Json:
    """R4 names the map `source`, and of a map read backwards it gives the source as `concept`."""
    for match in template.get("parameter", ()) if operation == "translate" else ():
        backwards = any(part["name"] == "source" for part in match.get("part", ()))
        for part in list(match.get("part", ())):
            if part["name"] == "concept" and backwards:
                match["part"].remove(part)
            elif part["name"] == "source":
                part["name"] = "concept"
            elif part["name"] == "originMap":
                part["name"] = "source"
                part["valueUri"] = part.pop("valueCanonical")
    return template


@pytest.fixture(scope="module")
def outcomes(cluster: str, furnished: str, shared_data: Path) -> dict[tuple[str, str], str | None]:
    """(suite, test) → what was wrong with the answer, None where nothing was. Each suite has a database of its own."""
    found: dict[tuple[str, str], str | None] = {}
    for suite in suites():
        with copied(cluster, furnished) as name:
            found |= asyncio.run(run(suite, on_database(cluster, name)))
    return found


async def run(suite: Json, dsn: str) -> dict[tuple[str, str], str | None]:
    async with running(dsn) as server:
        keeper, reader = await server.as_("admin"), await server.as_("gp")
        refused: dict[str, str] = {}
        for path in suite["setup"]:
            resource = in_r4(read(path)) | {"id": path.removesuffix(".json").replace("/", "-").lower()}
            stored = await keeper.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
            if stored.status_code != 201:
                refused[str(resource["url"])] = f"{path} was refused: {stored.text[:300]}"
        return {(suite["name"], test["name"]): await one(reader, test, refused) for test in suite["tests"]}


async def one(client: Any, test: Json, refused: dict[str, str]) -> str | None:
    operation = test["operation"]
    headers = {"accept-language": test.get("Accept-Language", "")}
    if operation in ("metadata", "term-caps"):
        answer = await client.get("/fhir/metadata", params={"mode": "terminology"} if operation == "term-caps" else {})
    else:
        request = asked_of_r4(operation, read(test["request"]))
        for parameter in request["parameter"]:
            if parameter.get("valueUri") in refused:
                return refused[parameter["valueUri"]]
            if str(parameter.get("valueUri")).replace("/ValueSet/", "/CodeSystem/") in refused:
                return refused[str(parameter["valueUri"]).replace("/ValueSet/", "/CodeSystem/")]
        answer = await client.post(f"/fhir/{WAYS[operation]}", json=request, headers=headers)
    wanted = test.get("http-code", "200")
    if not str(answer.status_code).startswith(wanted.rstrip("x")):
        return f"HTTP {answer.status_code} instead of {wanted}: {answer.text[:300]}"
    told = ["no template"]
    for key in ("response", "response:flat"):
        if (FOLDER / test.get(key, "none")).is_file():
            template = expected_of_r4(operation, read(test[key]))
            problem = difference(template, in_r5_form(answer.json()), least=operation in ("metadata", "term-caps"))
            if problem is None:
                return None
            told.append(problem)
    return told[1] if len(told) > 1 else told[0]


@pytest.mark.parametrize(("suite", "name"), CASES)
def test_the_answer_is_the_one_hl7_expects(suite: str, name: str, outcomes: dict[tuple[str, str], str | None]) -> None:
    problem = outcomes[suite, name]
    reason = SKIPS.get(f"{suite}/{name}")
    if reason is None:
        assert problem is None, problem
    elif problem is None:
        pytest.fail(f"listed as not passing ({reason}), but it passes")
    else:
        pytest.skip(reason)


def test_every_reason_is_that_of_a_test_there_is(shared_data: Path) -> None:
    assert {*SKIPS} <= {f"{suite}/{name}" for suite, name in CASES}
