"""A small demo region for the browser tests, in an empty database: `python -m tests.journeys.browser.region ADDRESS` prints its facts.

A program of its own, because it runs in the region's own zone and the test process does not.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

from yilian import app, config
from yilian.db import Tx
from yilian.demo import play
from yilian.fhir.definitions import type_id

RESIDENTS = 48
"""Few, so that it is quick; enough for a referral in every state and a list of more than one page."""

HOME = "qingshi"
"""The township centre of `gp` and `head`."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A living grown-up of the township centre with a diagnosis, and nothing under way."""

    id: str
    name: str
    diagnosis: str


@dataclass(frozen=True, slots=True)
class Facts:
    people: tuple[Somebody, ...]
    referral: str
    """Task of a completed up-referral of the centre."""


async def make(address: str) -> Facts:
    settings = config.read({"database_url": address})
    await app.prepare(settings, address)
    db = app.database(settings, address)
    await db.open()
    try:
        await play.make(db, lambda what, done, total: None, residents=RESIDENTS)
        async with db.reading() as tx:
            return await _facts(tx)
    finally:
        await db.close()


async def _facts(tx: Tx) -> Facts:
    """Read from the store as it is; nothing was deleted in it yet."""
    sql = "select patient, id, body from resource where type = $1 order by rid"
    patients, problems, tasks = [await tx.fetch(sql, type_id(one)) for one in ("Patient", "Condition", "Task")]
    diagnoses: dict[int, str] = {}
    for row in problems:
        condition = json.loads(row["body"])
        if condition["clinicalStatus"]["coding"][0]["code"] == "active":
            diagnoses.setdefault(row["patient"], condition["code"]["text"])
    referred = {row["patient"] for row in tasks}
    people = []
    for row in patients:
        patient = json.loads(row["body"])
        ours = patient.get("managingOrganization", {}).get("reference") == f"Organization/{HOME}"
        alive = "deceasedDateTime" not in patient
        if ours and alive and patient["birthDate"] < "1985" and row["patient"] in diagnoses and row["patient"] not in referred:
            people.append(Somebody(row["id"], patient["name"][0]["text"], diagnoses[row["patient"]]))
    done = [one["id"] for one in map(json.loads, (row["body"] for row in tasks)) if _came_back(one)]
    return Facts(tuple(people), done[0])


def _came_back(task: dict[str, Any]) -> bool:
    state = {coding["code"] for coding in task.get("businessStatus", {}).get("coding", ())}
    return (
        state == {"completed"}
        and task["owner"]["reference"] == "Organization/yunxi-first"
        and task["requester"]["reference"] == "Practitioner/gp"
    )


if __name__ == "__main__":
    json.dump(asdict(asyncio.run(make(sys.argv[1]))), sys.stdout)
