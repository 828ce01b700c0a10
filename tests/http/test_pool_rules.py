"""号源池规则 over HTTP: who sees and keeps those of the region and of an institution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.conftest import REGION_ZONE
from tests.http.house import Server
from tests.http.test_attendance import parts

Json = dict[str, Any]


def asked(share: float, **more: str) -> Json:
    """Half of the clinics' places, or so, for the grassroots; the rest as it is shipped."""
    since = datetime.now(UTC).astimezone(ZoneInfo(REGION_ZONE)).date() + timedelta(days=8)
    rules = {"expert": 0.5, "clinic": share, "examination": 0.5, "equipment": 0.5}
    said: list[Json] = [
        {"name": name, "valueString": value} for name, value in {"since": since.isoformat(), "release-at": "07:00", **more}.items()
    ]
    said += [{"name": "release-days", "valueInteger": 7}]
    return {"resourceType": "Parameters", "parameter": [*said, *({"name": "rule", "resource": rule(*one)} for one in rules.items())]}


def rule(kind: str, share: float) -> Json:
    named: Json = {"kind": kind, "pool": "grassroots", "anchor": "release"}
    parts_: list[Json] = [{"name": name, "valueCode": value} for name, value in named.items()]
    numbers = {"share": share, "opens-days": 14, "hours": 48}
    return {"resourceType": "Parameters", "parameter": [*parts_, *({"name": name, "valueDecimal": one} for name, one in numbers.items())]}


def clinics(answer: Any) -> Json:
    """The rule of clinics in the last rules that will hold."""
    last = [one["part"] for one in answer.json()["parameter"] if one["name"] == "holds"][-1]
    rules = [{part["name"]: next(value for key, value in part.items() if key != "name") for part in one["part"]}
             for one in last if one["name"] == "rule"]  # fmt: skip
    return next(one for one in rules if one["kind"] == "clinic")


async def test_administrators_keep_the_rules_of_the_region_and_offices_their_own(server: Server) -> None:
    admin, office, desk = await server.as_("admin"), await server.as_("office"), await server.as_("coordinator")
    for who, status in ((admin, 200), (office, 403), (desk, 403), (await server.as_("resident"), 403)):
        done = await who.post("/fhir/Schedule/$set-pool-rules", json=asked(0.4, level="region", source="卫健委通知"))
        assert done.status_code == status, done.text
    own = await office.post("/fhir/Schedule/$set-pool-rules", json=asked(0.45, source="院办发〔2026〕9 号"))
    assert own.status_code == 200, own.text
    assert (await admin.post("/fhir/Schedule/$set-pool-rules", json=asked(0.6, source="x y"))).status_code == 403

    told = await office.get("/fhir/Schedule/$pool-rules")
    assert (clinics(told)["share"], clinics(told)["own"]) == (0.45, True)
    [first, second] = parts(told, "change")
    assert (first["own"], second["own"], second["by"]) == (True, False, "管理员")
    region = await office.get("/fhir/Schedule/$pool-rules", params={"level": "region"})
    assert (clinics(region)["share"], clinics(region)["own"]) == (0.4, False)
    [keeping] = parts(region, "institution")
    assert keeping["organization"]["display"] == "云溪市第一人民医院"
    [change] = parts(await admin.get("/fhir/Schedule/$pool-rules", params={"level": "region"}), "change")
    assert (change["source"], change["own"]) == ("卫健委通知", False)


async def test_a_preview_of_the_region_names_whose_own_rules_would_be_less(server: Server) -> None:
    admin, office = await server.as_("admin"), await server.as_("office")
    assert (await office.post("/fhir/Schedule/$set-pool-rules", json=asked(0.45, source="院办发〔2026〕9 号"))).status_code == 200
    for share, named in ((0.4, []), (0.5, ["云溪市第一人民医院"])):
        seen = await admin.post("/fhir/Schedule/$preview-pool-rules", json=asked(share, level="region"))
        assert [one["organization"]["display"] for one in parts(seen, "institution")] == named
    assert (await admin.post("/fhir/Schedule/$set-pool-rules", json=asked(0.5, level="region", source="卫健委通知"))).status_code == 200
    mine = parts(await office.get("/fhir/Schedule/$pool-rules"), "holds")
    assert [one["less"] for one in mine] == [False, True], "the office sees it, and keeps its own until it changes them"


async def test_what_makes_no_level_is_refused(server: Server) -> None:
    admin, resident = await server.as_("admin"), await server.as_("resident")
    assert (await admin.get("/fhir/Schedule/$pool-rules", params={"level": "county"})).status_code == 400
    both = {"level": "region", "institution": "Organization/first"}
    assert (await admin.get("/fhir/Schedule/$pool-rules", params=both)).status_code == 400
    assert (await admin.get("/fhir/Schedule/$pool-rules")).status_code == 403
    assert (await resident.get("/fhir/Schedule/$pool-rules", params={"level": "region"})).status_code == 403
