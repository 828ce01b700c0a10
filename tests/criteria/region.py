"""The small region with records of now, and words to ask it with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.criteria import record
from tests.http.house import Server
from yilian.fhir.dates import region_zone

Json = dict[str, Any]


def of_now(resource: Json, patient: str = "p1", **more: Any) -> Json:
    """A resource of tests.criteria.record moved to the real clock, about that patient."""
    moved = {**resource, "subject": {"reference": f"Patient/{patient}"}, **more}
    lag = datetime.now(UTC) - record.NOW
    for name in ("effectiveDateTime", "onsetDateTime", "authoredOn"):
        if name in moved:
            moved[name] = (datetime.fromisoformat(moved[name]) + lag).isoformat(timespec="seconds")
    if "period" in moved:
        moved["period"] = {k: (datetime.fromisoformat(v) + lag).isoformat(timespec="seconds") for k, v in moved["period"].items()}
    return moved


async def store(server: Server, *resources: Json, who: str = "bench") -> list[str]:
    """Put them in as the region's system; their references."""
    client = await server.as_(who)
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in resources]
    answer = await client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    return [f"{one['resourceType']}/{one['id']}" for one in resources]


async def asked(server: Server, who: str, patient: str = "p1", **query: Any) -> dict[str, Json]:
    """$criteria as somebody sees it: the parts by the key of the criterion."""
    answer = await (await server.as_(who)).get(f"/fhir/Patient/{patient}/$criteria", params=query)
    assert answer.status_code == 200, answer.text
    listed = [parts(one) for one in answer.json().get("parameter", [])]
    return {one["criterion"].rsplit("/criterion-", 1)[1].split("|")[0]: one for one in listed}


def parts(parameter: Json) -> Json:
    """The parts of a parameter by name, with their plain value; findings and evidence as lists."""
    found: Json = {"findings": []}
    for one in parameter["part"]:
        if one["name"] == "finding":
            found["findings"].append(parts(one))
        elif "part" in one:
            found.setdefault("values", []).append(parts(one))
        else:
            found[one["name"]] = next(value for key, value in one.items() if key != "name")
    return found


def state(verdict: Json) -> str:
    return str(verdict["state"]["code"])


def tomorrow(days: int = 1) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).astimezone(region_zone()).date().isoformat()
