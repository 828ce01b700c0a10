"""Every way a client can ask for one resource by its id, or by what it is called: the columns of the matrix.

The same asks are made for an id that never existed; the two answers must be the same to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.http.house import ORIGIN
from tests.referral.region import act_parameters, refer_parameters, up
from tests.scope.people import INSTITUTION

Json = dict[str, Any]

CLOCK = re.compile(rb'"timestamp":"[^"]*"')
REFERS = {
    "qingshi": up("p1", specialty="07"),
    "liuhe": up("p3", specialty="05"),
    "first": up("p2", "second", direction="lateral", specialty="05"),
}
"""A request each institution could send for a patient of its own."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request under /fhir. `name` says what is asked, without whom about."""

    name: str
    path: str
    method: str = "GET"
    body: Json | None = None
    form: dict[str, str] | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer with the id that was asked for, and the time of day, taken out."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


async def tell(client: httpx.AsyncClient, ask: Ask, id: str) -> Told:
    path = f"/fhir/{ask.path}" if ask.path else "/fhir"
    answer = await client.request(ask.method, path, json=ask.body, data=ask.form, headers=ask.headers)
    headers = tuple((name, value.replace(id, "<id>")) for name, value in sorted(answer.headers.items()))
    return Told(answer.status_code, headers, CLOCK.sub(b'"timestamp":""', answer.content).replace(id.encode(), b"<id>"))


def never(id: str) -> str:
    """An id of the same length that never was."""
    return "z" * len(id)


def asks(role: str, kind: str, id: str, body: Json | None) -> Iterator[Ask]:
    """Everything this role can try with `kind/id`; `body` is what a writer might send to it."""
    name = f"{kind}/{id}"
    yield from _reading(kind, id, name)
    yield from _searching(kind, id, name)
    yield from _changing(kind, id, name, body)
    yield from _in_bundles(kind, id, name)
    yield from _operations(kind, id, name, body)
    yield from _pointing_to(role, name, f"{kind}?_id={id}")
    if kind == "Patient":
        yield from _of_a_patient(role, id)
    if kind == "Task":
        yield from _of_a_referral(id)
    if kind == "ServiceRequest" and (wish := REFERS.get(INSTITUTION.get(role, ""))):
        for key in ("basedOn", "replaces"):
            yield _post(f"$refer {key}", "ServiceRequest/$refer", refer_parameters({**wish, key: [{"reference": name}]}))


def _reading(kind: str, id: str, name: str) -> Iterator[Ask]:
    yield Ask("read", name)
    yield Ask("read unless known", name, headers={"if-none-match": 'W/"1"'})
    yield Ask("head", name, "HEAD")
    yield Ask("read in part", f"{name}?_summary=text")
    yield Ask("vread in part", f"{name}/_history/1?_elements=id")
    yield Ask("vread 1", f"{name}/_history/1")
    yield Ask("vread 2", f"{name}/_history/2")
    yield Ask("history", f"{name}/_history")
    yield Ask("history since", f"{name}/_history?_since=2020-01-01&_count=1")
    yield Ask("history at", f"{name}/_history?_at=2026&_sort=_lastUpdated&_count=0")


def _searching(kind: str, id: str, name: str) -> Iterator[Ask]:
    yield Ask("search", f"{kind}?_id={id}")
    yield Ask("search, counted", f"{kind}?_id={id}&_total=accurate")
    yield Ask("search, count alone", f"{kind}?_id={id}&_summary=count")
    yield Ask("search by form", f"{kind}/_search", "POST", form={"_id": id, "_total": "accurate"})
    yield Ask("search over types", f"?_type={kind},Organization&_id={id}&_total=accurate")
    yield Ask("search over all types", f"?_id={id}&_sort=_id&_summary=count")
    yield Ask("search for its labels", f"{kind}?_id={id}&_tag:not=x&_profile:missing=false&_total=accurate")
    yield Ask("search for what it contains", f"Organization?_id=payor&_contained=true&_containedType=container&_source={id}&_summary=count")
    yield Ask("what is on such a list", f"Observation?_list={id}&_has:List:item:_id={id}&_total=accurate")
    yield Ask("search with all around it", f"{kind}?_id={id}&_include=*&_revinclude=*&_include:iterate=*")
    yield Ask("search, shortened", f"{kind}?_id={id}&_elements=id", headers={"prefer": "handling=lenient"})
    if kind in ("Patient", "Encounter", "Practitioner"):
        yield Ask("its observations", f"{name}/Observation?_total=accurate")
        yield Ask("its observations, leniently", f"{name}/Observation?nonsense=1", headers={"prefer": "handling=lenient"})
        yield Ask("its compartment", f"{name}/*?_summary=count")
        yield Ask("its compartment by form", f"{name}/_search", "POST", form={"_type": "Observation"})
    yield Ask("in a patient's compartment", f"Patient/{id}/{kind}" if kind == "Patient" else f"Encounter/{id}/Observation")
    yield Ask("search with what points to it", f"{kind}?_id={id}&_revinclude=Provenance:target")
    yield Ask("what points to it", f"Provenance?target={name}&_total=accurate")
    if kind in ("Encounter", "Observation"):
        code = "encounter" if kind == "Encounter" else "result"
        yield Ask("reports on it", f"DiagnosticReport?{code}={name}&_total=accurate")
    for turn in ("first", "second"):
        yield Ask(f"its trail, {turn} time", f"AuditEvent?entity={name}")


def _operations(kind: str, id: str, name: str, body: Json | None) -> Iterator[Ask]:
    label = {"name": "meta", "valueMeta": {"tag": [{"system": "urn:x", "code": "x"}]}}
    yield Ask("$meta", f"{name}/$meta")
    yield Ask("$validate the stored one", f"{name}/$validate")
    yield _post("$meta-add", f"{name}/$meta-add", {"resourceType": "Parameters", "parameter": [label]})
    yield _post("$meta-delete", f"{name}/$meta-delete", {"resourceType": "Parameters", "parameter": [label]})
    yield _post("$validate a deletion", f"{name}/$validate?mode=delete", {"resourceType": "Parameters", "parameter": []})
    yield _post("$expunge", f"{name}/$expunge", {"resourceType": "Parameters", "parameter": []})
    if body is not None:
        plain = {key: value for key, value in body.items() if key != "meta"} | {"id": id}
        yield _post("$validate one like it", f"{name}/$validate", plain)
        if kind not in ("Task", "ServiceRequest", "Provenance"):
            yield _post("$validate a reference to it", "Observation/$validate", _observation(name))
            yield _post("$validate a reference to it, as a creation", "Observation/$validate?mode=create", _observation(name))
    elsewhere = {"prefer": "respond-async"}
    if kind == "Group":
        yield Ask("$export of a Group", f"{name}/$export", headers=elsewhere)
    if kind == "Encounter":
        yield Ask("$everything of an encounter", f"{name}/$everything")
        yield Ask("$everything of an encounter in part", f"{name}/$everything?_type=Observation&_count=1")
        yield Ask("by what has it", "Patient?_has:Encounter:patient:_id=" + id)
        yield Ask("by what has what has it", f"Patient?_has:Observation:patient:encounter._id={id}&_total=accurate")
    if kind == "List":
        yield Ask("in the list", f"Patient?_list={id}&_total=accurate")
        yield Ask("in a list, by what has it", f"Patient?_has:List:item:_id={id}&_total=accurate")
    if kind == "Observation":
        yield Ask("patients who have it", f"Patient?_has:Observation:patient:_id={id}&_total=accurate")
        yield Ask("encounters of patients who have it", f"Encounter?patient._has:Observation:patient:_id={id}&_total=accurate")
        yield Ask("what goes along with what has it", f"Patient?_has:Observation:patient:_id={id}&_revinclude=Observation:patient")
    yield Ask("not it", f"{kind}?_id:not={id}&_summary=count" if kind == "Patient" else f"{kind}?_id={id}&_sort=-_lastUpdated&_count=0")


def _changing(kind: str, id: str, name: str, body: Json | None) -> Iterator[Ask]:
    yield Ask("delete", name, "DELETE")
    yield Ask("delete a version", name, "DELETE", headers={"if-match": 'W/"1"'})
    yield Ask("delete by condition", f"{kind}?_id={id}", "DELETE")
    patch = {"resourceType": "Parameters", "parameter": []}
    part = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": f"{kind}.meta.tag"}]
    telling = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}
    yield Ask("patch by path", name, "PATCH", telling)
    yield Ask("patch by path and condition", f"{kind}?_id={id}", "PATCH", telling)
    yield Ask("patch by path and condition, of a version", f"{kind}?_id={id}", "PATCH", telling, headers={"if-match": 'W/"1"'})
    yield Ask("patch", name, "PATCH", patch)
    yield Ask("patch a version", name, "PATCH", patch, headers={"if-match": 'W/"1"'})
    yield Ask("patch by condition", f"{kind}?_id={id}", "PATCH", patch)
    if body is not None:
        plain = {key: value for key, value in body.items() if key != "meta"} | {"id": id}
        for version in (1, 2):
            yield Ask(f"replace version {version}", name, "PUT", plain, headers={"if-match": f'W/"{version}"'})
        yield Ask("put", name, "PUT", plain)
        yield Ask("put where there is none", name, "PUT", plain, headers={"if-none-match": "*"})
        yield Ask("put by condition, with the id", f"{kind}?_id={id}", "PUT", plain)
        yield Ask("put by a condition that finds nothing, with the id", f"{kind}?_id=nobody", "PUT", plain)
        for bundle in ("batch", "transaction"):
            yield _bundle(bundle, [{"resource": plain, "request": {"method": "PUT", "url": name}}])
            yield _bundle(bundle, [{"resource": plain, "request": {"method": "PUT", "url": f"{kind}?_id=nobody"}}], "PUT by condition")


def _in_bundles(kind: str, id: str, name: str) -> Iterator[Ask]:
    urls = [name, f"{name}/_history", f"{name}/_history/1", f"{kind}?_id={id}&_total=accurate"]
    reads: list[Json] = [{"request": {"method": "GET", "url": url}} for url in urls]
    gone: Json = {"request": {"method": "DELETE", "url": name}}
    yield _bundle("batch", reads)
    yield _bundle("transaction", reads)
    yield _bundle("batch", [gone])
    yield _bundle("transaction", [gone])
    yield _bundle("transaction", [{"request": {**gone["request"], "ifMatch": 'W/"1"'}}])


def _pointing_to(role: str, name: str, condition: str) -> Iterator[Ask]:
    """A reference to what is out of scope is a reference to nothing."""
    for text, what in ((name, "relative"), (f"{name}/_history/1", "to a version"), (f"{ORIGIN}/fhir/{name}", "absolute")):
        yield _post(f"reference, {what}", "Observation", _observation(text))
    yield _bundle("transaction", [_creation(_observation(name))], "reference")
    yield _bundle("transaction", [_creation(_observation(condition))], "conditional reference")
    if wish := REFERS.get(INSTITUTION.get(role, "")):
        evidence = {**wish, "supportingInfo": [{"reference": name}]}
        yield _post("$refer with it as evidence", "ServiceRequest/$refer", refer_parameters(evidence))


def _of_a_patient(role: str, id: str) -> Iterator[Ask]:
    for operation in ("$everything", "$everything?_type=Observation&_count=1", "$timeline", "$timeline?_type=Condition"):
        yield Ask(operation, f"Patient/{id}/{operation}")
    for search in (
        f"Observation?patient={id}",
        f"Observation?subject=Patient/{id}&_sort=-date",
        f"Observation?patient={id}&code=1558-6&_include=Observation:patient",
        f"Encounter?patient=Patient/{id}&_revinclude=Observation:encounter",
        f"Task?patient={id}",
        f"Coverage?beneficiary=Patient/{id}",
        f"Group?member=Patient/{id}",
        f"Observation?patient._id={id}",
        f"Condition?subject:Patient._id={id}",
    ):
        yield Ask(f"search {search.replace(id, '…')}", f"{search}&_total=accurate")
    for path in (
        f"Observation/$lastn?patient={id}&category=laboratory",
        f"Observation/$lastn?subject=Patient/{id}&code=1558-6&max=2",
        f"ViewDefinition/vital_signs/$run?patient={id}",
        f"ViewDefinition/patients/$run?patient=Patient/{id}",
        f"Observation?_has:Provenance:target:target=Patient/{id}&_total=accurate",
        f"Practitioner?_has:Task:owner:patient=Patient/{id}&_total=accurate",
    ):
        yield Ask(path.replace(id, "…"), path)
    some = {"name": "patient", "valueReference": {"reference": f"Patient/{id}"}}
    asked = {"resourceType": "Parameters", "parameter": [some]}
    yield Ask("$export of one patient", "Patient/$export", "POST", asked, headers={"prefer": "respond-async"})
    for turn in ("first", "second"):
        yield Ask(f"the patient's trail, {turn} time", f"AuditEvent?patient={id}")
        yield Ask(f"the patient's trail by reference, {turn} time", f"AuditEvent?entity=Patient/{id}")
    yield _post("subject", "Condition", {"resourceType": "Condition", "subject": {"reference": f"Patient/{id}"}, "code": {"text": "?"}})
    yield _post("$refer", "ServiceRequest/$refer", refer_parameters(up(id, specialty="05")))


def _of_a_referral(id: str) -> Iterator[Ask]:
    yield Ask("$actions", f"Task/{id}/$actions")
    yield Ask("$slip", f"Task/{id}/$slip?kind=return&size=A5")
    for action, more in (("accept", {}), ("cancel", {"reason": "x"}), ("report", {"attachment": "Observation/nobody"})):
        yield Ask(f"$act {action}", f"Task/{id}/$act", "POST", act_parameters(action, **more), headers={"if-match": 'W/"1"'})
    yield Ask("$act without a version", f"Task/{id}/$act", "POST", act_parameters("receive"))


def _observation(focus: str) -> Json:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "?"}, "focus": [{"reference": focus}]}


def _creation(resource: Json) -> Json:
    return {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}


def _post(name: str, path: str, body: Json) -> Ask:
    return Ask(name, path, "POST", body)


def _bundle(kind: str, entries: list[Json], word: str = "") -> Ask:
    verbs = word or " ".join(dict.fromkeys(entry["request"]["method"] for entry in entries))
    versioned = " of a version" if "ifMatch" in entries[0]["request"] else ""
    return Ask(f"{kind}: {verbs}{versioned}", "", "POST", {"resourceType": "Bundle", "type": kind, "entry": entries})
