"""A mixed load of writes, and the ledger of what was acknowledged."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

import httpx

Json = dict[str, Any]
FHIR = {"content-type": "application/fhir+json"}
MARK = "https://marks.example"
PATIENT = "Patient/p1"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One write whose success a client was told of. `mark`: what its text holds; "" for a deletion."""

    type: str
    id: str
    version: int
    mark: str


@dataclass(slots=True)
class Ledger:
    """acknowledged: in no order. bundles: the marks of transactions sent, acknowledged or not, each with how many resources it has.
    answers: by status; 0 is none at all. odd: answers that were neither success nor 503 or 507 (or a lost race). first_after: the first
    success after `since`, in seconds."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    bundles: dict[str, int] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    since: float = float("inf")
    first_after: float | None = None

    def answered(self, answer: httpx.Response, took: float) -> bool:
        """Note an answer; whether it was a success."""
        self.answers[answer.status_code] += 1
        self.slowest_s = max(self.slowest_s, took)
        if answer.is_success:
            if self.first_after is None and time.monotonic() > self.since:
                self.first_after = time.monotonic() - self.since
            return True
        if answer.status_code in (503, 507) and "retry-after" in answer.headers:
            return False
        if answer.status_code not in (409, 412):
            self.odd.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
        return False


def observation(mark: str) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "identifier": [{"system": MARK, "value": mark}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "subject": {"reference": PATIENT},
        "effectiveDateTime": "2026-11-22T10:00:00+08:00",
        "valueQuantity": {"value": 128, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    }


class Writer:
    """One client with resources of its own, which it creates, changes and deletes, one request after the other."""

    def __init__(self, client: httpx.AsyncClient, ledger: Ledger, random: Random) -> None:
        self.client = client
        self.ledger = ledger
        self.random = random
        self.own: dict[str, int] = {}
        """Ids of Observations of ours → the version we know of."""

    async def work(self) -> None:
        """Write until cancelled."""
        ways = (self.create, self.create, self.update, self.update, self.patch, self.delete, self.conditional, self.transaction)
        while True:
            try:
                await self.random.choice(ways)()
            except (httpx.TransportError, json.JSONDecodeError):
                self.ledger.answers[0] += 1
                self.own.clear()  # what became of the last one is not known
                await asyncio.sleep(0.05)

    async def _send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response | None:
        started = time.monotonic()
        answer = await self.client.request(method, path, content=content, headers=headers)
        good = self.ledger.answered(answer, time.monotonic() - started)
        if not good:
            self.own.clear()
            await asyncio.sleep(0.05)
        return answer if good else None

    def _note(self, id_: str, version: int, mark: str) -> None:
        self.ledger.acknowledged.append(Acknowledged("Observation", id_, version, mark))

    async def create(self) -> None:
        mark = str(uuid4())
        answer = await self._send("POST", "/fhir/Observation", json.dumps(observation(mark)).encode(), FHIR)
        if answer is not None:
            made = answer.json()
            self.own[made["id"]] = 1
            self._note(made["id"], 1, mark)

    async def conditional(self) -> None:
        mark = str(uuid4())
        path = f"/fhir/Observation?identifier={MARK}|{mark}"
        answer = await self._send("PUT", path, json.dumps(observation(mark)).encode(), FHIR)
        if answer is not None:
            made = answer.json()
            self.own[made["id"]] = int(made["meta"]["versionId"])
            self._note(made["id"], self.own[made["id"]], mark)

    async def update(self) -> None:
        if not self.own:
            return await self.create()
        id_, version = self.random.choice(list(self.own.items()))
        mark = str(uuid4())
        body = json.dumps({**observation(mark), "id": id_}).encode()
        answer = await self._send("PUT", f"/fhir/Observation/{id_}", body, FHIR | {"if-match": f'W/"{version}"'})
        if answer is not None:
            self.own[id_] = int(answer.json()["meta"]["versionId"])
            self._note(id_, self.own[id_], mark)

    async def patch(self) -> None:
        if not self.own:
            return await self.create()
        id_ = self.random.choice(list(self.own))
        mark = str(uuid4())
        steps = [{"op": "replace", "path": "/identifier/0/value", "value": mark}]
        answer = await self._send(
            "PATCH", f"/fhir/Observation/{id_}", json.dumps(steps).encode(), {"content-type": "application/json-patch+json"}
        )
        if answer is not None:
            self.own[id_] = int(answer.json()["meta"]["versionId"])
            self._note(id_, self.own[id_], mark)

    async def delete(self) -> None:
        if not self.own:
            return await self.create()
        id_ = self.random.choice(list(self.own))
        answer = await self._send("DELETE", f"/fhir/Observation/{id_}", b"", {})
        if answer is not None:
            del self.own[id_]
            self._note(id_, int(answer.headers["etag"][3:-1]), "")

    async def transaction(self) -> None:
        mark = str(uuid4())
        entries = [
            {"resource": observation(mark), "request": {"method": "POST", "url": "Observation"}} for _ in range(self.random.randint(2, 6))
        ]
        self.ledger.bundles[mark] = len(entries)
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = await self._send("POST", "/fhir", json.dumps(bundle).encode(), FHIR)
        if answer is not None:
            for entry in answer.json()["entry"]:
                *_, id_, _, version = entry["response"]["location"].split("/")
                self._note(id_, int(version), mark)
