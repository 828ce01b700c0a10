"""A hospital of the neighbouring city that is not on the platform, and one referral to it in the middle of its road.

It is in the directory with two departments; nobody has a post there. The office keeps the address of its referral window; the link was
opened once and the patient is to come.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from yilian import referral
from yilian.access.sign_in import Caller
from yilian.demo import numbers
from yilian.demo.referrals import ZONE
from yilian.directory import offers
from yilian.directory.institutions import institution
from yilian.directory.specialties import SPECIALTIES
from yilian.directory.tiers import TIERS
from yilian.fhir import urls
from yilian.referral import register
from yilian.referral.outside import answering, doors, links, windows
from yilian.referral.outside.speaking import speaker
from yilian.referral.outside.windows import Window

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.demo.region import Region
    from yilian.store.scope import Scope

Resource = dict[str, Any]
Scoped = Callable[[str], Awaitable["Scope"]]

ID, NAME, SHORT = "linjiang-central", "邻江市中心医院", "邻江中心医院"
PHONE = "0897-55500000"
AREA, CODE = "516702", numbers.organization_code(900)
"""Of a fictional neighbouring city."""
WINDOW = Window(email="zhuanzhen@linjiang.example")
DEPARTMENTS = (("03.05", "血液内科"), ("19", "肿瘤科"))
LATITUDE, LONGITUDE = 31.352, 106.634
SENDER, DOCTOR = "liuhe", "gp2"


def resources() -> Iterator[Resource]:
    """What the directory has of it; the address of its window is kept by `play`."""
    reference = {"reference": f"Organization/{ID}", "display": NAME}
    address = {"text": "邻江市江滨大道 200 号", "city": "邻江市", "line": ["江滨大道 200 号"], "country": "CN"}
    phone = [{"system": "phone", "value": PHONE, "use": "work"}]
    yield {
        "resourceType": "Organization",
        "id": ID,
        "extension": [
            {"url": urls.TIER, "valueCoding": {"system": urls.INSTITUTION_TIER, "code": "city", "display": TIERS["city"][1]}},
            {"url": urls.OUTSIDE, "valueBoolean": True},
        ],
        "identifier": [
            {"use": "official", "system": urls.INSTITUTION_ID, "value": numbers.institution_code(AREA, CODE, "A100")},
            {"use": "official", "system": urls.USCC, "value": numbers.credit_code(AREA, CODE)},
        ],
        "active": True,
        "type": [
            {"coding": [{"system": urls.INSTITUTION_KIND, "code": "A100", "display": "综合医院"}], "text": "综合医院"},
            {"text": "三级甲等"},
        ],
        "name": NAME,
        "alias": [SHORT],
        "telecom": phone,
        "address": [address],
    }
    yield {
        "resourceType": "Location",
        "id": ID,
        "status": "active",
        "name": NAME,
        "mode": "instance",
        "type": [{"text": "综合医院"}],
        "telecom": phone,
        "address": address,
        "physicalType": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": "si", "display": "院区"}]
        },
        "position": {"longitude": LONGITUDE, "latitude": LATITUDE},
        "managingOrganization": reference,
    }
    for code, name in DEPARTMENTS:
        specialty = {"coding": [{"system": urls.SPECIALTY, "code": code, "display": SPECIALTIES[code]}], "text": name}
        yield {
            "resourceType": "HealthcareService",
            "id": f"{ID}-{code.replace('.', '')}",
            "extension": [offers.extension(offers.Settings(("up", "lateral")))],
            "active": True,
            "providedBy": reference,
            "type": [specialty],
            "specialty": [specialty],
            "location": [{"reference": f"Location/{ID}", "display": NAME}],
            "name": f"{SHORT}{name}",
            "telecom": phone,
        }


async def play(tx: Tx, region: Region, scoped: Scoped) -> None:
    """Keep the window, refer somebody, open the link and accept, in `tx`, some hours ago; the clock of `tx` is left where it was."""
    await tx.settle()
    present = tx.now
    try:
        tx.now = present - timedelta(hours=4)
        await windows.keep(tx, await scoped("office"), ID, WINDOW, offered=("email",))
        if (wish := _wish(region)) is None:
            return
        _, task = await referral.refer(tx, await scoped(DOCTOR), wish)
        tx.now = present - timedelta(hours=2)
        sent = await register.of_task(tx, await tx.fetchval("select task_rid from referral where task_id = $1", task["id"]))
        assert sent is not None
        assert sent.to_org is not None
        link, there = await links.newest(tx, sent.task_rid), await institution(tx, ID)
        assert link is not None
        assert there is not None
        name = "许静"
        await doors.let_in(tx, link, sent, name, Caller())
        visit = doors.Visit(speaker(link.id, there, sent, name), sent, link.id)
        start = (present + timedelta(days=2)).astimezone(ZONE).replace(hour=9, minute=0, second=0, microsecond=0)
        given = {"start": start.isoformat(), "place": "门诊 5 楼血液内科", "doctor": "沈主任", "note": "请空腹,带既往血常规和骨髓片。"}
        await answering.act(tx, visit, int(task["meta"]["versionId"]), "accept", given)
    finally:
        tx.now = present


def _was_there(resource: Resource) -> bool:
    """Whether this is a visit to the township that is over."""
    if resource["resourceType"] != "Encounter" or resource["status"] != "finished":
        return False
    return bool(resource.get("serviceProvider", {}).get("reference") == f"Organization/{SENDER}")


def _wish(region: Region) -> Resource | None:
    """Somebody of the township who is in no other story and was there of late; None where a small region has nobody."""
    seen = (
        (max(visits), -number, one)
        for number, (one, chart) in enumerate(zip(region.residents, region.charts, strict=True))
        if not one.case
        and one.home == SENDER
        and one.died is None
        and one.age(region.today) >= 18
        and (visits := [visit["period"]["start"] for visit in chart if _was_there(visit)])
    )
    _, _, one = max(seen, default=(None, None, None))
    if one is None:
        return None
    request: Resource = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "category": [{"coding": [{"system": urls.REFERRAL_DIRECTION, "code": "up"}]}],
        "priority": "routine",
        "subject": {"reference": f"Patient/{one.id}"},
        "performer": [{"reference": f"Organization/{ID}", "display": NAME}],
        "locationCode": [{"coding": [{"system": urls.SPECIALTY, "code": "03.05", "display": SPECIALTIES["03.05"]}]}],
        "reasonCode": [
            {"coding": [{"system": urls.REFERRAL_REASON, "code": "undiagnosed-complex"}]},
            {"coding": [{"system": urls.ICD10, "code": "D72.8", "display": "白细胞增多"}], "text": "白细胞持续增高待查"},
        ],
    }
    note = "体检发现白细胞 28×10⁹/L,复查 2 次仍高,脾肋下 2 cm,无发热。家属在邻江市工作,要求就近诊治,请明确诊断。"
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "request", "resource": request},
            {"name": "note", "valueString": note},
            {"name": "consent", "valueCode": "written"},
        ],
    }
