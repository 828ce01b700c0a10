"""A hospital that is not on the platform, the letters it gets, and a browser of somebody who works there."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from tests.http.house import Server
from tests.referral.region import act_parameters, organization, refer_parameters, up
from yilian import policy

Json = dict[str, Any]
BEYOND = "beyond"
NAME = "邻江市中心医院"
MAIL, MOBILE = "zhuanzhen@linjiang.example", "13800001234"
OWN_PAGE = {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}


@dataclass
class Beyond:
    """The server with the hospital beyond in its directory, and the folder its letters lie in."""

    server: Server
    folder: Path

    async def furnish(self, *, email: str = MAIL, sms: str = "") -> None:
        """In the directory, with a referral window; nobody sleeps, whatever the hour of the test."""
        await self.quiet("", "")
        bench, office = await self.server.as_("bench"), await self.server.as_("office")
        answer = await bench.put(f"/fhir/Organization/{BEYOND}", json=organization(BEYOND, NAME, "city", False))
        assert answer.status_code == 201, answer.text
        answer = await office.post(f"/fhir/Organization/{BEYOND}/$keep-referral-window", json=named(email=email, sms=sms))
        assert answer.status_code == 200, answer.text

    async def quiet(self, begins: str, ends: str) -> None:
        """The quiet hours of the region; two times alike, or none: never."""
        async with self.server.application.fhir.house.db.transaction() as tx:
            hours = {"from": begins, "to": ends}
            await policy.put(tx, "notifications.quiet_hours", hours, valid_from=date(2020, 1, 1), source="测试")

    async def referred(self, patient: str = "p3", **more: Any) -> Json:
        """A referral that goes there; its Task."""
        gp = await self.server.as_("gp2")
        answer = await gp.post("/fhir/ServiceRequest/$refer", json=refer_parameters(up(patient, BEYOND, **more)))
        assert answer.status_code == 201, answer.text
        return next(one["resource"] for one in answer.json()["parameter"] if one["name"] == "task")

    async def letters(self, many: int, way: str = "email") -> list[Json]:
        """So many letters by this way, oldest first; waits for them."""
        for _ in range(200):
            files = sorted(self.folder.glob(f"{way}-*.json"), key=lambda one: one.stat().st_mtime_ns)
            found = [letter for one in files if (letter := json.loads(one.read_text()))["to"] in (MAIL, MOBILE)]
            if len(found) >= many:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{len(found)} letters came by {way}, not {many}: {found}")

    async def link(self, many: int = 1) -> str:
        """What stands behind the # of the newest link."""
        for letter in reversed(await self.letters(many)):
            if match := re.search(r"http://127\.0\.0\.1:8080/outside#([0-9a-f]{64})", letter["text"]):
                return match[1]
        raise AssertionError("no letter has a link")

    async def code(self, task: Json) -> tuple[str, str]:
        """The code and the digits, as the sender reads them."""
        answer = await (await self.server.as_("gp2")).post(f"/fhir/Task/{task['id']}/$outside-code", json=named())
        assert answer.status_code == 200, answer.text
        told = {one["name"]: one["valueString"] for one in answer.json()["parameter"]}
        return told["code"], told["number"]

    async def inside(self, task: Json, *, many: int = 1, name: str = "王敏") -> httpx.AsyncClient:
        """A browser that opened the link."""
        browser = self.browser()
        code, number = await self.code(task)
        answer = await browser.post("/outside/open", json={"link": await self.link(many), "code": code, "number": number, "name": name})
        assert answer.status_code == 204, answer.text
        return browser

    def browser(self) -> httpx.AsyncClient:
        client = self.server.nobody()
        client.headers.update(OWN_PAGE)
        return client

    async def told(self, task: Json, who: str = "gp2") -> Json:
        """What the sender sees of it, by name; repeated names as lists."""
        answer = await (await self.server.as_(who)).get(f"/fhir/Task/{task['id']}/$outside")
        assert answer.status_code == 200, answer.text
        found: Json = {}
        for one in answer.json()["parameter"]:
            value = next((value for key, value in one.items() if key != "name"), None)
            found.setdefault(one["name"], []).append(value)
        return found


async def took(browser: httpx.AsyncClient, action: str, **given: str) -> Json:
    """One step, with the version that is shown."""
    shown = (await browser.get("/outside/referral")).json()
    answer = await browser.post("/outside/act", json={"version": shown["version"], "action": action, "given": given})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def named(**values: Any) -> Json:
    """A Parameters resource."""
    given = [
        {"name": name, ("valueBoolean" if isinstance(value, bool) else "valueString"): value}
        for name, value in values.items()
        if value != ""
    ]
    return {"resourceType": "Parameters"} | ({"parameter": given} if given else {})


__all__ = ["BEYOND", "MAIL", "MOBILE", "NAME", "Beyond", "act_parameters", "named", "took"]
