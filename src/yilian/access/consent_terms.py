"""What a Consent says about who may see a record: read into terms, or refused where it says what could not be kept.

A Consent counts when it is active and its scope is patient-privacy. It has one provision:

    type           permit | deny
    actor          the institutions it is about (Organization, role IRCP or PRCP). None: every institution; a permit without `securityLabel`
                   must name them, since it is what gives them their ground
    purpose        TREAT, HOPERAT; a deny may name ETREAT. None: TREAT and HOPERAT, so that an emergency is not shut out unawares
    securityLabel  the sensitive kinds it is about (`sensitivity.toml`). None: for a permit what is ordinary, for a deny everything
    period         from when until when; it must have begun
    action         absent, or access
    provision      of a permit: what it does not extend to, each a deny that is narrower than the permit in whom, what for or which kinds.
                   It says the rest as the permit does, and bars like any other deny

Who signs (`performer`) is the patient, or a guardian: a RelatedPerson; whether that one may is asked where it is stored (`guardians`).

Everything else a provision may say in R4 (class, code, data, dataPeriod, exceptions from a deny, exceptions within exceptions) would have
to be kept row by row; until it is, it is refused. So is research.
FHIR R4: http://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from yilian.access import sensitivity
from yilian.errors import BadRequest, InvalidResource
from yilian.fhir.dates import interval
from yilian.fhir.references import Local, parse
from yilian.store.scope import CARE, EMERGENCY, OPERATIONS

SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"
ACTIONS = "http://terminology.hl7.org/CodeSystem/consentaction"
REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PARTS = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"

PURPOSES = {"TREAT": CARE, "HOPERAT": OPERATIONS, "ETREAT": EMERGENCY}
RECIPIENTS = ("IRCP", "PRCP")
KEPT = frozenset({"id", "type", "period", "actor", "action", "securityLabel", "purpose", "provision"})


@dataclass(frozen=True, slots=True)
class Terms:
    """permit: grants rather than refuses; institutions: ids of Organizations, none for all; purposes: of `PURPOSES`, none for care and
    running an institution; mask: bits of sensitive kinds, 0 for none in particular; since, until: aware, until None for open end;
    exceptions: refusals within a permit; guardians: ids of the RelatedPersons who sign for the patient"""

    permit: bool
    institutions: tuple[str, ...]
    purposes: tuple[int, ...]
    mask: int
    since: datetime
    until: datetime | None
    exceptions: tuple[Terms, ...] = ()
    guardians: tuple[str, ...] = ()

    @property
    def gives_ground(self) -> bool:
        """Whether it opens the record as such, and not one sensitive kind to who may read it anyhow."""
        return self.permit and not self.mask


def terms_of(consent: Mapping[str, Any], now: datetime, zone: tzinfo, place: str = "Consent") -> Terms | None:
    """The terms of a Consent; None where it has no say in who may see what. Raises InvalidResource for what could not be kept.

    `now`: aware; `zone`: of dates without an offset; `place`: where the Consent stands in what was sent.
    """
    if consent.get("status") != "active":
        return None
    scopes = [coding.get("code") for coding in _codings([consent.get("scope")]) if coding.get("system") == SCOPES]
    provision = consent.get("provision")
    if scopes != ["patient-privacy"]:
        if "research" in scopes:
            raise _not_kept(f"{place}.scope", "Consent to research is not supported here", "暂不支持科研用途的授权")
        if provision is not None:
            raise _not_kept(
                f"{place}.provision", "A provision needs the scope patient-privacy", "授权条款仅适用于隐私授权(patient-privacy)"
            )
        return None
    at = f"{place}.provision"
    if not isinstance(provision, Mapping):
        raise _not_kept(at, "A privacy consent that is active needs a provision", "有效的隐私授权须写明授权条款", code="required")
    if any(one.get("verified") is False for one in consent.get("verification") or ()):
        raise _not_kept(f"{place}.verification", "A consent that is not verified cannot be active", "尚未核实的授权不能生效")
    signed = _guardians(consent, place)
    found = replace(_of_provision(provision, now, zone, at), guardians=signed)
    if found.gives_ground and not found.institutions:
        raise _not_kept(f"{at}.actor", "A permit names the institutions it is for", "同意查阅须指明医疗机构", code="required")
    inner = provision.get("provision") or ()
    if inner and not found.permit:
        raise _not_kept(f"{at}.provision", "Exceptions from a refusal could not be kept", "系统无法执行“不同意”条款的例外条款")
    return replace(found, exceptions=tuple(_exception(found, one, now, zone, f"{at}.provision[{n}]") for n, one in enumerate(inner)))


def _of_provision(provision: Mapping[str, Any], now: datetime, zone: tzinfo, at: str) -> Terms:
    """What one provision says by itself."""
    if strange := sorted(set(provision) - KEPT):
        raise _not_kept(f"{at}.{strange[0]}", f"{strange[0]} in a provision could not be kept", f"系统无法执行该授权条款({strange[0]})")
    if provision.get("type") not in ("permit", "deny"):
        raise _not_kept(f"{at}.type", "A provision permits or denies", "须写明“同意”或“不同意”", code="required")
    permit = provision["type"] == "permit"
    _access_alone(provision.get("action") or (), at)
    since, until = _period(provision.get("period") or {}, now, zone, at)
    return Terms(
        permit,
        _institutions(provision.get("actor") or (), at),
        _purposes(provision.get("purpose") or (), permit, at),
        _mask(provision.get("securityLabel") or (), at),
        since,
        until,
    )


def _exception(base: Terms, provision: Mapping[str, Any], now: datetime, zone: tzinfo, at: str) -> Terms:
    """A refusal within a permit: what it does not say is as in the permit. InvalidResource where it is no part of it, or all of it."""
    found = _of_provision(provision, now, zone, at)
    if found.permit or provision.get("provision"):
        raise _not_kept(f"{at}.type", "An exception from a permit is a deny without further exceptions", "“同意”条款的例外只能是“不同意”")
    if base.institutions and not set(found.institutions) <= set(base.institutions):
        raise _not_kept(f"{at}.actor", "An exception is about institutions the permit names", "例外条款的机构须在同意的机构之内")
    asked = set(base.purposes or (CARE, OPERATIONS))
    if not set(found.purposes) <= asked:
        raise _not_kept(f"{at}.purpose", "An exception is about purposes the permit extends to", "例外条款的用途须在同意的用途之内")
    if base.mask and found.mask & ~base.mask:
        raise _not_kept(f"{at}.securityLabel", "An exception is about kinds the permit names", "例外条款的资料类别须在同意的类别之内")
    narrower = (
        (found.institutions and set(found.institutions) != set(base.institutions))
        or (found.purposes and set(found.purposes) != asked)
        or (found.mask and found.mask != base.mask)
    )
    if not narrower:
        raise _not_kept(at, "An exception that takes back the whole permit contradicts it", "例外条款不能撤回全部同意内容")
    ends = [one for one in (base.until, found.until) if one is not None]
    return replace(
        found,
        institutions=found.institutions or base.institutions,
        purposes=found.purposes or base.purposes,
        mask=found.mask or base.mask,
        until=min(ends) if ends else None,
    )


def _guardians(consent: Mapping[str, Any], place: str) -> tuple[str, ...]:
    whose = (consent.get("patient") or {}).get("reference")
    if not whose:
        raise _not_kept(f"{place}.patient", "A privacy consent names its patient", "隐私授权须指明患者", code="required")
    found = []
    for number, one in enumerate(consent.get("performer") or ()):
        if one.get("reference") == whose:
            continue
        target = parse(str(one.get("reference", "")))
        if not isinstance(target, Local) or target.type != "RelatedPerson" or target.version is not None:
            raise _not_kept(
                f"{place}.performer[{number}]",
                "A consent is given by the patient or by a guardian, who is a RelatedPerson here",
                "授权须由患者本人或其监护人(RelatedPerson)作出",
            )
        found.append(target.id)
    return tuple(found)


def _access_alone(actions: Sequence[Mapping[str, Any]], at: str) -> None:
    for number, action in enumerate(actions):
        if [(one.get("system"), one.get("code")) for one in _codings([action])] != [(ACTIONS, "access")]:
            raise _not_kept(f"{at}.action[{number}]", "The one action that can be granted or refused is access", "授权操作仅支持“查阅”")


def _period(period: Mapping[str, Any], now: datetime, zone: tzinfo, at: str) -> tuple[datetime, datetime | None]:
    if strange := sorted(set(period) - {"start", "end"}):
        raise _not_kept(f"{at}.period.{strange[0]}", f"{strange[0]} in a period could not be kept", "授权期限格式不支持")
    try:
        begins = interval(period["start"], zone)[0] if "start" in period else now
        until = interval(period["end"], zone)[1] if "end" in period else None
    except BadRequest as error:
        raise _not_kept(f"{at}.period", str(error).rstrip("."), "授权期限不正确") from error
    if begins > now:
        raise _not_kept(f"{at}.period.start", "A consent counts at once; write it when it begins", "授权立即生效,不能填写将来的开始时间")
    return begins, until


def _institutions(actors: Sequence[Mapping[str, Any]], at: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for number, actor in enumerate(actors):
        where = f"{at}.actor[{number}]"
        roles = [one.get("code") for one in _codings([actor.get("role")]) if one.get("system") == PARTS]
        if len(roles) != 1 or roles[0] not in RECIPIENTS or set(actor) - {"id", "role", "reference"}:
            raise _not_kept(f"{where}.role", "An actor is who receives the data: role IRCP or PRCP", "授权对象应为资料接收方")
        target = parse(str((actor.get("reference") or {}).get("reference", "")))
        if not isinstance(target, Local) or target.type != "Organization" or target.version is not None:
            raise _not_kept(
                f"{where}.reference", "An actor is an institution: a reference to an Organization here", "授权对象应为本平台的医疗机构"
            )
        found[target.id] = None
    return tuple(found)


def _purposes(purposes: Sequence[Mapping[str, Any]], permit: bool, at: str) -> tuple[int, ...]:
    found: set[int] = set()
    for number, one in enumerate(purposes):
        code = PURPOSES.get(str(one.get("code"))) if one.get("system") == REASONS else None
        if code is None:
            known = ", ".join(PURPOSES)
            raise _not_kept(f"{at}.purpose[{number}]", f"The purposes that can be kept are {known}", "暂不支持该用途的授权(科研等)")
        if permit and code == EMERGENCY:
            raise _not_kept(f"{at}.purpose[{number}]", "An emergency needs no grant; it can be refused alone", "紧急查阅无需授权,只能拒绝")
        found.add(code)
    return tuple(sorted(found))


def _mask(labels: Sequence[Mapping[str, Any]], at: str) -> int:
    found = 0
    for number, one in enumerate(labels):
        bits = sensitivity.of_coding(one.get("system"), one.get("code"))
        if not bits:
            raise _not_kept(f"{at}.securityLabel[{number}]", "This label names no sensitive kind known here", "未知的敏感资料类别")
        found |= bits
    return found


def _codings(concepts: Sequence[Any]) -> list[Mapping[str, Any]]:
    return [coding for concept in concepts if isinstance(concept, Mapping) for coding in concept.get("coding") or ()]


def _not_kept(place: str, said: str, zh: str, code: str = "not-supported") -> InvalidResource:
    return InvalidResource(f"{said}. Nothing was stored.", expression=place, zh=f"{zh},未保存。", code=code)
