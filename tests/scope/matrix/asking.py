"""The columns of the matrix: everything somebody can ask about one thing, or about the patient it is about.

Most are those of `tests/scope/asks.py`; what is said there of one resource is asked here of each, and more that goes by the patient.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import httpx

from tests.scope.asks import Ask, Told, asks
from tests.scope.matrix.oracle import Thing
from tests.scope.matrix.posts import Post
from tests.scope.matrix.region import OWN, Case, Region
from yilian.fhir import urls

Json = dict[str, Any]
NOW = re.compile(rb'"(timestamp|sent|authoredOn|start|end|valueInstant)":"[^"]*"')
BEGUN = re.compile(rb'"date":"[^"]*"')
CURSOR = re.compile(r"_cursor=[^&\"]+")


@dataclass(frozen=True, slots=True)
class Interaction:
    """One column.

    make     the request about a thing within its case, and the name of what it is about
    unless   what a post may do by the table that lets it learn more here, by design
    changes  something is done where it is allowed
    own      it tells of the asker's own doings, of which there are some as soon as anything of the patient is to be seen
    """

    name: str
    make: Callable[[Region, Case, Thing], tuple[Ask, str]]
    unless: frozenset[str] = frozenset()
    changes: bool = False
    own: bool = False


def _shared(place: int, region: Region, case: Case, thing: Thing) -> tuple[Ask, str]:
    found = list(asks("", thing.type, thing.id, region.bodies[thing.name][-1]))
    return next(one for one in found if one.name == _shared_names()[place]), thing.name


def _of_patient(place: int, region: Region, case: Case, thing: Thing) -> tuple[Ask, str]:
    name = _patient_names()[place]
    found = asks("", "Patient", case.id, region.bodies[f"Patient/{case.id}"][-1])
    return next(one for one in found if one.name == name), f"Patient/{case.id}"


def _shared_names() -> tuple[str, ...]:
    """What is asked of a resource of any type."""
    return (
        "read", "head", "vread 1", "history", "search", "search, counted", "search with all around it",
        "delete", "patch by path",
        "put", "batch: GET", "$meta", "$expunge", "$validate one like it",
        "$validate a reference to it", "reference, relative", )  # fmt: skip


def _patient_names() -> tuple[str, ...]:
    """What is asked of a Patient besides."""
    return (
        "its compartment", "$everything", "$timeline", "$export of one patient", "the patient's trail, second time", )  # fmt: skip


def _get(path: str, about: str, region: Region, case: Case, thing: Thing) -> tuple[Ask, str]:
    filled = path.format(
        id=case.id, own=OWN, thing=thing.id, type=thing.type, born=_patient(region, case)["birthDate"], file=_file(region, case)
    )
    return Ask(path, filled), about.format(id=case.id, thing=thing.name)


def _post(path: str, parameters: list[Json], about: str, region: Region, case: Case, thing: Thing) -> tuple[Ask, str]:
    ask, whom = _get(path, about, region, case, thing)
    return Ask(ask.name, ask.path, "POST", {"resourceType": "Parameters", "parameter": parameters}), whom


def _patient(region: Region, case: Case) -> Json:
    return region.bodies[f"Patient/{case.id}"][-1]


def _file(region: Region, case: Case) -> str:
    return f"{urls.HEALTH_FILE}|{_patient(region, case)['identifier'][0]['value']}"


PATIENT, MIND, REPORT, VISIT = "Patient/{id}", "Observation/mind-{id}", "DiagnosticReport/report-{id}", "Encounter/visit-{id}"
READS = (
    ("{type}?identifier={own}|{thing}&_total=accurate", "{thing}"),
    ("{type}?patient={id}&_total=accurate&_sort=_id&_count=3", "{thing}"),
    ("{type}?patient.identifier={file}&_summary=count", "{thing}"),
    ("{type}?subject:Patient.birthdate={born}&_total=accurate", "{thing}"),
    ("Patient?_has:{type}:patient:identifier={own}|{thing}&_total=accurate", "{thing}"),
    ("?_type={type},Encounter&patient={id}&_total=accurate&_sort=_id", "{thing}"),
    ("Patient/{id}/{type}?_total=accurate&_sort=-_id", "{thing}"),
    ("Patient?identifier={file}&_total=accurate", PATIENT),
    ("Patient?link=Patient/{id}&_total=accurate", PATIENT),
    ("Consent?patient={id}&_total=accurate&_sort=_id", PATIENT),
    ("Observation?patient={id}&code=7918-6,44249-1,51969-4&_total=accurate", PATIENT),
    ("Condition?patient={id}&code:not=E11&_summary=count", PATIENT),
    ("Patient/{id}/$timeline?_count=50", PATIENT),
    ("Patient/{id}/$criteria", PATIENT),
    ("Patient/{id}/$access-log", PATIENT),
    ("Patient/{id}/$grounds", PATIENT),
    ("Patient/{id}/$emergency-access", PATIENT),
    ("Patient/{id}/$desk", PATIENT),
    ("Patient/{id}/$match-explain?other=Patient/k000", PATIENT),
    ("Observation/$lastn?patient={id}&code=7918-6,44249-1,1558-6&max=2", PATIENT),
    ("ViewDefinition/conditions/$run?patient={id}", PATIENT),
    ("DiagnosticReport?_id=report-{id}&_include=DiagnosticReport:result", REPORT),
    ("DiagnosticReport?_id=report-{id}&result.code=44249-1&_total=accurate", REPORT),
    ("Observation?_id=mind-{id}&_revinclude=DiagnosticReport:result&_total=accurate", MIND),
    ("Encounter?_has:Condition:encounter:code=F32.1&_id=visit-{id}&_total=accurate", VISIT),
    ("Task/letter-{id}", "Task/letter-{id}"),
    ("Task?_id=letter-{id}&_include=Task:focus", "Task/letter-{id}"),
    ("List/memo-aside-{id}", "List/memo-aside-{id}"),
)
VALUE = {"name": "reason", "valueString": "测试测试测试理由很充分"}
CHANGES: tuple[tuple[str, list[Json], str, str], ...] = (
    ("Patient/{id}/$break-glass", [VALUE, {"name": "reasonCode", "valueCode": "unconscious"}], PATIENT, "breaks_glass"),
    ("Patient/{id}/$register-visit", [{"name": "kind", "valueString": "AMB"}], PATIENT, ""),
    ("Encounter/visit-{id}/$arrive", [], VISIT, ""),
    ("Patient/{id}/$card", [], PATIENT, ""),
    ("Patient/{id}/$link", [VALUE, {"name": "other", "valueString": "Patient/k000"}], PATIENT, "links"),
    ("Patient/{id}/$unlink", [VALUE], PATIENT, "links"),
    ("Task/alarm-{id}/$emergency-review", [{"name": "verdict", "valueCode": "justified"}], "Task/alarm-{id}", "reviews"),
    ("Task/letter-{id}/$act", [{"name": "action", "valueCode": "accept"}], "Task/letter-{id}", ""),
)


@cache
def interactions() -> tuple[Interaction, ...]:
    """Every column, in an order of its own."""
    found = []
    for place, name in enumerate(_shared_names()):
        found.append(Interaction(name, partial(_shared, place), changes=_does_something(name)))
    for place, name in enumerate(_patient_names()):
        found.append(
            Interaction(f"of the patient: {name}", partial(_of_patient, place), changes=_does_something(name), own="trail" in name)
        )
    for path, about in READS:
        found.append(Interaction(path, partial(_get, path, about), own="access-log" in path))
    for path, parameters, about, may in CHANGES:
        found.append(Interaction(path, partial(_post, path, parameters, about), frozenset({may} - {""}), True))
    return tuple(found)


def _does_something(name: str) -> bool:
    words = (
        "put",
        "patch",
        "delete",
        "replace",
        "PUT",
        "DELETE",
        "$meta-",
        "$expunge",
        "$export",
        "reference",
        "$refer",
        "trail",
        "POST",
    )
    return any(word in name for word in words) and not name.startswith("search")


async def told(client: httpx.AsyncClient, ask: Ask) -> Told:
    """An answer without the time of day and the keys of pages."""
    path = f"/fhir/{ask.path}" if ask.path else "/fhir"
    answer = await client.request(ask.method, path, json=ask.body, data=ask.form, headers=ask.headers)
    headers = tuple((name, value) for name, value in sorted(answer.headers.items()) if name != "content-length")
    body = NOW.sub(rb'"\1":""', answer.content)
    if ask.path == "metadata":
        body = BEGUN.sub(b'"date":""', body, count=1)  # each of the two servers was started at a moment of its own
    if "$run" in ask.path:
        body = b"\n".join(sorted(line.strip(b"[],") for line in body.splitlines()))  # the rows of a table have no order
    return Told(answer.status_code, headers, CURSOR.sub("_cursor=", body.decode(errors="surrogateescape")).encode(errors="surrogateescape"))


def plain(words: tuple[str, ...], answer: Told) -> Told:
    """An answer without the words it was asked with."""
    headers = tuple((name, _without(words, value)) for name, value in answer.headers)
    body = _without(words, answer.body.decode(errors="surrogateescape")).encode(errors="surrogateescape")
    return Told(answer.status, headers, body)


def asked(words: tuple[str, ...], ask: Ask) -> str:
    """A request without the words that are of this thing alone."""
    return _without(words, f"{ask.method} {ask.path} {ask.body} {ask.form} {ask.headers}")


def words_of(region: Region, case: Case, thing: Thing) -> tuple[str, ...]:
    """What a request about a thing is made of, the longest first."""
    patient = _patient(region, case)
    return (thing.id, patient["identifier"][0]["value"], patient["birthDate"], patient["name"][0]["text"], case.id)


def _without(words: tuple[str, ...], text: str) -> str:
    for place, word in enumerate(words):
        text = text.replace(word, f"<{place}>")
    return text


def by_design(post: Post, one: Interaction) -> bool:
    """Whether the table of posts lets this one learn more by this road, and an answer may differ."""
    looked = post.role == "privacy" or "matches" in post.may  # whom $match told of stands in the own trail, a second later
    return bool(one.unless & post.may) or (one.own and looked)
