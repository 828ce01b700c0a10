"""What telling costs: CPU of this process and of the database for a message told, for one that also goes outside, and for a letter."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil

from bench.ground import Ground, Row, Server
from yilian import app, config, jobs
from yilian.command import house
from yilian.db import Database
from yilian.fhir.definitions import type_id
from yilian.notifications import Message, Reader, tell

TOLD = 2_000
LETTERS = 1_000
WARM = 100
WITHIN_S = 300
SAYS = {"patient": "李秀英", "number": "530900-1"}
INSIDE, OUTSIDE = "referral.receive", "referral.accept"
"""Templates without and with words for outside."""


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.new_data()
    with ground.server(data, command="demo"):
        pass
    with tempfile.TemporaryDirectory(dir=ground.folder) as outbox:
        settings = replace(config.read({"data": data}), outbox_folder=outbox)
        with house.address(settings, alone=True, purpose="bench messages") as dsn:
            yield from asyncio.run(_measured(settings, dsn, Path(outbox)))


async def _measured(settings: config.Settings, dsn: str, outbox: Path) -> list[Row]:
    db = app.database(settings, dsn)
    await db.open()
    here = Server("", settings.data, psutil.Process(os.getpid()), 0.0)
    try:
        patients = await _patients(db)
        rows = []
        for event, what in ((INSIDE, "a message told, in a transaction of its own"), (OUTSIDE, "one that goes outside too")):
            await _tell(db, event, patients[:1], WARM)
            before = here.spent()
            await _tell(db, event, patients[:1], TOLD)
            each = here.spent().each(before, TOLD)
            rows += [Row(f"CPU of {what}", each.server, "ms"), Row("  of the database", each.database, "ms")]
        async with db.transaction() as tx:
            await tx.execute("delete from job where state in ('waiting', 'later') and kind like 'notifications.%'")
            await tx.execute("delete from message")
        await _tell(db, OUTSIDE, patients, LETTERS, urgent=True)  # each patient has a number and hears it once
        worker = jobs.Worker(db, app.message_desk(settings).kinds() | app.message_desk(settings).deliveries(), at_once=4)
        before = here.spent()
        worker.start()
        try:
            await _until_done(db)
        finally:
            await worker.stop()
        letters = await asyncio.to_thread(lambda: len(list(outbox.iterdir())))
        each = here.spent().each(before, letters)
        rows += [
            Row(f"CPU of a letter, {letters} of them, found and handed over", each.server, "ms"),
            Row("  of the database", each.database, "ms"),
        ]
        return rows
    finally:
        await db.close()


async def _patients(db: Database) -> list[int]:
    """Patients who have a mobile number, by what is sent of them: all, where it is not known."""
    async with db.reading() as tx:
        return [
            row["rid"]
            for row in await tx.fetch("select rid from resource where type = $1 and not deleted order by rid", type_id("Patient"))
        ]


async def _tell(db: Database, event: str, patients: list[int], many: int, *, urgent: bool = False) -> None:
    for nth in range(many):
        patient = patients[nth % len(patients)]
        async with db.transaction() as tx:
            await tell(tx, Message(event, (Reader.patient(patient),), f"Task/bench-{nth}", patient, SAYS, urgent=urgent))


async def _until_done(db: Database) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            async with db.reading() as tx:
                left = await tx.fetchval(
                    "select count(*) from job where kind like 'notifications.%' and state in ('waiting', 'running') and run_at <= now()"
                )
            if not left:
                return
            await asyncio.sleep(0.25)
