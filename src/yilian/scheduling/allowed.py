"""Whether somebody may book: real name, not too many, not barred. Refusals say by which rule, and until when.

Held against what is booked by web, phone or self-service; a desk's on-site places, referrals and systems of the region go by their own
rules, so that nobody who stands there ill is sent away. Policies booking.real_name, .most, .rulebook, .rulebooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.errors import Conflict
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.scheduling.rulebooks import Mark, Rulebook, rulebook_of
from yilian.store.read import Stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

BY_ONESELF = ("web", "phone", "self-service")
"""The channels of the platform, at which one is not before a desk."""
DOCUMENTS = (
    urls.RESIDENT_ID, urls.HEALTH_FILE, urls.HEALTH_CARD, urls.HK_MACAO_PERMIT, urls.TAIWAN_PERMIT, urls.FOREIGN_RESIDENT_ID,
    urls.MEDICAL_INSURANCE,
)  # fmt: skip
RECORDS = """
select m.patient from person_member o join person_member m on m.person = o.person where o.patient = $1 union select $1::bigint
"""
"""Every record of the person a patient ($1) is."""
HAS = f"""
select day, specialty from appointment
where patient in ({RECORDS}) and state in ('held', 'booked', 'checked-in') and day >= $2 and day <= $3
"""
AGAINST = f"""
select kind, at, institution from absence where patient in ({RECORDS}) and lifted is null order by at
"""


async def rulebook(tx: Tx, institution: int | None) -> Rulebook:
    """What holds today at this institution (rid), or for the region."""
    books = await policy.value(tx, "booking.rulebooks", tx.now, institution)
    name = str(await policy.value(tx, "booking.rulebook", tx.now, institution))
    if name not in books:
        raise Conflict(
            f"The policy booking.rulebook names {name!r}, which booking.rulebooks has not.", zh="爽约规则参数设置有误,请联系管理员。"
        )
    return rulebook_of(name, books[name])


async def marks(tx: Tx, patient: int) -> list[Mark]:
    """What counts against the person whose record this is (rid), the oldest first."""
    return [Mark(row["kind"], row["at"], row["institution"]) for row in await tx.fetch(AGAINST, patient)]


async def barred(tx: Tx, patient: int, institution: int) -> tuple[datetime, Rulebook] | None:
    """Until when the person cannot book at this institution (rids), and by which rulebook; None where nothing bars."""
    against = await marks(tx, patient)
    if not against:
        return None
    now = await tx.fetchval("select now()")
    books = [await rulebook(tx, institution), *([own] if (own := await rulebook(tx, None)).everywhere else [])]
    found = [(end[0], book) for book in books if (end := book.bars_until(against, now, institution, region_zone())) is not None]
    return max(found, key=lambda one: one[0], default=None)


async def require(tx: Tx, scope: Scope, patient: Stored, slots: Sequence[Any], channel: str) -> None:
    """Raises Conflict where `patient` may not book these slots (rows of `bookings.SLOTS`) by this channel."""
    if scope.reach == "everything" or channel not in BY_ONESELF:
        return
    first = slots[0]
    if await policy.value(tx, "booking.real_name", tx.now, first["institution"]) and not is_real(parse(patient.body)):
        raise Conflict(
            "Booking is by real name: this record has no document or health file number.",
            zh="预约实行实名制:该档案缺少姓名或有效证件号码,请先到任一机构登记台核实身份。",
        )
    if (bar := await barred(tx, patient.rid, first["institution"])) is not None:
        until = bar[0].astimezone(region_zone())
        raise Conflict(
            f"Too many appointments were missed or cancelled (rules {bar[1].name}): booking is barred until {until:%Y-%m-%d %H:%M}.",
            zh=f"因爽约或取消次数达到上限({bar[1].zh}),{until:%Y-%m-%d %H:%M} 前暂停预约;可在“我的预约”中申诉,或到现场挂号。",
        )
    await _not_too_many(tx, patient.rid, first["day"], first["institution"], first["specialty"])


def is_real(patient: Any) -> bool:
    """Whether this Patient has a name and a document's, card's or health file's number."""
    named = any(name.get("text") or name.get("family") for name in patient.get("name", ()))
    numbers = [one for one in patient.get("identifier", ()) if one.get("value")]
    return named and any(one.get("system") in DOCUMENTS or str(one.get("system", "")).startswith(urls.PASSPORT) for one in numbers)


async def _not_too_many(tx: Tx, patient: int, day: date, institution: int, specialty: str) -> None:
    monday = day - timedelta(days=day.weekday())
    there = await tx.fetch(HAS, patient, monday, monday + timedelta(days=6))
    most = await policy.value(tx, "booking.most", tx.now, institution)
    on_day = [row for row in there if row["day"] == day]
    if len(on_day) >= int(most["day"]):
        raise Conflict(f"One person has at most {most['day']} appointments a day.", zh=f"每人每日最多预约 {most['day']} 个号。")
    if len(there) >= int(most["week"]):
        raise Conflict(f"One person has at most {most['week']} appointments a week.", zh=f"每人每周最多预约 {most['week']} 个号。")
    if specialty and (await rulebook(tx, institution)).same_specialty and any(row["specialty"] == specialty for row in on_day):
        raise Conflict("One person has one appointment a day in one specialty here.", zh="同一人同日同科室限约一个号。")
