"""What of a record may travel: what the receiving institution could read of it with the ground of a referral.

Asked before that ground is there, since a document is written together with the referral. The rule is that of `readable_specially`
(migration 0025) for a referral's ground, but for the letter itself: refusals bar, sensitive kinds need to be granted, one's own writing
passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yilian.access import sensitivity
from yilian.fhir.definitions import RESOURCE_TYPES, type_id

if TYPE_CHECKING:
    from yilian.db import Tx

LABELS = {"psychiatric": "PSY", "hiv": "HIV", "genetic": "GDIS", "reproductive": "SEX", "restricted": "CEL"}
"""A code of v3-ActCode for each sensitive kind: what a document that holds such is labelled with, so that it is as guarded as they are."""
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

PASSING = """
select r.type, r.id, r.sensitive
from unnest($1::smallint[], $2::text[]) as w (type, id) join resource r on r.type = w.type and r.id = w.id
where not r.deleted and (r.confined is null or r.confined = $3) and (r.origin = $3 or (
    not exists (
        select from consent_rule d where d.patient = r.patient and not d.permit and (d.institution is null or d.institution = $3)
          and (d.until is null or d.until > now()) and (d.mask = 0 or (d.mask & r.sensitive) <> 0) and coalesce(d.purpose, 1) = 1)
    and (r.sensitive & ~coalesce((
            select bit_or(p.mask) from consent_rule p
            where p.patient = r.patient and p.permit and p.mask <> 0 and (p.institution is null or p.institution = $3)
              and (p.until is null or p.until > now()) and coalesce(p.purpose, 1) = 1), 0::smallint)) = 0))
"""


async def passing(tx: Tx, institution: int, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Those of these (type, id) that may be laid before this institution (rid), with their sensitive kinds as bits. Reads only."""
    if not wanted:
        return {}
    rows = await tx.fetch(PASSING, [type_id(kind) for kind, _ in wanted], [id for _, id in wanted], institution)
    return {(RESOURCE_TYPES[row["type"] - 1], row["id"]): row["sensitive"] for row in rows}


def kinds_of(bits: int) -> list[dict[str, str]]:
    """Sensitive kinds as security labels."""
    return [{"system": ACT_CODE, "code": LABELS[kind.name], "display": kind.zh} for kind in sensitivity.kinds_of(bits)]
