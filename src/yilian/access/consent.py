"""Consents in force: the rules they come to (`consent_rule`) and the grounds they give, kept in step in the transaction that writes them.

What a Consent may say is in `consent_terms`. Who may write one:

- the patient, signed in, about the own record;
- people and applications of an institution, with the signed paper: `sourceAttachment` with its data, or `sourceReference`. What was written
  elsewhere, or by the patient, they do not change;
- systems of the region.

A guardian's consent (`guardians`) comes with the paper, from an institution or a system: from an account of the patient's own the patient
signs alone.

A rule counts from the commit of its Consent and until the commit that withdraws it: every read looks at the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yilian.access import guardians, institutions
from yilian.access.consent_terms import Terms, terms_of
from yilian.errors import Forbidden, InvalidResource
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.store.scope import CARE, OPERATIONS, Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.write import Change, Written

THERE = "select r.id, r.origin from resource r where r.type = $1 and r.id = any($2::text[])"
FORGET = "delete from consent_rule where source = any($1::bigint[])"
FORGET_GROUNDS = "delete from access_ground where source = any($1::bigint[]) and kind = 'consent'"
RULE = """
insert into consent_rule (patient, source, institution, purpose, mask, permit, since, until) values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
GROUND = """
insert into access_ground (institution, patient, kind, source, since, until, purpose) values ($1, $2, 'consent', $3, $4, $5, $6)
"""


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """For `Hooks.guards`: refuses a Consent that could not be kept (InvalidResource) or is not this writer's to write (Forbidden)."""
    about = [change for change in changes if change.type == "Consent"]
    if not about:
        return
    for change in about:
        if change.resource is not None:
            terms_of(change.resource, tx.now, region_zone(), change.place or "Consent")
    if scope.reach != "grounds":
        return
    known = [change.id for change in about if change.id is not None and change.method != "POST"]
    origins = {row["id"]: row["origin"] for row in await tx.fetch(THERE, type_id("Consent"), known)} if known else {}
    for change in about:
        if change.id in origins and origins[change.id] != scope.institution_rid:
            raise Forbidden(
                "A Consent is changed by the patient, or by the institution that recorded it.",
                zh="授权只能由患者本人或登记该授权的机构修改。",
                expression=change.place,
            )
        if change.resource is not None and not _has_paper(change.resource):
            raise InvalidResource(
                "An institution records a consent with the paper the patient signed: sourceAttachment with data, or sourceReference.",
                zh="机构登记授权须附患者签署的书面材料。",
                expression=f"{change.place or 'Consent'}.source",
                code="required",
            )


def _has_paper(consent: Mapping[str, Any]) -> bool:
    return bool((consent.get("sourceAttachment") or {}).get("data") or (consent.get("sourceReference") or {}).get("reference"))


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: brings rules and grounds in step with the Consents just written.

    Raises Forbidden where a resident writes about somebody else, InvalidResource for an actor that is no institution or several patients.
    """
    changed = [one for one in written if one.type == "Consent" and not one.unchanged]
    if not changed:
        return
    if scope.reach == "self" and any(one.patient != scope.patient_rid for one in changed):
        raise Forbidden("You write consents about your own record.", zh="只能对本人的健康档案进行授权。")
    rids = [one.rid for one in changed]
    await tx.execute(FORGET, rids)
    await tx.execute(FORGET_GROUNDS, rids)
    for one in changed:
        terms = terms_of(one.resource, tx.now, region_zone()) if one.resource is not None else None
        if terms is not None:
            await _in_force(tx, scope, one, terms)


async def _in_force(tx: Tx, scope: Scope, consent: Written, terms: Terms) -> None:
    if terms.guardians and scope.reach == "self":
        raise Forbidden("You sign for yourself; a guardian signs on paper.", zh="本人账号只能由本人授权;监护人授权须由机构凭书面材料登记。")
    if consent.patient is None or consent.patient <= 0:
        raise InvalidResource(
            "A privacy consent is about one patient of this server.", expression="Consent.patient", zh="授权须针对一位患者。"
        )
    await guardians.require(tx, terms.guardians, consent.patient, tx.now.astimezone(region_zone()).date())
    named = await _named(tx, terms)
    rules: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for one in (terms, *terms.exceptions):
        for institution in named if one is terms else await _named(tx, one):
            for purpose in one.purposes or (None,):
                key = (institution, purpose, one.mask, one.permit)
                if key in rules:
                    raise InvalidResource("It says the same twice.", expression="Consent.provision.provision", zh="授权条款重复。")
                rules[key] = (consent.patient, consent.rid, *key, one.since, one.until)
    await tx.executemany(RULE, list(rules.values()))
    if terms.gives_ground:
        purpose = terms.purposes[0] if terms.purposes in ((CARE,), (OPERATIONS,)) else None
        await tx.executemany(
            GROUND, [(institution, consent.patient, consent.rid, terms.since, terms.until, purpose) for institution in named]
        )


async def _named(tx: Tx, terms: Terms) -> list[int | None]:
    """The institutions it is about; None alone where that is every one."""
    return [*await _institutions(tx, terms.institutions)] if terms.institutions else [None]


async def _institutions(tx: Tx, ids: Sequence[str]) -> list[int]:
    """The institutions these Organizations speak for, each once."""
    rows = await tx.fetch(
        "select rid from resource where type = $1 and id = any($2::text[]) and not deleted", type_id("Organization"), list(ids)
    )
    found = await institutions.of(tx, [row["rid"] for row in rows])
    if len(found) < len(ids):
        raise InvalidResource(
            "An actor is no Organization here.", expression="Consent.provision.actor", zh="授权对象不是本平台的医疗机构。"
        )
    return sorted({one.rid for one in found.values()})
