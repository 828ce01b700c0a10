"""建档: a patient nobody here knows is registered, once it has been looked whether somebody knows this person already.

Who is certainly somebody of the region already is not registered again without a reason; the reason is kept as Provenance beside the new
record, for whoever later asks whether the two are one. conventions E5; lessons 23: several strong identifiers, none by name alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yilian.access.policy import require_matching
from yilian.errors import BadRequest, Conflict, InvalidResource, Issue
from yilian.fhir import urls
from yilian.identity import matching
from yilian.identity.matching import Candidate
from yilian.store.change import Change, Written
from yilian.store.scope import Scope
from yilian.store.write import stamp, write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

LONGEST_REASON = 200
_AUTHOR = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_CREATE = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"


class AlreadyKnown(Conflict):
    """Somebody of the region is certainly this person; register again with a reason, or use the record there is."""

    def __init__(self, how_many: int) -> None:
        words = "one patient is" if how_many == 1 else f"{how_many} patients are"
        diagnostics = f"In the region {words} certainly this person. See Patient/$match; register all the same with a reason."
        zh = f"区域内已有 {how_many} 份档案与此人一致。如确需新建,请填写理由。"
        issue = Issue(
            "error", "duplicate", diagnostics, "Parameters.parameter.where(name='reason')", zh, (urls.ERROR, "patient-already-known")
        )
        super().__init__(diagnostics, issues=(issue,))


async def register(tx: Tx, scope: Scope, patient: Json, *, reason: str = "") -> Written:
    """Register a new Patient with the scope's institution, in `tx`; with a Provenance where a reason was given.

    `patient` without managingOrganization gets the scope's. Raises Forbidden unless the post registers patients, AlreadyKnown when somebody
    is certainly this person and there is no reason, and what the store raises.
    """
    require_matching(scope)
    if not scope.institution:
        raise BadRequest("Patients are registered by an institution.", zh="只有医疗机构可以登记患者。")
    reason = reason.strip()
    if len(reason) > LONGEST_REASON:
        raise BadRequest(f"reason has at most {LONGEST_REASON} characters.", expression="reason", zh=f"理由不超过 {LONGEST_REASON} 字。")
    faults = [issue for issue in tx.hooks.validate(patient) if issue.severity in ("fatal", "error")]
    if faults:
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    candidates: Sequence[Candidate] = (await matching.find(tx, scope, patient)).candidates
    certain = sum(one.grade == "certain" for one in candidates)
    if certain and not reason:
        raise AlreadyKnown(certain)
    own = {"reference": scope.institution, "display": scope.institution_name}
    id = tx.new_id()
    changes = [Change("POST", "Patient", id, {"managingOrganization": own, **patient})]
    if reason:
        changes.append(Change("POST", "Provenance", None, _why(scope, id, reason, len(candidates), stamp(tx.now))))
    return (await write(tx, scope, changes))[0]


def _why(scope: Scope, patient: str, reason: str, candidates: int, recorded: str) -> Json:
    """Why the record was made although others looked like it. Those are not named: one may have no ground to read
    them, and $match finds them."""
    return {
        "resourceType": "Provenance",
        "target": [{"reference": f"Patient/{patient}"}],
        "recorded": recorded,
        "reason": [{"text": reason}],
        "activity": {"coding": [{"system": _CREATE, "code": "CREATE"}], "text": f"新建患者档案;登记时有 {candidates} 份疑似重复档案"},
        "agent": [
            {
                "type": {"coding": [{"system": _AUTHOR, "code": "author"}]},
                "who": {"reference": scope.agent, "display": scope.name} if scope.agent else {"display": scope.name},
                "onBehalfOf": {"reference": scope.institution, "display": scope.institution_name},
            }
        ],
    }
