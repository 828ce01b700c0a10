"""docs/reference/search.md and api.md say what is so: their examples are sent, their tables are those the server works by."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import copied, on_database
from tests.http import reference_region
from tests.http.house import Server, running
from tests.http.page import Example, code, sections
from yilian import errors
from yilian.fhir.compartments import COMPARTMENTS
from yilian.fhir.definitions import RESOURCE_TYPES
from yilian.http.operations import EVERY_TYPE
from yilian.http.operations.registry import ALL
from yilian.search import clauses, follow, parameters, query
from yilian.search.kinds import KINDS, composite
from yilian.search.kinds.prefixes import PREFIXES
from yilian.search.lists import CURRENT
from yilian.search.parameters import parameters_of, refused_parameters_of
from yilian.search.unknown import NEVER

PAGES = ("search", "api")
SECTIONS = [(page, title) for page in PAGES for title, section in sections(page).items() if section.examples()]
HTTP = Path(__file__).parents[2] / "src" / "yilian" / "http"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def region(cluster: str, furnished: str) -> Iterator[str]:
    """Name of a database with what the examples speak of."""
    with copied(cluster, furnished) as name:
        asyncio.run(reference_region.furnish(on_database(cluster, name)))
        yield name


@pytest.fixture
def region_dsn(cluster: str, region: str) -> Iterator[str]:
    with copied(cluster, region) as name:
        yield on_database(cluster, name)


@pytest.fixture
async def town(region_dsn: str, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(region_dsn, bulk_folder=str(tmp_path)) as server:
        yield server
    parameters.use((), {})


async def send(server: Server, example: Example) -> str:
    """What is different from what the page says; "" when nothing is."""
    client = await server.as_(example.who)
    answer = await client.request(
        example.method, "/fhir" + example.address.removeprefix("/fhir"), content=example.body.strip().encode(), headers=example.headers
    )
    told = f"{example.method} {example.address}: {answer.status_code} {answer.text[:300]}"
    if answer.status_code != example.status:
        return told
    if answer.status_code >= 400 and answer.json()["resourceType"] != "OperationOutcome":
        return told
    if example.found is not None:
        bundle = answer.json()
        modes = Counter(entry["search"]["mode"] for entry in bundle.get("entry", ()))
        found = modes["match"] if "entry" in bundle else bundle.get("total", 0)
        if (found, modes["include"]) != (example.found, example.along or 0):
            return f"{found} found, {modes['include']} along. {told}"
    return ""


@pytest.mark.parametrize(("page", "title"), SECTIONS, ids=lambda value: str(value).replace(" ", "-"))
async def test_every_example_gets_the_answer_the_page_says(town: Server, page: str, title: str) -> None:
    wrong = [told for example in sections(page)[title].examples() if (told := await send(town, example))]
    assert not wrong, "\n".join(wrong)


# --- search.md


def test_the_kinds_of_parameters_are_counted_right() -> None:
    counted = Counter(p.type for kind in RESOURCE_TYPES for p in parameters_of(kind).values())
    said = {row[0]: int(row[1]) for row in sections("search")["Kinds of parameters"].rows()}
    assert said == dict(counted)
    assert f"{sum(counted.values()):,} parameters of {len(RESOURCE_TYPES)} types" in sections("search")[""].text


def test_every_modifier_is_listed_with_the_kinds_that_take_it() -> None:
    said: dict[str, set[str]] = {}
    for names, kinds, _ in sections("search")["Modifiers"].rows():
        for name in code(names):
            said[name.removeprefix(":")] = set(kinds.split(", "))
    taken: dict[str, set[str]] = {"missing": {"all"}, "Patient": {"reference"}}
    for kind, own in KINDS.items():
        for modifier in own.MODIFIERS:
            taken.setdefault(modifier, set()).add(kind)
    assert said == taken


def test_every_prefix_is_listed() -> None:
    assert [text for row in sections("search")["Prefixes"].rows() for text in code(row[0])] == list(PREFIXES)


def test_every_list_with_a_meaning_is_listed() -> None:
    rows = sections("search")["Chains, `_has` and lists"].rows()
    assert {code(row[0])[0]: set(row[1].split(", ")) for row in rows} == {name: set(kinds) for name, kinds in CURRENT.items()}


def test_the_owners_of_compartments_are_named() -> None:
    text = sections("search")["Compartments"].text.strip().partition(".")[0]
    assert set(re.findall(r"[A-Z]\w+", text)) - {"Of"} == set(COMPARTMENTS)


def test_the_limits_are_those_in_force() -> None:
    in_force = {
        "conditions of one search": query.MOST_CLAUSES,
        "values of one condition": clauses.MOST_VALUES,
        "values of one composite": composite.MOST_VALUES,
        "references one condition leads over": clauses.MOST_LINKS,
        "keys of `_sort`": 5,
        "resources on a page": 1000,
        "resources that go along with a page": follow.MOST,
        "parameters of one request": 500,
    }
    assert {row[0]: int(row[1].replace(",", "")) for row in sections("search")["Limits"].rows()} == in_force


async def test_what_cannot_be_stated_as_a_number_elsewhere_is_refused_beyond_its_limit(town: Server) -> None:
    gp = await town.as_("gp")
    too_many_keys = ",".join(sorted(parameters_of("Observation"))[6:12])
    assert (await gp.get(f"/fhir/Observation?_sort={too_many_keys}")).status_code == 400
    assert (await gp.get("/fhir/Patient?" + "&".join(["_id=p1"] * 501))).status_code == 400
    page = (await gp.get("/fhir/Patient?_count=1001")).json()
    assert len(page["entry"]) <= 1000


async def test_everything_in_the_table_of_what_is_refused_is_refused(town: Server) -> None:
    gp = await town.as_("gp")
    asked = [code(row[0])[0] for row in sections("search")["What is refused"].rows()]
    answers = {one: await gp.get(f"/fhir/{one.removeprefix('/')}") for one in asked}
    assert {one: answer.status_code for one, answer in answers.items()} == dict.fromkeys(asked, 400)
    assert all(answer.json()["issue"][0]["code"] in ("not-supported", "invalid") for answer in answers.values())
    named = {re.split("[=:]", one.partition("?")[2])[0] for one in asked}
    defined = {p.code for kind in RESOURCE_TYPES for p in refused_parameters_of(kind).values()}
    assert defined | set(NEVER) <= named, "the page leaves out what is refused"


# --- api.md


def test_every_operation_is_listed_and_none_that_is_not() -> None:
    addresses = Counter[str]()
    for operation in ALL:
        kind = "/{type}" if operation.kind == EVERY_TYPE else f"/{operation.kind}" if operation.kind else ""
        where = kind + ("/{id}" if operation.level == "instance" else "")
        addresses[f"{', '.join(operation.called_by)} {where}/${operation.name}"] += 1
    said = Counter(text for row in sections("api")["Operations"].rows() for text in code(row[0]))
    assert said == addresses, "docs/reference/api.md, Operations: the first column is method and address of each operation"


def test_every_status_of_an_error_is_listed_with_its_codes() -> None:
    known: dict[int, set[str]] = {}
    family = [errors.YilianError, *_below(errors.YilianError)]
    for one in family:
        known.setdefault(one.status, set()).add(one.code)
    said = {int(row[0]): set(code(row[1])) for row in sections("api")["Errors"].rows() if int(row[0]) >= 400}
    assert said.keys() == known.keys()
    assert {status: known[status] - said[status] for status in known} == {status: set() for status in known}


def _below(kind: type[Any]) -> list[type[Any]]:
    return [one for below in kind.__subclasses__() for one in (below, *_below(below))]


def test_every_header_that_is_read_is_listed() -> None:
    files = [file for file in HTTP.rglob("*.py") if file.parent.name != "oauth"]
    read = {name for file in files for name in re.findall(r'header(?:s\.get)?\("([a-z-]+)"', file.read_text("utf-8"))}
    read -= {"content-length", "host"}  # of HTTP itself
    said = {text.lower() for row in sections("api")["Headers of a request"].rows() for text in code(row[0])}
    assert said == read
