"""The searches that are measured: each as a request, and as SQL written by hand that gives the same resources.

Arguments are drawn from what is stored, the same on every call, so both sides are asked the same. The hand-written SQL knows the tables and
nothing of scopes; resources are those of Synthea.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import asyncpg

from bench import keys
from yilian.fhir.definitions import type_id
from yilian.sealing.keyring import Keyring, opened
from yilian.search.parameters import parameters_of
from yilian.search.rows import token_hash

DRAWS = 100
PATIENT, OBSERVATION, ENCOUNTER, CONDITION = (type_id(kind) for kind in ("Patient", "Observation", "Encounter", "Condition"))


def _param(kind: str, code: str) -> int:
    return parameters_of(kind)[code].id


@dataclass(frozen=True, slots=True)
class Draw:
    """One question: what follows `/fhir/`, and the arguments of the hand-written SQL."""

    path: str
    args: tuple[Any, ...]


Drawn = dict[str, list[Draw]]


@dataclass(frozen=True, slots=True)
class Case:
    """title; sql: gives the bodies; sample: SQL for the words the questions are made of; made: a row of it → question."""

    title: str
    sql: str
    sample: str
    made: Callable[[Any], Draw]

    async def draw(self, connection: Any) -> list[Draw]:
        ring = await keys.known(connection)
        if self.sample == _IDENTIFIERS:
            rows = await connection.fetch(self.sample)
            return [self.made(found) for row in rows if (found := _identified(ring, row)) is not None]
        return [self.made(row) for row in await connection.fetch(self.sample)]


_SOME = f"order by md5(r.id) limit {DRAWS}"
_PATIENTS = f"select r.id from resource r where r.type = {PATIENT} and not r.deleted and r.body like '%synthea%' {_SOME}"
_CODES = f"""
select s.patient as id, c.system, c.code from (
    select p.id as patient, min(i.code) as code from index_clinical i join resource p on p.rid = i.patient
    where i.type = {OBSERVATION} and i.code <> 0 and p.body like '%synthea%' group by p.id
) s join concept c on c.h = s.code order by md5(s.patient) limit {DRAWS}"""
_IDENTIFIERS = f"select r.rid, r.body from resource r where r.type = {PATIENT} and not r.deleted and r.body like '%synthea%' {_SOME}"


def _identified(ring: Keyring, row: asyncpg.Record) -> dict[str, str] | None:
    """A number of a patient, its system, and what stands in the index in its place."""
    patient = json.loads(opened(row["rid"], row["body"]))
    for one in patient.get("identifier", ()):
        if one.get("system") and one.get("value"):
            return {"id": one["value"], "uri": one["system"], "blind": ring.blind(_param("Patient", "identifier"), one["value"])}
    return None


def by_name(code: str) -> Case:
    """Patients by the beginning of a part of their name, `family` or `given`."""
    param = _param("Patient", code)
    return Case(
        f"Patient?{code}=",
        f"select r.body from (select distinct s.rid from index_string s where s.param = {param} and s.value >= $1 and s.value < $2"
        " order by s.rid limit 51) p join resource r on r.rid = p.rid order by p.rid limit 50",
        f"select s.value as id from index_string s join resource r on r.rid = s.rid where s.param = {param}"
        f" and r.body like '%synthea%' {_SOME}",
        lambda row: Draw(f"Patient?{code}={quote(row['id'], safe='')}", (row["id"], row["id"] + "\U0010ffff")),
    )


def _common(kind: str, number: int, limit: int) -> str:
    return f"""select c.system, c.code, c.h from (select code, count(*) as n from index_clinical where type = {number} and code <> 0
group by code order by n desc limit {limit}) s join concept c on c.h = s.code where c.param = {_param(kind, "code")}"""


def _token(row: asyncpg.Record) -> str:
    return quote(f"{row['system']}|{row['code']}", safe="")


_IDENTIFIED = f"""(select i.rid from index_identifier i join namespace n on n.id = i.system
 where i.param = {_param("Patient", "identifier")} and i.value = $1 and n.uri = $2)"""

CASES: dict[str, Case] = {
    "patient-code": Case(
        "Observation?patient=&code=&_sort=-date&_count=50",
        "select r.body from (select c.rid, c.lo from index_clinical c where c.patient = (select rid from resource where type ="
        f" {PATIENT} and id = $1) and c.code = $2 order by c.lo desc, c.rid desc limit 51) p join resource r on r.rid = p.rid"
        " order by p.lo desc, p.rid desc limit 50",
        _CODES,
        lambda row: Draw(
            f"Observation?patient={row['id']}&code={_token(row)}&_sort=-date&_count=50",
            (row["id"], token_hash(_param("Observation", "code"), row["system"], row["code"])),
        ),
    ),
    "encounter-patient": Case(
        "Encounter?patient=",
        "select r.body from (select c.rid from index_clinical c where c.patient = (select rid from resource where type ="
        f" {PATIENT} and id = $1) and c.type = {ENCOUNTER} and c.nth = 0 order by c.rid limit 51) p join resource r on r.rid = p.rid"
        " order by p.rid limit 50",
        _PATIENTS,
        lambda row: Draw(f"Encounter?patient={row['id']}", (row["id"],)),
    ),
    "identifier": Case(
        "Patient?identifier=",
        f"select r.body from resource r where r.rid in {_IDENTIFIED} and not r.deleted limit 51",
        _IDENTIFIERS,
        lambda row: Draw(f"Patient?identifier={quote(row['uri'] + '|' + row['id'], safe='')}", (row["blind"], row["uri"])),
    ),
    "family": by_name("family"),
    "condition-code": Case(
        "Condition?code=",
        "select r.body from (select distinct c.rid from index_clinical c where c.code = $1 order by c.rid limit 51) p"
        " join resource r on r.rid = p.rid order by p.rid limit 50",
        _common("Condition", CONDITION, 20),
        lambda row: Draw(f"Condition?code={_token(row)}", (row["h"],)),
    ),
    "chain": Case(
        "Encounter?patient.identifier= (a chain)",
        f"select r.body from (select c.rid from index_clinical c where c.patient in {_IDENTIFIED} and c.type = {ENCOUNTER} and c.nth = 0"
        " order by c.rid limit 51) p join resource r on r.rid = p.rid order by p.rid limit 50",
        _IDENTIFIERS,
        lambda row: Draw(f"Encounter?patient.identifier={quote(row['uri'] + '|' + row['id'], safe='')}", (row["blind"], row["uri"])),
    ),
    "include": Case(
        "Encounter?patient=&_include=Encounter:service-provider",
        "with p as (select c.rid from index_clinical c where c.patient = (select rid from resource where type ="
        f" {PATIENT} and id = $1) and c.type = {ENCOUNTER} and c.nth = 0 order by c.rid limit 50)"
        " select r.body from p join resource r on r.rid = p.rid union all select r.body from resource r where r.rid in"
        f" (select i.target from p join index_reference i on i.rid = p.rid and i.param = {_param('Encounter', 'service-provider')})",
        _PATIENTS,
        lambda row: Draw(f"Encounter?patient={row['id']}&_include=Encounter:service-provider", (row["id"],)),
    ),
    "revinclude": Case(
        "Patient?identifier=&_revinclude=Encounter:patient",
        f"with p as materialized {_IDENTIFIED} select r.body from p join resource r on r.rid = p.rid union all"
        f" select r.body from p join index_clinical c on c.patient = p.rid and c.type = {ENCOUNTER} and c.nth = 0"
        " join resource r on r.rid = c.rid",
        _IDENTIFIERS,
        lambda row: Draw(
            f"Patient?identifier={quote(row['uri'] + '|' + row['id'], safe='')}&_revinclude=Encounter:patient", (row["blind"], row["uri"])
        ),
    ),
    "total": Case(
        "Observation?code=&_total=accurate&_count=1, beside count(*)",
        "select '{\"total\":' || count(distinct c.rid) || '}' from index_clinical c where c.code = $1",
        _common("Observation", OBSERVATION, 20),
        lambda row: Draw(f"Observation?code={_token(row)}&_total=accurate&_count=1", (row["h"],)),
    ),
}
