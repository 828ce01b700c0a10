"""The steps of a referral as clients take them over HTTP: sign in, look, refer, act."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pypdf

from tests.access.journey import bearer, tokens_of
from tests.http.house import Server
from tests.referral.region import OUTCOME, act_parameters, refer_parameters, up, version_of

Json = dict[str, Any]

BY_THE_PAGES = ("gp", "coordinator")
"""Those who sign in as a browser does: password, authorize with PKCE, code for tokens. The others come with a token."""

EVERYBODY = (
    "gp", "gp-colleague", "head", "gp2", "county", "coordinator", "expert", "expert2", "pharmacist", "office", "admin", "resident", "bench",
)  # fmt: skip

LISTS = ("approval", "inbox", "answer", "declined", "expected", "here", "sent", "returned", "closed", "drafts")
LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def measured(id: str, patient: str, code: str, text: str, value: float, unit: str, kind: str, at: str) -> Json:
    """One Observation as a laboratory or a ward sends it."""
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": kind}]}],
        "code": {"coding": [{"system": LOINC, "code": code}], "text": text},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": unit},
    }


RECORD = (
    measured("troponin", "p1", "10839-9", "肌钙蛋白I", 0.08, "ng/mL", "laboratory", "2026-09-22T09:00:00+08:00"),
    measured("pressure", "p1", "8480-6", "收缩压", 158, "mmHg", "vital-signs", "2026-09-22T08:30:00+08:00"),
    {
        "resourceType": "Condition",
        "id": "hypertension",
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10"}], "text": "原发性高血压"},
        "subject": {"reference": "Patient/p1"},
        "onsetDateTime": "2016-05-04",
    },
    measured("sugar", "p2", "1558-6", "空腹血糖", 7.9, "mmol/L", "laboratory", "2026-09-20T07:30:00+08:00"),
    measured("warmth", "p3", "8310-5", "体温", 38.2, "Cel", "vital-signs", "2026-09-21T10:00:00+08:00"),
)
"""What is known before the journey: of p1 and p2, whom the township looks after, and of p3, whom another one does."""


def words(pdf: bytes) -> str:
    """All text of a PDF without white space, so that line breaks do not matter."""
    return "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


async def put_the_record_in(server: Server) -> None:
    """The region's laboratory system sends what there is."""
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in RECORD]
    lab = await server.as_("bench")
    stored = await lab.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert stored.status_code == 200, stored.text


class Journey:
    """Everybody's clients, and the steps. `people` may be any account of tests/http/house.py."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def leave(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def as_(self, who: str) -> httpx.AsyncClient:
        """Somebody who is signed in; the same client each time."""
        if who not in self._clients:
            if who in BY_THE_PAGES:
                client = self.server.nobody()
                client.headers["authorization"] = bearer((await tokens_of(client, who))["access_token"])
            else:
                client = await self.server.as_(who)
            self._clients[who] = client
        return self._clients[who]

    async def get(self, who: str, path: str, **params: str) -> httpx.Response:
        return await (await self.as_(who)).get(f"/fhir/{path}", params=params or None)

    async def read(self, who: str, path: str, **params: str) -> Json:
        """What is there for somebody."""
        answer = await self.get(who, path, **params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def ids(self, who: str, path: str, **params: str) -> list[str]:
        """Type/id of what a search, a list or a record gives somebody."""
        found = await self.read(who, path, **params)
        return [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in found.get("entry", [])]

    async def try_refer(self, who: str, request: Json | None = None, **more: Any) -> httpx.Response:
        return await (await self.as_(who)).post("/fhir/ServiceRequest/$refer", json=refer_parameters(request or up("p1"), **more))

    async def refer(self, who: str, request: Json | None = None, **more: Any) -> tuple[Json, Json]:
        """A referral that is taken: its ServiceRequest and Task."""
        answer = await self.try_refer(who, request, **more)
        assert answer.status_code == 201, answer.text
        parts = {one["name"]: one["resource"] for one in answer.json()["parameter"]}
        assert answer.headers["location"].endswith(f"/fhir/Task/{parts['task']['id']}")
        return parts["request"], parts["task"]

    async def try_act(self, who: str, task: Json, action: str, *, version: int | None = None, **more: Any) -> httpx.Response:
        """A step with the version of `task`, or with another one."""
        seen = f'W/"{version or version_of(task)}"'
        client = await self.as_(who)
        return await client.post(f"/fhir/Task/{task['id']}/$act", json=act_parameters(action, **more), headers={"if-match": seen})

    async def act(self, who: str, task: Json, action: str, **more: Any) -> Json:
        """A step that is taken; the Task after it."""
        answer = await self.try_act(who, task, action, **more)
        assert answer.status_code == 200, f"{who} {action}: {answer.text}"
        assert answer.headers["etag"] == f'W/"{version_of(answer.json())}"'
        return dict(answer.json())

    async def actions(self, who: str, task: Json) -> set[str] | None:
        """What somebody may do with a referral now; None where there is no such referral for them."""
        answer = await self.get(who, f"Task/{task['id']}/$actions")
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        listed = [{part["name"]: part for part in one["part"]} for one in answer.json().get("parameter", []) if one["name"] == "action"]
        assert sum(one["primary"]["valueBoolean"] for one in listed) <= 1
        return {one["code"]["valueCode"] for one in listed}

    async def lists(self, who: str, task: Json) -> set[str]:
        """The worklists of somebody a referral is on; each list's total and count must agree with what is on it."""
        counts = {one["name"]: one["valueInteger"] for one in (await self.read(who, "Task/$worklist-counts"))["parameter"]}
        found = set()
        for name in LISTS:
            page = await self.read(who, "Task/$worklist", list=name)
            on_it = [one["resource"]["id"] for one in page.get("entry", []) if one["search"]["mode"] == "match"]
            assert page["total"] == len(on_it) == counts.get(name, len(on_it)), (who, name)
            found |= {name} if task["id"] in on_it else set()
        return found

    # --- the main road, so far

    async def submitted(self, **more: Any) -> tuple[Json, Json]:
        """p1 is referred up to the city hospital, and the head has approved."""
        request, task = await self.refer("gp", **more)
        return request, await self.act("head", task, "approve")

    async def arrived(self, **more: Any) -> tuple[Json, Json]:
        request, task = await self.submitted(**more)
        task = await self.act("coordinator", task, "accept", practitioner="Practitioner/expert", start="2026-12-01T08:30:00+08:00")
        return request, await self.act("expert", task, "arrive")

    async def completed(self, **more: Any) -> tuple[Json, Json]:
        request, task = await self.arrived(**more)
        return request, await self.act("expert", task, "complete", **OUTCOME)
