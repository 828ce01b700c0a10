"""Does what is stored agree with itself? Index rows with texts, texts with their rows, histories without gaps, references that lead on.

Goes through every resource by key, a few hundred at a time, each time in one snapshot, so that writers are neither hindered nor mistaken
for faults; memory does not grow with the store. Nothing is changed. `yilian reindex` puts index rows right; the rest is for a person.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yilian.errors import YilianError
from yilian.fhir import references
from yilian.fhir.compartments import patient_references
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.fhir.json import parse
from yilian.sealing.keyring import opened
from yilian.search.extract import extract
from yilian.search.rows import IndexRows, token_hash
from yilian.store.change import Written
from yilian.store.index_rows import Rows, difference, rows_of
from yilian.store.integrity import pointed_to
from yilian.store.permission import SEVERAL
from yilian.store.reindex import rows_there
from yilian.store.write import stamp

if TYPE_CHECKING:
    from yilian.db import Database, Tx

BATCH = 300

STORED = """
select r.rid, r.type, r.id, r.ver, r.updated, r.deleted, r.patient, r.confined, r.body,
    (select array_agg(h.ver order by h.ver) from history h where h.rid = r.rid) as older,
    (select array_agg(v order by v) from expunged e cross join unnest(e.versions) v where e.rid = r.rid) as removed
from resource r where r.rid > $1 order by r.rid limit $2
"""
ALIVE = """
select r.type, r.id, r.rid, r.deleted
from unnest($1::smallint[], $2::text[]) as wanted (type, id)
join resource r on r.type = wanted.type and r.id = wanted.id
"""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """`about` is "Observation/1"; `kind`: text, history, reference, index, concept, ground; `said` in words."""

    about: str
    kind: str
    said: str


Also = Callable[["Tx", Sequence[Written]], Awaitable[list[Disagreement]]]
"""What a higher room keeps in step with these resources, looked at in the same snapshot."""


async def disagreements(db: Database, watch: Callable[[int], None], also: Sequence[Also] = ()) -> AsyncIterator[Disagreement]:
    """Everything that does not agree, by resource. `watch(resources looked at)` is called as it goes. Opens its own transactions."""
    after, seen = -1, 0
    while True:
        async with db.reading() as tx, tx.connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await tx.fetch(STORED, after, BATCH)
            found = await _batch(tx, rows, also)
        if not rows:
            return
        for one in found:
            yield one
        after, seen = rows[-1]["rid"], seen + len(rows)
        watch(seen)


async def _batch(tx: Tx, rows: Sequence[Any], also: Sequence[Also]) -> list[Disagreement]:
    found: list[Disagreement] = []
    sound: list[tuple[Written, IndexRows]] = []
    for row in rows:
        about = f"{RESOURCE_TYPES[row['type'] - 1]}/{row['id']}"
        found += (Disagreement(about, "history", said) for said in _history(row))
        written = _written(row)
        try:
            index = IndexRows() if written.resource is None else extract(written.resource)
        except YilianError as error:
            found.append(Disagreement(about, "index", f"its text cannot be indexed: {error}"))
            continue
        sound.append((written, index))
    pointing = {written.rid: pointed_to(written.resource) for written, _ in sound}
    alive, gone = await _targets(tx, set().union(*pointing.values()) if pointing else set())
    systems = {system for _, index in sound for _, system, _ in index.identifiers if system is not None}
    numbers = {row["uri"]: row["id"] for row in await tx.fetch("select uri, id from namespace where uri = any($1::text[])", list(systems))}
    there = await rows_there(tx, [written.rid for written, _ in sound])
    for written, index in sound:
        about = f"{written.type}/{written.id}"
        found += (Disagreement(about, "text", said) for said in _text(written, alive))
        for kind, id_ in sorted(pointing[written.rid] - alive.keys()):
            why = "was deleted" if (kind, id_) in gone else "is not there"
            found.append(Disagreement(about, "reference", f"it refers to {kind}/{id_}, which {why}"))
        keys = {key: alive.get(key) or gone[key] for key in pointing[written.rid] if key in alive or key in gone}
        known = {system: numbers.get(system, 0) for system in systems}
        wanted = {} if written.resource is None else rows_of(index, written.rid, type_id(written.type), keys, known, tx.db.ring.blind)
        here = _under_one_key(tx, there.get(written.rid, {}), index)
        found += (Disagreement(about, "index", said) for said in _differing(here, wanted))
    found += await _concepts(tx, sound)
    for look in also:
        found += await look(tx, [written for written, _ in sound])
    return found


def _under_one_key(tx: Tx, rows: Rows, index: IndexRows) -> Rows:
    """The rows there are, with what is blinded by a key that is being replaced as it will be."""
    ring = tx.db.ring
    if "index_identifier" not in rows:
        return rows
    will_be = {blind: ring.blind(param, value) for param, _, value in index.identifiers for blind in ring.blinds(param, value)}
    return {**rows, "index_identifier": [(row[0], will_be.get(row[1], row[1]), *row[2:]) for row in rows["index_identifier"]]}


def _written(row: Any) -> Written:
    body = opened(row["rid"], row["body"]).encode()
    resource = None if row["deleted"] else parse(body)
    return Written(
        row["rid"], RESOURCE_TYPES[row["type"] - 1], row["id"], row["ver"], row["updated"], row["ver"] == 1, row["deleted"], False, body,
        resource, row["patient"], row["confined"],
    )  # fmt: skip


def _history(row: Any) -> Iterable[str]:
    """Versions run from 1 to the current one; what was removed for good stands in `expunged`."""
    older, removed = row["older"] or [], set(row["removed"] or [])
    missing = set(range(1, row["ver"])) - set(older) - removed
    if missing:
        yield f"of its {row['ver']} versions {_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    if beyond := [version for version in older if version >= row["ver"]]:
        yield f"its history has version {_listed(beyond)}, but the current one is {row['ver']}"


def _text(written: Written, alive: dict[tuple[str, str], int]) -> Iterable[str]:
    """The text says the same as its row."""
    resource = written.resource
    if resource is None:
        return
    meta = resource.get("meta", {})
    said = (resource.get("resourceType"), resource.get("id"), meta.get("versionId"), meta.get("lastUpdated"))
    if said != (written.type, written.id, str(written.version), stamp(written.updated)):
        yield f"its text says {' '.join(map(str, said))}"
    if written.type == "Patient":
        patients = {written.rid}
    else:
        targets = (references.parse(text) for text in patient_references(resource))
        patients = {alive[one.type, one.id] for one in targets if isinstance(one, references.Local) and (one.type, one.id) in alive}
    several = len(patients) > 1 or written.type == "Person"
    about = None if not patients else SEVERAL if several else next(iter(patients))
    if about != written.patient:
        yield f"it is kept as being about {_whom(written.patient)}, its text is about {_whom(about)}"


def _whom(patient: int | None) -> str:
    return "nobody" if patient is None else "several" if patient == SEVERAL else f"the patient with key {patient}"


def _differing(there: Rows, wanted: Rows) -> Iterable[str]:
    removed, added = difference(there, wanted)
    for name in sorted({*removed, *added}):
        yield f"{name} has {len(removed.get(name, ()))} rows too many and {len(added.get(name, ()))} too few"


async def _targets(tx: Tx, wanted: set[tuple[str, str]]) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """The keys of what is there, and of what was deleted."""
    keys = list(wanted)
    rows = await tx.fetch(ALIVE, [type_id(kind) for kind, _ in keys], [id_ for _, id_ in keys])
    sides: tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]] = ({}, {})
    for row in rows:
        sides[row["deleted"]][RESOURCE_TYPES[row["type"] - 1], row["id"]] = row["rid"]
    return sides


async def _concepts(tx: Tx, sound: Sequence[tuple[Written, IndexRows]]) -> list[Disagreement]:
    """Every hash in the index is spelled out, and as what it stands for."""
    spelled = {token_hash(*token): (token, written) for written, index in sound for token in index.words()}
    rows = await tx.fetch("select h, param, system, code from concept where h = any($1::bigint[])", list(spelled))
    known = {row["h"]: (row["param"], row["system"], row["code"]) for row in rows}
    return [
        Disagreement(f"{written.type}/{written.id}", "concept", f"its code {token[1]}|{token[2]} is not spelled out in concept")
        for h, (token, written) in spelled.items()
        if known.get(h) != token
    ]


def _listed(versions: Iterable[int]) -> str:
    numbers = sorted(versions)
    return ", ".join(map(str, numbers[:10])) + (" …" if len(numbers) > 10 else "")
