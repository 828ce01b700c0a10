"""People who stand in the region with two records: the health file of their township, and a registration at the city hospital.

One was registered with the card and is surely the same; one without it and with a name that only sounds the same; one with a birth date
that slipped; one came with the card of a relative. So the index has something to link and somebody something to look at.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from yilian.demo import geography
from yilian.demo.geography import DISTRICTS, TOWN
from yilian.demo.residents import Resident
from yilian.fhir import urls

Resource = dict[str, Any]

HOSPITAL = "yunxi-first"
_SOUNDS_LIKE = str.maketrans("秀英国明华芳伟丽军建志文玉红兰桂梅春云龙强平勇", "绣瑛帼铭桦方玮莉君健智雯钰虹岚贵玫椿芸隆蔷萍咏")


def duplicates(everyone: Iterable[Resident], today: date) -> list[Resource]:
    """Second Patients of some residents, registered at the hospital; the same for the same residents."""
    grown = [
        one for one in everyone if one.identity and one.phone and not one.case and one.died is None and one.home and one.age(today) >= 30
    ][::-1]
    if len(grown) < 5:
        return []
    heard = [one for one in grown if one.name.text.translate(_SOUNDS_LIKE) != one.name.text][:2]
    chosen = {one.number for one in heard}
    card, slipped, lent = [one for one in grown if one.number not in chosen][:3]
    relative = next((one for one in lent.household.members if one is not lent), card) if lent.household else card
    return [
        _second(card, identity=card.identity, phone=card.phone, moved=False),
        *(_second(one, name=one.name.text.translate(_SOUNDS_LIKE)) for one in heard),
        _second(slipped, born=_swapped(slipped.born)),
        _second(lent, name=relative.name.text, identity=lent.identity, moved=False),
    ]


def _second(
    one: Resident, *, name: str = "", born: date | None = None, identity: str = "", phone: str = "", moved: bool = True
) -> Resource:
    district = DISTRICTS[TOWN[one.town].district]
    out: Resource = {"resourceType": "Patient", "id": f"{HOSPITAL}-{one.number:06d}"}
    if identity:
        out["identifier"] = [{"use": "official", "system": urls.RESIDENT_ID, "value": identity}]
    out["active"] = True
    out["name"] = [{"use": "official", "text": name or one.name.text}]
    if phone:
        out["telecom"] = [{"system": "phone", "value": phone, "use": "mobile"}]
    out["gender"] = one.sex
    out["birthDate"] = (born or one.born).isoformat()
    address = {**geography.address(district, one.line), "use": "home"}
    if moved:  # the hospital asked for no more than the county
        address = {key: address[key] for key in ("use", "state", "city", "district", "country") if key in address}
    out["address"] = [address]
    out["managingOrganization"] = {"reference": f"Organization/{HOSPITAL}"}
    return out


def _swapped(born: date) -> date:
    """Day and month in the place of each other, or the day before where that is no date."""
    if born.day <= 12 and born.day != born.month:
        return born.replace(month=born.day, day=born.month)
    return born.replace(day=born.day - 1 if born.day > 1 else 2)
