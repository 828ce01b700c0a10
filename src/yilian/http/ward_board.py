"""Beds as parameters of an answer: numbers of a group, one bed of a board, who lies there and for whom it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from yilian.beds.board import STATES, Bed, Hold, Numbers
from yilian.beds.kinds import KINDS
from yilian.directory.specialties import SPECIALTIES
from yilian.fhir import urls
from yilian.fhir.json import parse
from yilian.store.read import Stored

Json = dict[str, Any]


def numbers(one: Numbers) -> list[Json]:
    """One group of beds."""
    part: list[Json] = []
    if one.place:
        part.append({"name": "place", "valueReference": {"reference": one.place, "display": one.name}})
    if one.institution:
        part.append({"name": "institution", "valueReference": {"reference": one.institution, "display": one.institution_name}})
    if one.specialty:
        part.append({"name": "specialty", "valueCoding": _specialty(one.specialty)})
    return part + [{"name": name, "valueInteger": getattr(one, name)} for name in ("total", *STATES, "leaving")]


def bed_part(one: Bed, persons: Mapping[tuple[str, str], Stored], names: Mapping[str, str]) -> list[Json]:
    """One bed of a board. persons: what may be told of them; names: of institutions, by reference."""
    part: list[Json] = [
        {"name": "location", "valueReference": {"reference": f"Location/{one.id}", "display": one.name}},
        {"name": "state", "valueCode": one.state},
        {"name": "kind", "valueCoding": {"system": urls.BED_KIND, "code": one.kind, "display": KINDS[one.kind][0]}},
    ]
    part += [
        {"name": name, "valueString": value} for name, value in (("number", one.number), ("room", one.room), ("why", one.why)) if value
    ]
    if one.sex:
        part.append({"name": "sex", "valueCode": one.sex})
    if one.specialty:
        part.append({"name": "specialty", "valueCoding": _specialty(one.specialty)})
    times = (("since", one.since), ("expected", one.expected), ("clean-at", one.clean_at))
    part += [instant(name, at) for name, at in times if at is not None]
    if one.encounter:
        part += _encounter(parse(persons["Encounter", one.encounter].body))
    if one.patient:
        part += _person("patient", persons["Patient", one.patient])
    if one.hold is not None:
        part.append({"name": "hold", "part": _hold(one.hold, persons, names)})
    return part


def _encounter(encounter: Json) -> list[Json]:
    """What a board shows of an Encounter: itself, why the patient is there, whose patient."""
    part: list[Json] = [{"name": "encounter", "valueReference": {"reference": f"Encounter/{encounter['id']}"}}]
    told = [str(one["condition"].get("display", "")) for one in encounter.get("diagnosis", ()) if "condition" in one]
    told += [
        str(one.get("text") or next((c.get("display", "") for c in one.get("coding", ())), "")) for one in encounter.get("reasonCode", ())
    ]
    if found := next((value for value in told if value), ""):
        part.append({"name": "diagnosis", "valueString": found})
    doctors = (one.get("individual") or {} for one in encounter.get("participant", ()))
    if doctor := next((one for one in doctors if one.get("reference")), None):
        part.append({"name": "doctor", "valueReference": doctor})
    return part


def _person(name: str, stored: Stored) -> list[Json]:
    patient = parse(stored.body)
    names = patient.get("name") or [{}]
    called = str(names[0].get("text") or names[0].get("family", "") + "".join(names[0].get("given", ())))
    part: list[Json] = [{"name": name, "valueReference": {"reference": f"Patient/{stored.id}", "display": called or "-"}}]
    if patient.get("gender"):
        part.append({"name": f"{name}-gender", "valueCode": patient["gender"]})
    if patient.get("birthDate"):
        part.append({"name": f"{name}-birth-date", "valueDate": patient["birthDate"]})
    return part


def _hold(one: Hold, persons: Mapping[tuple[str, str], Stored], names: Mapping[str, str]) -> list[Json]:
    part = [instant("until", one.until), {"name": "kept", "valueBoolean": one.kept}]
    if one.made_as:
        part.append({"name": "made-as", "valueString": one.made_as})
    if one.made_by:
        part.append({"name": "made-by", "valueReference": {"reference": one.made_by, "display": names.get(one.made_by, "-")}})
    if one.patient:
        part += _person("patient", persons["Patient", one.patient])
    return part


def place(id: str, names: Mapping[tuple[str, str], Stored]) -> Json:
    """A Location by name."""
    stored = names.get(("Location", id))
    return {"reference": f"Location/{id}", **({"display": parse(stored.body).get("name", id)} if stored else {})}


def _specialty(code: str) -> Json:
    return {"system": urls.SPECIALTY, "code": code, **({"display": SPECIALTIES[code]} if code in SPECIALTIES else {})}


def instant(name: str, at: datetime) -> Json:
    """A parameter with a moment."""
    return {"name": name, "valueInstant": at.isoformat(timespec="milliseconds")}
