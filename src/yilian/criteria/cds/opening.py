"""What the link of a card opens: a referral that begins with what the card said, for who follows it and signs in here.

The address names the card, as a launch names its context (SMART App Launch 2.2, "launch"), and gives nobody a right: the patient has to be
within the scope of whoever opens it, the card has to have been given to a system of their own institution (or of the region), and the
criterion is tried anew on the record here. What came along with the call was not stored, so what only the asking system knew is not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from yilian.criteria.apply import proposal
from yilian.criteria.evaluate import MET
from yilian.criteria.suggest import Suggested, suggest
from yilian.errors import NotFound
from yilian.fhir import urls
from yilian.store import members, read

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.scope import Scope

Resource = dict[str, Any]


async def opened(tx: Tx, scope: Scope, patient_id: str, card: str) -> tuple[Resource, Suggested]:
    """The draft ServiceRequest a card proposed for Patient/`patient_id`, and what was looked at for it.

    Raises NotFound for a patient outside the scope, and for a card that is none, about somebody else, of another institution's system, or
    whose criterion is not in force any more; Forbidden for who reads no Observations or Conditions.
    """
    patient = await read.by_id(tx, scope, "Patient", patient_id)
    try:
        id = UUID(card)
    except ValueError:
        raise _none() from None
    row = await tx.fetchrow("select url, institution, patient from cds_card where id = $1 and url <> ''", id)
    known = {patient.rid, *await members.others_of(tx, patient.rid)}
    if row is None or row["patient"] not in known or row["institution"] not in (None, scope.institution_rid):
        raise _none()
    found = await suggest(tx, scope, patient_id)
    verdict = next((one for one in found.verdicts if one.criterion.url == row["url"]), None)
    if verdict is None:
        raise _none()
    request = proposal(f"Patient/{patient_id}", verdict)
    if verdict.state != MET and verdict.criterion.reason:  # by values that are not here
        coded = {"coding": [{"system": urls.REFERRAL_REASON, "code": verdict.criterion.reason}], "text": verdict.criterion.title}
        request["reasonCode"] = [coded]
    return request, found


def _none() -> NotFound:
    return NotFound(
        "There is no such card for this patient and institution any more.", zh="提示卡片已失效或不属于该患者,请直接填写转诊单。"
    )
