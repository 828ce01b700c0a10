"""What is asked of the whole region at once, over all states together: lists and totals, chains, histories, tables, files, worklists.

Each answer is to the byte that of the twin: the first page, the last, and the number of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.http.bulk.asking import ASYNC, ended, lines
from tests.http.house import running
from tests.scope.asks import Ask
from tests.scope.matrix.asking import told
from tests.scope.matrix.conftest import Matrix
from tests.scope.matrix.posts import Post, posts
from tests.scope.matrix.region import LABEL, LOINC, OWN
from tests.scope.test_searches import LINKS
from tests.scope.test_tables_and_times import view_of
from yilian.search.parameters import parameters_of

Json = dict[str, Any]
SEARCHES = (
    "Observation?",
    "Observation?_sort=-date,_id",
    "Observation?code=44249-1",
    "Observation?code:not=1558-6",
    "Observation?_sort=patient",
    f"Observation?_security={LABEL}|HIV",
    "Observation?_security:missing=true",
    f"Observation?identifier={OWN}|",
    "Observation?value-quantity=gt5",
    f"Observation?code={LOINC}|7918-6&patient.gender=male",
    "Observation?patient.name=李秀英",
    "Observation?encounter.status=finished",
    "Observation?_has:DiagnosticReport:result:status=final",
    "Observation?patient._has:Condition:patient:code=F32.1",
    "Observation?patient.organization=Organization/aside",
    "Observation?combo-code-value-quantity=44249-1$gt5",
    "Condition?code=F32.1,B20,Q90.9,N97.9",
    "Condition?code:below=F32",
    "Condition?encounter.service-provider=Organization/aside",
    "Condition?_sort=-recorded-date,_id",
    "DocumentReference?_sort=_id",
    "MedicationRequest?authoredon=2026-09",
    "Procedure?date=2026-09-20",
    "CarePlan?_security:not=x",
    "DiagnosticReport?result.code=44249-1",
    "DiagnosticReport?result:missing=false",
    "Encounter?status=cancelled",
    "Encounter?_has:Condition:encounter:code=F32.1",
    "Encounter?service-provider=Organization/beside",
    "Consent?status=active",
    "Consent?_sort=_id",
    "Consent?actor=Organization/beside",
    "Consent?security-label=PSY",
    "List?title=内部备忘",
    "List?_sort=_id",
    "Patient?_has:Observation:patient:code=7918-6",
    "Patient?_has:Condition:patient:code:not=E11",
    "Patient?name=李秀英",
    "Patient?_sort=birthdate",
    "Patient?_has:Consent:patient:status=active",
    "Patient?_has:Observation:patient:_has:DiagnosticReport:result:status=final",
    "Patient?organization=Organization/aside",
    "Patient?identifier:missing=false",
    "Person?",
    "Task?",
    "Communication?",
    "Provenance?",
    "Group?",
    "Group?member.name=李秀英",
    "Organization?_has:Encounter:service-provider:status=cancelled",
    "Organization?_has:Patient:organization:gender=male",
    "Practitioner?_has:Task:owner:status=requested",
    "?_type=Observation,Condition,Consent&_sort=_id",
    "?_sort=-_lastUpdated",
)
OTHERS = (
    "_history?_count=20",
    "_history?_since=2020-01-01T00:00:00Z&_count=3",
    "Patient/_history?_count=20",
    "Observation/_history?_at=2026&_count=20",
    "Consent/_history?_count=20",
    "Task/$worklist?list=expected",
    "Task/$worklist-counts",
    "$match-worklist",
    "$match-worklist-counts",
    "Task/$emergency-worklist",
    "$meta",
    "Observation/$meta",
    "Patient/$meta",
    "Subscription/$status",
    "ViewDefinition/conditions/$run",
    "ViewDefinition/encounters/$run",
    "ViewDefinition/patients/$run",
    "ViewDefinition/vital_signs/$run",
    "metadata",
)
REVIEWS = {"Task/$emergency-worklist": "reviews"}
EXPORTERS = ("gp", "registrar", "his", "lis", "admin", "resident")
KEYS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def _asks() -> list[Ask]:
    found = []
    for search in SEARCHES:
        between = "" if search.endswith("?") else "&"
        found += [Ask(search, f"{search}{between}{more}") for more in ("_total=accurate&_count=25", "_summary=count")]
    for way, some in LINKS.items():
        for kind, code in (link.split(":") for link in some):
            pointed = {"Patient", "Encounter", "Observation"}.intersection(parameters_of(kind)[code].targets)
            found += [
                Ask(code, f"{end}?{way}={kind}:{code}&_count=10&_total=accurate")
                for end in ((kind,) if way == "_include" else sorted(pointed))
            ]
    found += [
        Ask(f"{kind} by form", f"{kind}/_search", "POST", form={"_total": "accurate", "_count": "5"}) for kind in ("Observation", "Consent")
    ]
    found += [Ask(other, other) for other in OTHERS]
    found += [
        Ask(f"all {kind}", "ViewDefinition/$run", "POST", view_of(kind)) for kind in ("Observation", "Condition", "Consent", "Patient")
    ]
    return found


def _asks_of(post: Post) -> list[Ask]:
    """All of them for the first of those who see the same; the others share them out, and ask one in three."""
    alike = [one for one in posts() if (one.view, one.asker.types) == (post.view, post.asker.types)]
    place = alike.index(post)
    return _asks()[place % 3 :: 3] if place else _asks()


async def _last(client: httpx.AsyncClient, path: str) -> list[str]:
    """The ids on all pages."""
    found: list[str] = []
    url: str | None = f"/fhir/{path}"
    while url:
        page = (await client.get(url)).json()
        found += [one["resource"]["id"] for one in page.get("entry", []) if "resource" in one]
        url = next((link["url"] for link in page.get("link", []) if link["relation"] == "next"), None)
    return found


@pytest.mark.parametrize("post", posts(), ids=lambda post: str(post.account))
async def test_the_region_looks_to_a_post_as_if_there_were_no_more(
    matrix: Matrix, post: Post, record_property: Callable[[str, object], None]
) -> None:
    different = []
    twin = await matrix.twin(post)
    async with running(matrix.dsn) as server, running(twin) as other:
        there, never = await matrix.client(server, post), await matrix.client(other, post)
        for ask in _asks_of(post):
            if REVIEWS.get(ask.name, "") in post.may or (ask.name.startswith("$match-worklist") and "links" in post.may):
                continue  # the worklists of those whose office it is
            answers = await told(there, ask), await told(never, ask)
            if answers[0] != answers[1]:
                different.append(f"{ask.method} {ask.path}:\n   {answers[0]}"[:700] + f"\n  not\n   {answers[1]}"[:700])
        for path in ("Observation?_sort=-date&_count=200", "Patient?_sort=birthdate&_count=100", "Condition?_count=200&code:not=E11"):
            if await _last(there, path) != await _last(never, path):
                different.append(f"{path}: the pages that follow")
    record_property("compared", len(_asks_of(post)) + 3)
    assert not different, f"{len(different)}\n" + "\n".join(different)


@pytest.mark.parametrize("post", [post for post in posts() if post.account in EXPORTERS], ids=lambda post: str(post.account))
async def test_files_hold_what_there_would_be(matrix: Matrix, post: Post) -> None:
    twin = await matrix.twin(post)
    async with running(matrix.dsn) as server, running(twin) as other:
        there, never = await matrix.client(server, post), await matrix.client(other, post)
        for path in (
            "Patient/$export",
            "$export",
            "Group/cohort/$export",
            "Patient/$export?_type=Observation&_typeFilter=Observation%3Fcode%3D7918-6",
        ):
            begun = [await client.get(f"/fhir/{path}", headers=ASYNC) for client in (there, never)]
            assert begun[0].status_code == begun[1].status_code, path
            if begun[0].status_code != 202:
                assert KEYS.sub("", begun[0].text) == KEYS.sub("", begun[1].text), path
                continue
            files = []
            for client, answer in zip((there, never), begun, strict=True):
                output = (await ended(client, answer)).json()["output"]
                files.append(sorted(json.dumps(one, sort_keys=True) for one in await lines(client, output)))
                assert sum(file["count"] for file in output) == len(files[-1])
            assert [_timeless(one) for one in files[0]] == [_timeless(one) for one in files[1]], path


def _timeless(text: str) -> str:
    return re.sub(r'"(sent|authoredOn|start|end)": "[^"]*"', r'"\1": ""', text)
