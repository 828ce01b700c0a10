"""What is written on a list beside a time: the names of doctors, devices and services, and who a patient is, as far as a desk needs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.fhir.json import parse
from yilian.store.read import COLUMNS, Stored, stored

if TYPE_CHECKING:
    from yilian.db import Tx

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """Whose time it is. title: 职称 or post, "" where none is known."""

    reference: str
    name: str
    title: str


async def actors(tx: Tx, rids: Iterable[int]) -> dict[int, Actor]:
    """Names of these actors of schedules (rids): directory, nobody's data."""
    rows = await tx.fetch("select rid, type, id, body from resource where rid = any($1::bigint[])", list(set(rids)))
    bodies = {
        row["rid"]: (f"{RESOURCE_TYPES[row['type'] - 1]}/{row['id']}", parse(row["body"].encode()) if row["body"] else {}) for row in rows
    }
    posts = {str((body.get("practitioner") or {}).get("reference", "")) for _, body in bodies.values()}
    people = await tx.fetch(
        "select id, body from resource where type = $1 and id = any($2::text[]) and not deleted",
        type_id("Practitioner"),
        [post.removeprefix("Practitioner/") for post in posts if post],
    )
    named = {f"Practitioner/{row['id']}": parse(row["body"].encode()) for row in people}
    found = {}
    for rid, (reference, body) in bodies.items():
        person = named.get(str((body.get("practitioner") or {}).get("reference", "")), {})
        found[rid] = Actor(reference, _own_name(body) or person_name(person), _title(body) or _title(person))
    return found


async def patients(tx: Tx, rids: Iterable[int]) -> dict[int, Stored]:
    """Patients as stored, by rid. For lists whose readers were asked for before; whoever answers with them leaves a trace (`note_read`)."""
    rows = await tx.fetch(f"select {COLUMNS} from resource r where r.rid = any($1::bigint[]) and not r.deleted", list(set(rids)))
    return {row["rid"]: stored(row) for row in rows}


def person_name(resource: Json) -> str:
    """How a Patient or Practitioner is called, "" for none."""
    first: Json = next(iter(resource.get("name") or ()), {})
    return str(first.get("text") or first.get("family", "") + "".join(first.get("given", ())))


def phone(patient: Json) -> str:
    """A number to call, "" for none."""
    return next((str(one["value"]) for one in patient.get("telecom", ()) if one.get("system") == "phone" and one.get("value")), "")


def masked(name: str) -> str:
    """A name as it is shown in a waiting room: 李*英, 欧*."""
    return name if len(name) < 2 else name[0] + "*" + (name[-1] if len(name) > 2 else "")


def _own_name(body: Json) -> str:
    name = body.get("name")
    if isinstance(name, str):
        return name
    device: Json = next(iter(body.get("deviceName") or ()), {})
    return str(device.get("name", "") or (body.get("practitioner") or {}).get("display", ""))


def _title(body: Json) -> str:
    coded = (
        [*body.get("code", ()), *(one.get("code", {}) for one in body.get("qualification", ()))]
        if isinstance(body.get("code", []), list)
        else []
    )
    return next((str(one["text"]) for one in coded if one.get("text")), "")
