"""A list taken into the directory: tried row by row in one transaction, with a report, and kept as a whole or not at all.

What is there already is found by its number (机构代码, 人员编号, 机构 and 资产编号 …) and changed where the list says something; a cell
that is empty leaves what there is. Nothing is deleted: 在用 否 ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from yilian.directory import offers, tiers
from yilian.directory.codes import EQUIPMENT, POSITIONS
from yilian.directory.sheets import KINDS, Row
from yilian.directory.specialties import SPECIALTIES
from yilian.errors import Forbidden, YilianError
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.search import query
from yilian.store import find
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Database, Tx

Json = dict[str, Any]

KEEPERS = frozenset({"admin", "office"})
DEPARTMENT_NO = urls.BASE + "NamingSystem/department-number"
SERVICE_NO = urls.BASE + "NamingSystem/service-number"
ASSET_NO = urls.BASE + "NamingSystem/asset-number"
POSTS = {
    "gp": "全科医生", "physician": "医师", "consultant": "专科医师", "head": "科主任", "coordinator": "转诊办", "pharmacist": "审方药师",
    "registrar": "挂号登记员",
}  # fmt: skip
PROVIDER = {"system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "prov", "display": "Healthcare Provider"}
DEPARTMENT = {"system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "dept", "display": "Hospital Department"}
HOSPITAL = {"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "HOSP", "display": "Hospital"}
CLINIC = {"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "PC", "display": "Primary care clinic"}
"""What mCSD asks every Organization, Location and HealthcareService for: a type. https://profiles.ihe.net/ITI/mCSD/"""
SEXES = {"男": "male", "女": "female", "male": "male", "female": "female"}


@dataclass(frozen=True, slots=True)
class RoomScope(Scope):
    """The permission to write a list that was checked here, equipment included."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a row, or would. what: created | changed | unchanged | refused; zh, en: why it was refused."""

    kind: str
    number: int
    what: str
    name: str
    zh: str = ""
    en: str = ""


class _NotKept(Exception):
    """Undoes what was tried."""


class _Refused(Exception):
    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


async def carry_out(db: Database, scope: Scope, rows: Sequence[Row], *, apply: bool) -> list[Told]:
    """Try every row; kept only where `apply` and none is refused. In a transaction of its own. Forbidden for who does not keep the
    directory."""
    if scope is not SYSTEM and not (scope.may_write and scope.roles & KEEPERS):
        raise Forbidden("The directory is kept by administrators and the consortium office.", zh="机构目录由系统管理员或医联体办公室维护。")
    told: list[Told] = []
    try:
        async with db.transaction() as tx:
            for row in rows:
                told.append(await _try(tx, lent(scope, RoomScope, "everything"), row))
            if not apply or any(one.what == "refused" for one in told):
                raise _NotKept
    except _NotKept:
        pass
    return told


async def _try(tx: Tx, scope: Scope, row: Row) -> Told:
    name = row.values.get("name") or row.values.get("specialty", "")
    try:
        async with tx.savepoint():
            for column in KINDS[row.kind].columns:
                if column.needed and not row.values[column.name]:
                    raise _Refused(f"“{column.title}”不能为空。", f"{column.title} is empty.")
            written = await write(tx, scope, await _MAKERS[row.kind](tx, row.values))
    except _Refused as refused:
        return Told(row.kind, row.number, "refused", name, refused.zh, refused.en)
    except YilianError as error:
        issue = error.issues[0]
        return Told(row.kind, row.number, "refused", name, issue.zh or "该行内容不符合要求。", issue.diagnostics)
    what = "created" if any(one.created for one in written) else "unchanged" if all(one.unchanged for one in written) else "changed"
    return Told(row.kind, row.number, what, name)


Values = Mapping[str, str]


async def _institutions(tx: Tx, row: Values) -> list[Change]:
    tier = _tier(row["tier"])
    made = await _there(tx, "Organization", urls.INSTITUTION_ID, row["institution"])
    made |= {"active": _yes(row, "active", made.get("active", True)), "name": row["name"]}
    _say(made, "alias", [row["short"]] if row["short"] else None)
    _say(made, "telecom", _phone(row))
    if row["address"] or row["district"]:
        place = {"use": "work", "text": row["address"] or made["name"]} | ({"district": row["district"]} if row["district"] else {})
        made["address"] = [place]
    made.setdefault("type", [{"coding": [PROVIDER]}])
    if row["above"]:
        made["partOf"] = {"reference": await _organization(tx, row["above"])}
    extension = {"url": urls.TIER, "valueCoding": {"system": urls.INSTITUTION_TIER, "code": tier, "display": tiers.TIERS[tier][1]}}
    made["extension"] = [*(one for one in made.get("extension", ()) if one.get("url") != urls.TIER), extension]
    changes = [_put(made)]
    if row["latitude"] or row["longitude"]:
        site = await _there(tx, "Location", urls.INSTITUTION_ID, row["institution"])
        site |= {
            "status": "active",
            "name": row["name"],
            "mode": "instance",
            "position": {"longitude": _degrees(row["longitude"], 180), "latitude": _degrees(row["latitude"], 90)},
            "managingOrganization": {"reference": f"Organization/{made['id']}", "display": row["name"]},
        }
        site.setdefault("type", [{"coding": [CLINIC if tier in tiers.GRASSROOTS else HOSPITAL]}])
        changes.append(_put(site))
    return changes


async def _departments(tx: Tx, row: Values) -> list[Change]:
    made = await _there(tx, "Organization", DEPARTMENT_NO, f"{row['institution']}/{row['department']}")
    made |= {
        "active": _yes(row, "active", made.get("active", True)),
        "name": row["name"],
        "partOf": {"reference": await _organization(tx, row["institution"])},
    }
    made.setdefault("type", [{"coding": [DEPARTMENT]}])
    _say(made, "telecom", _phone(row))
    return [_put(made)]


async def _people(tx: Tx, row: Values) -> list[Change]:
    where = await _organization(tx, row["institution"])
    post = row["post"] if row["post"] in POSTS else next((code for code, zh in POSTS.items() if zh == row["post"]), "")
    if not post:
        raise _Refused(f"岗位应为：{'、'.join(POSTS.values())}。", f"post is one of {', '.join(POSTS)}.")
    person = await _there(tx, "Practitioner", urls.PRACTITIONER_ID, row["number"])
    person |= {"active": True, "name": [{"text": row["name"]}]}
    if row["sex"]:
        if row["sex"] not in SEXES:
            raise _Refused("性别应为男或女。", "sex is 男 or 女.")
        person["gender"] = SEXES[row["sex"]]
    _say(person, "qualification", [{"code": {"text": row["title"]}}] if row["title"] else None)
    role = await _there(tx, "PractitionerRole", urls.PRACTITIONER_ID, f"{row['number']}/{row['institution']}/{post}")
    role |= {
        "active": True,
        "practitioner": {"reference": f"Practitioner/{person['id']}", "display": row["name"]},
        "organization": {"reference": where},
        "code": [{"coding": [{"system": urls.ROLE, "code": post, "display": POSTS[post]}], "text": POSTS[post]}],
    }
    period = {key: row[name] for key, name in (("start", "since"), ("end", "until")) if row[name]}
    _say(role, "period", period or None)
    _say(role, "specialty", [_specialty(row["specialty"])] if row["specialty"] else None)
    if row["kind"]:
        kind = row["kind"] if row["kind"] in POSITIONS else next((c for c, (zh, _) in POSITIONS.items() if zh == row["kind"]), "")
        if not kind:
            raise _Refused(f"执业方式应为：{'、'.join(zh for zh, _ in POSITIONS.values())}。", f"kind is one of {', '.join(POSITIONS)}.")
        role["extension"] = [{"url": urls.POSITION, "extension": [{"url": "kind", "valueCode": kind}]}]
    return [_put(person), _put(role)]


async def _equipment(tx: Tx, row: Values) -> list[Change]:
    kind = row["kind"].lower()
    if kind not in EQUIPMENT:
        kind = next((code for code, (zh, _) in EQUIPMENT.items() if zh == row["kind"]), "")
    if not kind:
        raise _Refused(f"设备类别应为：{'、'.join(EQUIPMENT)}。", f"kind is one of {', '.join(EQUIPMENT)}.")
    made = await _there(tx, "Device", ASSET_NO, f"{row['institution']}/{row['asset']}")
    made |= {
        "extension": [{"url": urls.SHARED_EQUIPMENT, "valueBoolean": _yes(row, "shared", False)}],
        "status": "active" if _yes(row, "active", True) else "inactive",
        "serialNumber": row["asset"],
        "deviceName": [{"name": row["name"], "type": "user-friendly-name"}],
        "type": {"coding": [{"system": urls.EQUIPMENT_KIND, "code": kind, "display": EQUIPMENT[kind][0]}], "text": EQUIPMENT[kind][0]},
        "owner": {"reference": await _organization(tx, row["institution"])},
    }
    _say(made, "manufacturer", row["maker"] or None)
    _say(made, "modelNumber", row["model"] or None)
    return [_put(made)]


async def _services(tx: Tx, row: Values) -> list[Change]:
    provider = await _organization(tx, row["institution"])
    specialty = _specialty(row["specialty"])
    asked = [("organization", provider), ("specialty", f"{urls.SPECIALTY}|{specialty['coding'][0]['code']}"), ("_count", "2")]
    found = (await find.find(tx, SYSTEM, query.parse("HealthcareService", asked, zone=region_zone()))).matches
    made = parse(found[0].body) if found else _new("HealthcareService", SERVICE_NO, f"{row['institution']}/{row['specialty']}")
    settings = offers.read(made)
    accepts, attachments = _list(row["accepts"]), _list(row["attachments"])
    settings = offers.Settings(
        tuple(accepts) or settings.accepts,
        _yes(row, "approval", settings.needs_approval),
        _yes(row, "direct", settings.direct_booking),
        tuple(attachments) or settings.attachments,
    )
    made |= {"active": _yes(row, "active", made.get("active", True)), "providedBy": {"reference": provider}}
    made["specialty"] = [specialty]
    made.setdefault("type", [specialty])
    _say(made, "name", row["name"] or made.get("name") or specialty["coding"][0]["display"])
    _say(made, "telecom", _phone(row))
    made["extension"] = [
        *(one for one in made.get("extension", ()) if one.get("url") != urls.REFERRAL_SETTINGS),
        offers.extension(settings),
    ]
    offers.read(made)
    return [_put(made)]


_MAKERS = {
    "institutions": _institutions,
    "departments": _departments,
    "people": _people,
    "equipment": _equipment,
    "services": _services,
}


async def _there(tx: Tx, kind: str, system: str, value: str) -> Json:
    """The resource with this number, to be changed, or a new one with it."""
    asked = [("identifier", f"{system}|{value}"), ("_count", "2")]
    found = (await find.find(tx, SYSTEM, query.parse(kind, asked, zone=region_zone()))).matches
    if len(found) > 1:
        raise _Refused(f"目录中有两个编号为 {value} 的记录。", f"There are two {kind}s with the number {value}.")
    return deepcopy(parse(found[0].body)) if found else _new(kind, system, value)


def _new(kind: str, system: str, value: str) -> Json:
    return {
        "resourceType": kind,
        "id": str(uuid5(NAMESPACE_URL, f"{kind} {system}|{value}")),
        "identifier": [{"system": system, "value": value}],
    }


async def _organization(tx: Tx, code: str) -> str:
    asked = [("identifier", f"{urls.INSTITUTION_ID}|{code}"), ("_count", "2")]
    found = (await find.find(tx, SYSTEM, query.parse("Organization", asked, zone=region_zone()))).matches
    if len(found) != 1:
        raise _Refused(f"目录中没有机构代码 {code}。", f"There is no institution with the code {code}.")
    return f"Organization/{found[0].id}"


def _put(resource: Json) -> Change:
    return Change("PUT", resource["resourceType"], resource["id"], {key: value for key, value in resource.items() if key != "meta"})


def _say(resource: Json, element: str, value: Any) -> None:
    if value is not None:
        resource[element] = value


def _phone(row: Values) -> list[Json] | None:
    return [{"system": "phone", "value": row["phone"], "use": "work"}] if row["phone"] else None


def _specialty(code: str) -> Json:
    if code not in SPECIALTIES:
        code = next((one for one, zh in SPECIALTIES.items() if code in (zh, zh.removesuffix("专业"))), "")
    if not code:
        raise _Refused("诊疗科目应为名录中的代码或名称，如 03.04。", "specialty is a code of 诊疗科目名录, such as 03.04.")
    return {"coding": [{"system": urls.SPECIALTY, "code": code, "display": SPECIALTIES[code]}]}


def _tier(text: str) -> str:
    found = text if text in tiers.TIERS else next((code for code, (_, zh, _) in tiers.TIERS.items() if text in zh.split(" / ")), "")
    if not found:
        raise _Refused(f"级别应为：{'、'.join(tiers.TIERS)}。", f"tier is one of {', '.join(tiers.TIERS)}.")
    return found


def _yes(row: Values, name: str, otherwise: bool) -> bool:
    text = row[name]
    if not text:
        return otherwise
    if text in ("是", "yes", "true", "1"):
        return True
    if text in ("否", "no", "false", "0"):
        return False
    raise _Refused(f"“{text[:20]}”应为是或否。", f"{name} is 是 or 否.")


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.replace("；", ";").replace("、", ";").split(";") if part.strip()]


def _degrees(text: str, most: int) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite() or not -most <= found <= most:
        raise _Refused("纬度和经度应为十进制度数，且同时填写。", "latitude and longitude are degrees, both of them.")
    return found
