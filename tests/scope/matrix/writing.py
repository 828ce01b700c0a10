"""The region of the matrix as a database: the whole of it, or a twin in which what an asker may not see was never written.

What a record hangs on (`Thing.base`), and the roads by which its grounds came, are in the twin too as long as anything of it is to be seen.
What something visible points to is written and then taken out by force, since nothing can be written that points to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.scope.matrix.oracle import Thing
from tests.scope.matrix.region import Case, Region
from tests.scope.matrix.states import A, B
from yilian import app
from yilian.access import break_glass, grounds, review
from yilian.db import Database
from yilian.fhir.definitions import type_id
from yilian.identity import links
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import write

Keep = Callable[[Thing], bool]
ROWS = """
insert into access_ground (institution, patient, kind, source)
select o.rid, p.rid, $3, p.rid from resource o, resource p where o.id = $1 and p.id = $2 and p.type = $4
"""
ENDED = "update access_ground set until = now() - interval '1 hour' where patient = $1 and kind = 'emergency' and until > now()"
FORGOTTEN = """
select table_name from information_schema.columns where table_schema = 'public' and column_name = 'rid'
and table_name <> 'expunged' and table_name in (select table_name from information_schema.tables where table_type = 'BASE TABLE')
"""


class Clock:
    """Stands at a moment of the story, the same in the world and in its twins."""

    def __init__(self, begun: datetime) -> None:
        self.begun, self.step = begun, 0

    def at(self, step: int) -> None:
        self.step = step

    def __call__(self) -> datetime:
        return self.begun + timedelta(milliseconds=self.step)


class Writer:
    def __init__(self, region: Region, dsn: str, keep: Keep) -> None:
        self.region = region
        self.clock = Clock(region.begun)
        self.names: Iterator[str] = iter(())
        self.db = Database(dsn, app.HOOKS, clock=self.clock, ids=lambda: next(self.names))
        self.seen = {name for name, thing in region.things.items() if keep(thing)}
        patients = {region.things[name].patient for name in self.seen}
        self.patients = {record for patient in patients for record in region.facts.person(patient)}
        based = {name for name, thing in region.things.items() if thing.base and thing.patient in self.patients}
        written = self.seen | based
        self.forced = {target for target, by in region.pointed.items() if target not in written and not written.isdisjoint(by)}
        self.kept = written | self.forced
        self.rids: dict[str, int] = {}

    async def story(self) -> None:
        """Write it, in the order in which it happened."""
        await self.db.open()
        try:
            await self._read_rids("Organization", (A, B))
            await self._records()
            for number, case in enumerate(self.region.cases.values()):
                if case.id in self.patients:
                    self.clock.at(100 + number)
                    await self._ground(case)
            await self._consents()
            for number, case in enumerate(self.region.cases.values()):
                if case.has_other and {case.id, case.other} <= self.patients:
                    self.clock.at(1100 + 2 * number)
                    await self._link(case)
            if "Group/cohort" in self.kept:
                self.clock.at(3000)
                await self._write(SYSTEM, ["Group/cohort"], 0)
            await self._forget(sorted(self.forced))
        finally:
            await self.db.close()

    async def _records(self) -> None:
        by_b = replace(SYSTEM, institution=f"Organization/{B}", institution_rid=self.rids[B])
        by_a = replace(SYSTEM, institution=f"Organization/{A}", institution_rid=self.rids[A])
        writers = {A: by_a, B: by_b, "": SYSTEM}
        made = [thing for thing in self.region.things.values() if self.region.bodies[thing.name]]
        for step, types in enumerate((("Patient",), ("Encounter",), ())):
            for place, (whose, scope) in enumerate(writers.items()):
                names = [one.name for one in made if one.origin == whose and (one.type in types or (not types and self._is_clinical(one)))]
                for version in range(3):
                    self.clock.at(30 * step + 10 * place + version)
                    await self._write(scope, names, version)
        self.clock.at(95)
        await self._write(by_a, [one.name for one in made if one.type == "DiagnosticReport"], 0)
        self.clock.at(96)
        await self._write(SYSTEM, [one.name for one in made if one.type == "Task"], 0)

    def _is_clinical(self, one: Thing) -> bool:
        return one.type not in ("Patient", "Encounter", "Consent", "Group", "Task", "DiagnosticReport")

    async def _write(self, scope: Scope, names: Iterable[str], version: int) -> None:
        changes = []
        for name in names:
            if name in self.kept and len(self.region.bodies[name]) > version:
                thing, body = self.region.things[name], self.region.bodies[name][version]
                limit = {"confined": self.rids[thing.confined]} if thing.confined else {}
                changes.append(Change("PUT", thing.type, thing.id, body, **limit))  # type: ignore[arg-type]
        if changes:  # in one transaction, so that all has one time, however much of it there is
            async with self.db.transaction() as tx:
                for one in await write(tx, scope, changes):
                    self.rids[f"{one.type}/{one.id}"] = one.rid

    async def _ground(self, case: Case) -> None:
        road, patient = case.ground.road, self.rids[f"Patient/{case.id}"]
        here = self.rids[B]
        async with self.db.transaction() as tx:
            if road in ("contract", "consultation", "public-health"):
                await tx.execute(ROWS, B, case.id, road, type_id("Patient"))  # nothing in the product gives these yet
            elif road.startswith("visit"):
                await grounds.open_visit_ground(tx, here, patient, tx.now + timedelta(hours=-1 if road.endswith("over") else 24))
            elif road.startswith("referral") and (task := self.rids.get(f"Task/letter-{case.id}")):
                await grounds.open_referral_ground(tx, here, patient, task)
                if road.endswith("over"):
                    await grounds.close_ground(tx, task, tx.now)
            elif road.startswith("emergency"):
                await self._emergency(tx, case, road, patient)

    async def _emergency(self, tx: Any, case: Case, road: str, patient: int) -> None:
        doctor = Scope(
            "grounds",
            "doctor",
            f"Practitioner/doctor-{B}",
            "西大夫",
            frozenset({"physician"}),
            f"Organization/{B}",
            self.rids[B],
            "西山县人民医院",
        )
        self.names = iter((f"alarm-{case.id}", f"notice-{case.id}"))
        reason = "患者昏迷由急救车送来,家属未到,急需既往病史"
        opened = await break_glass.break_glass(tx, doctor, case.id, code="unconscious", reason=reason, sensitive=road != "emergency")
        if road.endswith("over"):
            await tx.execute(ENDED, patient)
        elif road.endswith("unjustified"):
            officer = replace(doctor, user="officer", agent="Practitioner/is-privacy", roles=frozenset({"privacy"}))
            await review.review(tx, officer, opened.task, verdict="unjustified", words="查无急诊接诊记录")

    async def _consents(self) -> None:
        said = [name for name, thing in self.region.things.items() if thing.type == "Consent"]
        for version in range(2):
            self.clock.at(1000 + version)
            await self._write(SYSTEM, said, version)

    async def _link(self, case: Case) -> None:
        first, second = self.rids[f"Patient/{case.id}"], self.rids[f"Patient/{case.other}"]
        self.names = iter((f"one-{case.id}", f"link-{case.id}", f"part-{case.id}"))
        async with self.db.transaction() as tx:
            await links.link(tx, SYSTEM, first, second, reason="同一身份证件")
        if not case.ground.linked:
            self.clock.at(self.clock.step + 1)
            async with self.db.transaction() as tx:
                await links.unlink(tx, SYSTEM, second, reason="核对后确认不是同一人")

    async def _read_rids(self, type: str, ids: Iterable[str]) -> None:
        async with self.db.reading() as tx:
            for id in ids:
                self.rids[id] = await tx.fetchval("select rid from resource where type = $1 and id = $2", type_id(type), id)

    async def _forget(self, names: list[str]) -> None:
        """As if it had never been: with all its rows, by force."""
        rids = [self.rids[name] for name in names]
        if not rids:
            return
        async with self.db.transaction() as tx:
            tables = [row["table_name"] for row in await tx.fetch(FORGOTTEN)]
            for table in sorted(tables, key=lambda name: name == "resource"):  # what the others refer to goes last
                await tx.execute(f'delete from "{table}" where rid = any($1::bigint[])', rids)


async def write_region(region: Region, dsn: str, keep: Keep = lambda thing: True) -> None:
    """Write the region, or what `keep` leaves of it, into a database with its institutions in it."""
    await Writer(region, dsn, keep).story()
