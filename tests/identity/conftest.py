"""Three institutions wired as the server is, and the handles the tests of this room use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from yilian import app, policy
from yilian.audit import months
from yilian.db import Database
from yilian.fhir import urls
from yilian.identity import links, matching
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Written, write

Json = dict[str, Any]
STEWARD = Scope(reach="nothing", user="steward", agent="Practitioner/steward", name="主索引管理员", roles=frozenset({"data-steward"}))


@dataclass(slots=True)
class Region:
    db: Database
    qingshi: Scope
    liuhe: Scope
    first: Scope

    async def put(self, *resources: Json, scope: Scope = SYSTEM) -> list[Written]:
        async with self.db.transaction() as tx:
            return await write(tx, scope, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])

    async def delete(self, kind: str, id: str) -> None:
        async with self.db.transaction() as tx:
            await write(tx, SYSTEM, [Change("DELETE", kind, id, None)])

    async def rid(self, id: str, kind: str = "Patient") -> int:
        return int(await self.value("select rid from resource where id = $1 and body like $2", id, f'%"resourceType":"{kind}"%'))

    async def link(self, a: str, b: str, **more: Any) -> str:
        first, second = await self.rid(a), await self.rid(b)
        async with self.db.transaction() as tx:
            return await links.link(tx, STEWARD, first, second, reason="身份证与本人核对一致", **more)

    async def unlink(self, a: str) -> None:
        patient = await self.rid(a)
        async with self.db.transaction() as tx:
            await links.unlink(tx, STEWARD, patient, reason="核对有误")

    async def members(self) -> list[list[str]]:
        rows = await self.rows(
            "select array_agg(r.id order by r.id) as ids from person_member m join resource r on r.rid = m.patient group by m.person"
        )
        return sorted(row["ids"] for row in rows)

    async def grounds(self, patient: str) -> set[tuple[str, str, str, str]]:
        """(institution, kind, source, derived from) by ids."""
        rows = await self.rows(
            """
            select o.id, g.kind, s.id, coalesce(d.id, '') from access_ground g join resource o on o.rid = g.institution
            join resource p on p.rid = g.patient left join resource s on s.rid = g.source left join resource d on d.rid = g.derived_from
            where p.id = $1
            """,
            patient,
        )
        return {tuple(row) for row in rows}

    async def tasks(self) -> list[tuple[str, str, str, str]]:
        """(first, second, why, state), sorted."""
        rows = await self.rows(
            "select least(f.id, s.id), greatest(f.id, s.id), t.why, t.state from match_task t join resource f on f.rid = t.first"
            " join resource s on s.rid = t.second order by 1, 2"
        )
        return [tuple(row) for row in rows]

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        async with self.db.reading() as tx:
            return await tx.fetch(sql, *args)

    async def value(self, sql: str, *args: Any) -> Any:
        async with self.db.reading() as tx:
            return await tx.fetchval(sql, *args)


def person(id: str, at: str = "qingshi", name: str = "单雄信", born: str = "1956-03-12", document: str = "", **more: Any) -> Json:
    made: Json = {
        "resourceType": "Patient",
        "id": id,
        "name": [{"text": name}],
        "birthDate": born,
        "gender": "male",
        "managingOrganization": {"reference": f"Organization/{at}"},
        **more,
    }
    if document:
        made["identifier"] = [{"system": urls.RESIDENT_ID, "value": document}, *more.get("identifier", [])]
    return made


def encounter(id: str, patient: str, at: str, status: str = "finished") -> Json:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        "serviceProvider": {"reference": f"Organization/{at}"},
    }


def observation(id: str, patient: str, at: str = "2026-03-01", value: float = 5.5) -> Json:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": urls.LOINC, "code": "2345-7"}]},
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": f"{at}T08:00:00+08:00",
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": urls.UCUM, "code": "mmol/L"},
    }


def organization(id: str, tier: str = "township") -> Json:
    extension = [{"url": urls.TIER, "valueCoding": {"system": urls.INSTITUTION_TIER, "code": tier}}]
    return {"resourceType": "Organization", "id": id, "name": id, "extension": extension}


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    """qingshi and liuhe, townships, and first, a hospital; nobody in it yet."""
    db = Database(dsn, app.HOOKS)
    await db.open()
    async with db.transaction() as tx:
        await months.ensure(tx)
        await policy.seed(tx)
        await matching.ensure(tx)
    found = Region(db, SYSTEM, SYSTEM, SYSTEM)
    for id, tier in (("qingshi", "township"), ("liuhe", "township"), ("first", "city")):
        (written,) = await found.put(organization(id, tier))
        scope = Scope(
            reach="grounds",
            user=id,
            agent=f"Practitioner/{id}",
            name=id,
            roles=frozenset({"gp"}),
            institution=f"Organization/{id}",
            institution_rid=written.rid,
        )
        setattr(found, id, scope)
    yield found
    await db.close()
