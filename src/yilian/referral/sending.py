"""What has to be known and right before a referral is written, and before it leaves the sender: patient, institutions, evidence, chain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from yilian import policy
from yilian.directory.institutions import Institution, by_rid, institution
from yilian.errors import Conflict, Forbidden, InvalidResource, Issue
from yilian.fhir import json, references, urls
from yilian.handover import belonging
from yilian.referral import approvals, register, resources, rules, states
from yilian.referral.outside import windows
from yilian.referral.parameters import Consent
from yilian.referral.register import Referral
from yilian.referral.resources import Named, Wish
from yilian.sealing.keyring import opened
from yilian.store import read
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.referral.step import Step

Resource = dict[str, Any]


class OpenReferral(Conflict):
    """The patient has a referral under way for this specialty.

    `task` is its "Task/…" where this user may see it, else "": another institution is still preparing it. `extension` tells machines.
    """

    def __init__(self, task: str, state: str) -> None:
        self.task = task
        self.extension = [{"url": urls.OPEN_REFERRAL, "valueReference": {"reference": task}}] if task else []
        where = f"{task}, which is {state!r}: follow that one, or close it first" if task else "another institution is preparing one"
        super().__init__(
            f"The patient already has a referral under way for this specialty: {where}.",
            zh="该患者已有同专科的转诊正在进行,请跟踪原转诊。" if task else "其他机构正在为该患者办理同专科的转诊。",
            code="duplicate",
        )

    @classmethod
    async def of(cls, tx: Tx, scope: Scope, live: Referral | None) -> Self:
        """Told as far as this user may know."""
        if live is None or not await read.many(tx, scope, [("Task", live.task_id)]):
            return cls("", "")
        return cls(f"Task/{live.task_id}", live.state)


@dataclass(frozen=True, slots=True)
class Sending:
    """A wish and everything around it, looked up within the user's scope.

    given      the ServiceRequest as it came, with what FHIR demands
    author     reference of who refers
    receiver   the institution named, or the one it speaks for; None where none is named yet, or the name leads nowhere
    basis      the referral this one answers (a down-referral its up-referral)
    replaced   the declined referral this one is sent instead of; `requisition`: the number it shares with it
    """

    given: Resource
    wish: Wish
    author: str
    patient: Named
    patient_rid: int
    deceased: bool
    sender: Institution
    receiver: Institution | None
    basis: Referral | None
    replaced: Referral | None
    requisition: str

    async def check(self, tx: Tx, scope: Scope, *, besides: int = 0) -> None:
        """Raise InvalidResource with everything that keeps this from being sent, or OpenReferral. `besides`: a row that does not count."""
        setting = rules.Setting(
            author=self.author,
            sender=self.sender,
            receiver=self.receiver,
            had_the_patient=await self._had_the_patient(tx),
            tier_rule=await policy.value(tx, "referral.tier_rule", tx.now),
            deceased=self.deceased,
            reachable=self.receiver is None or not self.receiver.outside or await windows.of(tx, self.receiver.rid) is not None,
        )
        faults = rules.sending_faults(self.wish, setting) + rules.chain_faults(self.wish, self.sender, self.basis, self.replaced)
        if faults:
            raise InvalidResource(faults[0].diagnostics, issues=faults)
        live = await register.live(tx, self.patient_rid, self.wish.specialty)
        if live is not None and live.task_rid != besides:
            raise await OpenReferral.of(tx, scope, live)

    async def consent(self, tx: Tx, scope: Scope, consent: Consent, by: Named) -> Resource:
        """The consent as an extension. InvalidResource when the patient did not agree, or the form is another patient's."""
        if not consent.agreed:
            text = "The patient does not agree to this referral; it cannot be sent."
            raise _fault("Parameters.parameter.where(name='consent')", text, "患者不同意转诊,不能提交。", "business-rule")
        if consent.document is not None:
            faults = await evidence_faults(
                tx, scope, self.patient_rid, [("Parameters.parameter.where(name='consent')", consent.document["reference"])]
            )
            if faults:
                raise InvalidResource(faults[0].diagnostics, issues=faults)
        return resources.consent_extension(agreed=True, way=consent.way, at=tx.now, by=by, document=consent.document)

    async def _had_the_patient(self, tx: Tx) -> set[int]:
        return await register.institutions_passed(tx, self.basis.task_rid) if self.basis is not None else set()


async def prepare(tx: Tx, scope: Scope, request: Resource, *, sender: int = 0, author: str = "", to: str = "") -> Sending:
    """Look up what a request is about. Checks what even a draft must keep; `Sending.check` does the rest.

    sender  database key of the sending institution; 0: the user's own
    author  who wrote it, where that is not the user
    to      send it to this institution instead of the one it names (forwarding)
    Raises InvalidResource, NotFound when the patient is not to be seen by this user, Forbidden when the user's institution is none.
    """
    given = resources.completed_by_house(deepcopy(request))
    if to:
        given["performer"] = [{"reference": to}]
        given.pop("replaces", None)
    if faults := [issue for issue in tx.hooks.validate(given) if issue.severity in ("fatal", "error")]:
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    wish = resources.read_wish(given)
    own = sender or scope.institution_rid
    from_org = (await by_rid(tx, [own])).get(own)
    if from_org is None:
        raise Forbidden("Your institution is not in the directory; ask the administrator.", zh="您所在的机构不在机构目录中,请联系管理员。")
    patient = await read.by_id(tx, scope, "Patient", _local(wish.patient, "Patient", "ServiceRequest.subject"))
    about = json.parse(patient.body)
    writer = author or scope.agent
    faults = rules.draft_faults(wish, {scope.agent, writer})
    faults += await evidence_faults(tx, scope, patient.rid, wish.evidence)
    if faults:
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    replaced, first = await _known(tx, scope, wish.replaces, patient.rid)
    basis, _ = await _known(tx, scope, wish.based_on, patient.rid)
    return Sending(
        given=given,
        wish=wish,
        author=writer,
        patient=Named(f"Patient/{patient.id}", resources.person_name(about)),
        patient_rid=patient.rid,
        deceased=rules.is_deceased(about) or await register.died_elsewhere(tx, patient.rid),
        sender=from_org,
        receiver=await _institution(tx, wish.receiver),
        basis=basis,
        replaced=replaced,
        requisition=resources.requisition_of(first) if replaced is not None else "",
    )


async def send(step: Step, sending: Sending) -> None:
    """Let a checked referral go: to the first approver, or to the receiver; an emergency at once, and its approval is recorded later."""
    tx = step.tx
    chain = await approvals.chain(tx, sending.sender, step.after, step.request)
    if chain and await approvals.is_skipped(tx, sending.sender, step.after.priority):
        await approvals.owe(step, chain[0])
        step.afterwards.append(lambda: approvals.remind(step))
        chain = ()
    row = states.row("draft", "submit")
    assert row is not None
    state = rules.next_state(row, step.after, approval_asked=bool(chain))
    step.change(state=state, chain=chain, step=0, applied_at=tx.now, submitted_at=tx.now if state == "submitted" else None)


async def evidence_faults(tx: Tx, scope: Scope, patient: int, places: Iterable[tuple[str, str]]) -> list[Issue]:
    """Whatever is attached must be here, within the user's scope, and about this patient. `places` are (expression, reference)."""
    wanted: dict[tuple[str, str], str] = {}
    faults = []
    for place, text in places:
        target = references.parse(text)
        if isinstance(target, references.Local):
            wanted[target.type, target.id] = place
        elif not isinstance(target, references.Contained):
            faults.append(
                _issue(
                    place,
                    f"{text[:80]!r} is not on this server; attach a DocumentReference.",
                    "附件必须是本平台内的资料。",
                    "not-supported",
                )
            )
    found = await read.many(tx, scope, list(wanted))
    for key, place in wanted.items():
        if key not in found:
            faults.append(_issue(place, f"There is no {key[0]}/{key[1]} that you may attach.", "附件不存在,或您无权使用。", "not-found"))
        elif found[key].patient != patient:
            faults.append(_issue(place, f"{key[0]}/{key[1]} is not about this patient.", "附件不属于该患者,请核对。", "business-rule"))
    documents = [(place, found[key]) for key, place in wanted.items() if key in found and key[0] == "DocumentReference"]
    return faults + await _strangers(tx, patient, [(place, one) for place, one in documents if one.patient == patient])


async def _strangers(tx: Tx, patient: int, documents: list[tuple[str, read.Stored]]) -> list[Issue]:
    """Documents filed with this patient whose own header, or metadata, names somebody else."""
    if not documents:
        return []
    row = await tx.fetchrow("select body from resource where rid = $1", patient)
    about = json.parse(opened(patient, row["body"]).encode()) if row is not None else {}
    faults = []
    for place, one in documents:
        named = await asyncio.to_thread(_named, one.body)
        if what := next((found for who in named if (found := belonging.another(about, who))), ""):
            zh = f"文件内的患者{STRANGE[what]}与该患者不一致,请核对后再附。"
            text = f"{one.type}/{one.id} names another patient in its own header ({what})."
            faults.append(_issue(place, text, zh, "business-rule"))
    return faults


def _named(body: bytes) -> list[belonging.Named]:
    return list(belonging.named_in(json.parse(body)))


STRANGE = {"name": "姓名", "born": "出生日期", "number": "证件号码"}


async def _known(tx: Tx, scope: Scope, texts: Iterable[str], patient: int) -> tuple[Referral | None, Resource]:
    """The first of these requests that is a referral of this patient which the user may see, and its ServiceRequest."""
    keys = [(t.type, t.id) for t in map(references.parse, texts) if isinstance(t, references.Local) and t.type == "ServiceRequest"]
    found = await read.many(tx, scope, keys)
    for key in keys:
        if key in found and found[key].patient == patient and (referral := await register.of_request(tx, found[key].rid)) is not None:
            return referral, json.parse(found[key].body)
    return None, {}


async def _institution(tx: Tx, reference: str) -> Institution | None:
    target = references.parse(reference) if reference else None
    if not isinstance(target, references.Local) or target.type != "Organization":
        return None
    return await institution(tx, target.id)


def _local(reference: str, kind: str, place: str) -> str:
    target = references.parse(reference) if reference else None
    if not isinstance(target, references.Local) or target.type != kind:
        raise _fault(place, f"Say whom the referral is about: a reference to a {kind} on this server.", "请选择患者。", "required")
    return target.id


def _issue(place: str, diagnostics: str, zh: str, code: str) -> Issue:
    return Issue("error", code, diagnostics, place, zh)


def _fault(place: str, diagnostics: str, zh: str, code: str) -> InvalidResource:
    return InvalidResource(diagnostics, issues=[_issue(place, diagnostics, zh, code)])
