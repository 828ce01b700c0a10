"""What is to be written, and what was: the two values at the ends of the write path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal

from yilian.errors import Issue

Method = Literal["POST", "PUT", "PATCH", "DELETE"]


class Keep(Enum):
    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""Leave the confinement as it is: none for a new resource about a patient, what it was before for an older one."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do to one resource.

    method      POST creates, PUT replaces or creates under this id, PATCH alters what is there, DELETE
    id          None only for POST: the store makes one. A POST with an id uses that one (transactions hand ids out beforehand)
    resource    what it shall be; None for DELETE, and for PATCH, which has `patch` instead. Never altered by the store
    if_match    the version the writer believes to be current; VersionStale when it is not
    if_none_match_any   only if there is nothing under this id; VersionStale when there is
    fresh       a condition found nothing and the resource brought this id along: Conflict when something else is under it
    confined    rid of the one institution that may read it yet, None for no such limit, KEEP to leave it as it is
    patch       PATCH: makes the new resource from the current one, which is locked by then, or looked at again when it is written; may be
                called twice, and may raise a YilianError
    place       where the resource stands in what was sent ("Bundle.entry[3].resource"), for the places of issues; "" when it came alone
    references  every Reference in `resource` (`fhir.references.found`), where somebody has walked it already; None: the store looks itself
    """

    method: Method
    type: str
    id: str | None
    resource: dict[str, Any] | None
    if_match: int | None = None
    if_none_match_any: bool = False
    confined: int | Keep | None = KEEP
    patch: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    place: str = ""
    references: list[dict[str, Any]] | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one Change, in the order of the changes.

    created    there was nothing under this id, or it had been deleted
    unchanged  it was so already: no new version was made (an update with the same content, the deletion of what was deleted)
    body       UTF-8 JSON as it is answered; empty when deleted
    resource   the same as a dict, to read and not to alter; None when deleted
    patient    rid of the patient it is about (a Patient: its own), -1 for several, None for nobody; for a deletion: whom it was about
    confined   as stored: rid of the one institution that may read it, None for no such limit
    previous   body of the version before, None when there was none or it was deleted
    previous_patient   whom that version was about
    warnings   what profiles found and let pass
    origin     rid of the institution that wrote it first, None for a system of the region
    sensitive  the sensitive kinds it belongs to, as bits (`hooks.Sensitivity`), in any of its versions
    """

    rid: int
    type: str
    id: str
    version: int
    updated: datetime
    created: bool
    deleted: bool
    unchanged: bool
    body: bytes
    resource: dict[str, Any] | None
    patient: int | None
    confined: int | None
    previous: bytes | None = None
    previous_patient: int | None = None
    warnings: tuple[Issue, ...] = ()
    origin: int | None = None
    sensitive: int = 0


def independent(value: Any) -> Any:
    """A copy of JSON that shares no object or array with it."""
    kind = type(value)
    if kind is dict:
        return {key: independent(item) if type(item) is dict or type(item) is list else item for key, item in value.items()}
    return [independent(item) if type(item) is dict or type(item) is list else item for item in value] if kind is list else value
