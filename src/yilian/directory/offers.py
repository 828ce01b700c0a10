"""Service offers: what a service of an institution asks of those who refer to it.

A HealthcareService says it in the extension `urls.REFERRAL_SETTINGS`, whose parts may each be left out:

    accepts         code, repeats: up | down | lateral; without one all three
    needsApproval   boolean: the sender's approval chain is gone through, also where the sender's own rule would not ask for it
    directBooking   boolean: the referrer takes a place itself, without waiting for the receiver to accept
    attachment      code of `urls.REFERRAL_ATTACHMENT`, repeats: what a referral must bring along
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yilian.directory.codes import ATTACHMENTS
from yilian.errors import InvalidResource
from yilian.fhir import urls
from yilian.fhir.definitions import type_id

if TYPE_CHECKING:
    from yilian.db import Tx

Json = Mapping[str, Any]
DIRECTIONS = ("up", "down", "lateral")
_VALUES = {"accepts": "valueCode", "needsApproval": "valueBoolean", "directBooking": "valueBoolean", "attachment": "valueCode"}


@dataclass(frozen=True, slots=True)
class Settings:
    """accepts: the directions referrals may come from; attachments: codes of `urls.REFERRAL_ATTACHMENT`."""

    accepts: tuple[str, ...] = DIRECTIONS
    needs_approval: bool = False
    direct_booking: bool = False
    attachments: tuple[str, ...] = ()

    @property
    def accepts_up(self) -> bool:
        return "up" in self.accepts

    @property
    def accepts_down(self) -> bool:
        return "down" in self.accepts


USUAL = Settings()
"""Of a service that says nothing, and of an institution that has none for a specialty."""

_COLUMNS = "accepts, needs_approval, direct_booking, attachments"


async def settings(tx: Tx, service_rid: int) -> Settings:
    """Of the HealthcareService with this database key. Services are the directory's: anybody who is signed in may know."""
    row = await tx.fetchrow(f"select {_COLUMNS} from service_offer where rid = $1", service_rid)
    return _settings(row) if row is not None else USUAL


async def by_reference(tx: Tx, service: str) -> tuple[int, Settings] | None:
    """Key and settings of "HealthcareService/…", None where there is no such service that is active."""
    row = await tx.fetchrow(
        f"select rid, {_COLUMNS} from service_offer join resource r using (rid) where r.type = $1 and r.id = $2 and active",
        type_id("HealthcareService"),
        service.removeprefix("HealthcareService/"),
    )
    return (row["rid"], _settings(row)) if row is not None else None


async def of_receiver(tx: Tx, institution_rid: int, specialty: str) -> Settings:
    """What a referral to this institution for this specialty has to reckon with; `USUAL` where the directory has no such service.

    The service of the institution itself goes before one of its departments, that before one of its village posts.
    """
    row = await tx.fetchrow(
        f"""
        select {_COLUMNS} from service_offer o left join institution i on i.rid = o.provider
        where o.institution = $1 and o.active and o.specialties @> array[$2::text]
        order by o.provider = o.institution desc, i.rid is null desc, o.rid limit 1
        """,
        institution_rid,
        specialty,
    )
    return _settings(row) if row is not None else USUAL


def _settings(row: Any) -> Settings:
    return Settings(tuple(row["accepts"]), row["needs_approval"], row["direct_booking"], tuple(row["attachments"]))


def read(service: Json) -> Settings:
    """What a HealthcareService says. InvalidResource for a part, a direction or an attachment there is not."""
    said = [one for one in service.get("extension", ()) if one.get("url") == urls.REFERRAL_SETTINGS]
    if not said:
        return USUAL
    parts = [part for one in said for part in one.get("extension", ())]
    found: dict[str, list[Any]] = {}
    for part in parts:
        name = str(part.get("url", ""))
        key = _VALUES.get(name)
        if key is None or key not in part:
            raise _wrong(f"{name[:40] or 'a part without url'} is none of {', '.join(_VALUES)} with its value")
        found.setdefault(name, []).append(part[key])
    accepts = tuple(one for one in DIRECTIONS if one in found.get("accepts", DIRECTIONS))
    strange = [one for one in found.get("accepts", ()) if one not in DIRECTIONS]
    unknown = [one for one in found.get("attachment", ()) if one not in ATTACHMENTS]
    if len(said) > 1 or strange or unknown:
        raise _wrong(f"accepts is of {', '.join(DIRECTIONS)}, attachment of {', '.join(ATTACHMENTS)}, and the whole comes once")
    return Settings(
        accepts,
        any(found.get("needsApproval", ())),
        any(found.get("directBooking", ())),
        tuple(dict.fromkeys(found.get("attachment", ()))),
    )


def extension(settings: Settings) -> dict[str, Any]:
    """The extension that says this."""
    parts: list[dict[str, Any]] = [{"url": "accepts", "valueCode": one} for one in settings.accepts]
    parts += [
        {"url": "needsApproval", "valueBoolean": settings.needs_approval},
        {"url": "directBooking", "valueBoolean": settings.direct_booking},
    ]
    parts += [{"url": "attachment", "valueCode": one} for one in settings.attachments]
    return {"url": urls.REFERRAL_SETTINGS, "extension": parts}


def _wrong(why: str) -> InvalidResource:
    return InvalidResource(
        f"The referral settings of a service cannot be read: {why}.",
        expression="HealthcareService.extension",
        zh="该服务的转诊设置有误,请检查接收方向和须附资料。",
    )
