"""What a grant stands for at this moment: whose it is, at which post, and so how far it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from yilian.access import institutions
from yilian.access.institutions import Institution
from yilian.access.policy import joint, policy
from yilian.access.smart import rights
from yilian.errors import BadRequest, NotSignedIn
from yilian.fhir.definitions import type_id
from yilian.fhir.references import Local, parse
from yilian.store.rights import NOTHING, Rights
from yilian.store.scope import Reach, Scope

if TYPE_CHECKING:
    from yilian.db import Tx

NOBODY = -2
"""In place of the key of a patient who is not there any more: nothing is about them."""
NO_RIGHTS = Rights(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)


@dataclass(frozen=True, slots=True)
class Standing:
    """`scope` without request id and address; `patient` is "Patient/…" of the holder's own record or ""; `launched`: of whose record the
    application was told when it was opened."""

    scope: Scope
    institution: Institution | None
    patient: str
    launched: str = ""


async def standing(tx: Tx, grant: UUID, scope: str) -> Standing:
    """Who acts under this grant, with these SMART scopes.

    NotSignedIn when the grant, its session, its account or its application has ended or was disabled.
    """
    row = await tx.fetchrow(
        """
        select g.client, g.account, c.name as client_name, c.agent as client_agent, c.institution as client_institution,
               a.display, a.agent, a.patient, s.institution as session_institution, g.session,
               g.patient as launched
        from token_grant g
        join client c on c.id = g.client
        left join account a on a.name = g.account
        left join session s on s.id = g.session
        where g.id = $1 and g.ended is null and g.expires > $2 and c.disabled is null
          and (g.account is null or (a.disabled is null and (a.expires is null or a.expires > $2)))
          and (g.session is null or (s.ended is null and s.expires > $2))
        """,
        grant,
        tx.now,
    )
    if row is None:
        raise NotSignedIn("The sign-in has ended. Sign in again.", zh="登录已失效,请重新登录。")
    if row["account"] is None:
        return await of_client(tx, row["client"], row["client_name"], row["client_agent"], row["client_institution"], scope)
    at = row["session_institution"] if row["session"] is not None else None
    return await of_person(tx, row, at, row["client"], scope, launched=row["launched"] or "")


async def require_alive(tx: Tx, grant: UUID) -> None:
    """NotSignedIn when this grant, its session, its account or its application has ended or was disabled: for what stays open long after
    its token was looked at."""
    alive = await tx.fetchval(
        """
        select true from token_grant g join client c on c.id = g.client
        left join account a on a.name = g.account left join session s on s.id = g.session
        where g.id = $1 and g.ended is null and g.expires > $2 and c.disabled is null
          and (g.account is null or (a.disabled is null and (a.expires is null or a.expires > $2)))
          and (g.session is null or (s.ended is null and s.expires > $2))
        """,
        grant,
        tx.now,
    )
    if not alive:
        raise NotSignedIn("The sign-in has ended. Sign in again.", zh="登录已失效,请重新登录。")


async def of_person(tx: Tx, row: Any, at: str | None, client: str, scope: str, *, launched: str = "") -> Standing:
    """The holder of an account (columns account, display, agent, patient) at this institution, or at that of the first post when None.

    `patient/` scopes are for one's own record; who sees others' has them for the one patient the application was opened with (`launched`),
    and for reading alone.

    NotSignedIn when the posts cannot be held together any more.
    """
    posts = await tx.fetch("select institution, role from post where account = $1 order by nth", row["account"])
    if at is None:
        at = posts[0]["institution"] if posts else ""
    try:
        role = joint(post["role"] for post in posts if post["institution"] == at)
    except BadRequest as error:
        raise NotSignedIn(
            "The posts of this account cannot be held together any more; ask the administrator.", zh="岗位设置有误,请联系管理员。"
        ) from error
    institution = await institutions.by_reference(tx, at) if at else None
    granted = rights(scope, "user")
    reach: Reach = role.reach
    only = 0
    if granted is None:
        granted = rights(scope, "patient") or NO_RIGHTS
        if launched and role.reach == "grounds":
            only = await _rid(tx, launched) or NOBODY
            granted = granted.within(None, frozenset())
        else:
            reach = "self"
    patient_rid = await _rid(tx, row["patient"]) if row["patient"] and reach == "self" else 0
    if (reach == "self" and not patient_rid) or (reach == "grounds" and institution is None):
        reach = "nothing"
    granted = granted.within(role.reads, role.writes)
    found = Scope(
        reach,
        row["account"],
        row["agent"],
        row["display"],
        frozenset(role.code.split()),
        institution.reference if institution else "",
        institution.rid if institution else 0,
        institution.name if institution else "",
        patient_rid,
        role.purpose,
        may_write=_writes_something(granted),
        reads=granted.reads.types,
        writes=granted.writes.types,
        client=client,
        parts=granted.reads.parts,
        only=only,
        rights=None if granted.plain() else granted,
    )
    return Standing(found, institution, row["patient"] or "", launched)


async def of_client(tx: Tx, id: str, name: str, agent: str, at: str, scope: str) -> Standing:
    """An application that asks for itself: the region's, or one institution's."""
    institution = await institutions.by_reference(tx, at) if at else None
    granted = rights(scope, "system") or NO_RIGHTS
    reach: Reach = "everything" if not at else "grounds" if institution is not None else "nothing"
    found = Scope(
        reach,
        id,
        agent,
        name,
        frozenset(),
        institution.reference if institution else "",
        institution.rid if institution else 0,
        institution.name if institution else "",
        0,
        policy().client_purpose,
        may_write=_writes_something(granted),
        reads=granted.reads.types,
        writes=granted.writes.types,
        client=id,
        parts=granted.reads.parts,
        rights=None if granted.plain() else granted,
    )
    return Standing(found, institution, "")


def _writes_something(granted: Rights) -> bool:
    return any(one.types is None or bool(one.types) or bool(one.parts) for one in (granted.c, granted.u, granted.d))


async def _rid(tx: Tx, reference: str) -> int:
    target = parse(reference)
    if not isinstance(target, Local):
        return 0
    rid = await tx.fetchval("select rid from resource where type = $1 and id = $2 and not deleted", type_id(target.type), target.id)
    return rid or 0
