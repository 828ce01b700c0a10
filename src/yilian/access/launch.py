"""Opening an application from a page, with the patient that is on it: SMART App Launch 2.2, "EHR launch" and "standalone launch".

The value in the address is good once, for minutes, for that application, and for the browser session whose page it was; what it stands
for (patient, encounter, the referral the page shows) was looked up within what that session may see. The application learns of it with
its token.
https://hl7.org/fhir/smart-app-launch/app-launch.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from yilian.access import clients, sessions
from yilian.access.clients import Client
from yilian.access.policy import policy
from yilian.access.sessions import Session, digest, new_secret
from yilian.access.standing import of_person
from yilian.errors import BadRequest, Forbidden, NotFound, NotSignedIn
from yilian.fhir.references import Local, parse
from yilian.store import members, read

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.scope import Scope

GOOD_FOR = timedelta(minutes=5)
MOST_ABOUT = 5
ABOUT = ("Task", "ServiceRequest")
"""What an application may be told of besides: the referral whose page it was opened from (fhirContext)."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a launch stands for. patient: "Patient/…"; encounter: "Encounter/…" or None; about: further references; intent: a word of the
    page's for what is to be done, or None."""

    patient: str
    encounter: str | None = None
    about: tuple[str, ...] = ()
    intent: str | None = None

    def told(self) -> dict[str, Any]:
        """As a token answer has it. The patient's banner is the application's to show: it is opened in a window of its own."""
        found: dict[str, Any] = {"patient": self.patient.partition("/")[2], "need_patient_banner": True}
        if self.encounter is not None:
            found["encounter"] = self.encounter.partition("/")[2]
        if self.about:
            found["fhirContext"] = [{"reference": one} for one in self.about]
        if self.intent is not None:
            found["intent"] = self.intent
        return found


def context_of(row: Any) -> Context | None:
    """Of a row with the columns patient, encounter, about, intent; None where it was no launch."""
    return None if row["patient"] is None else Context(row["patient"], row["encounter"], tuple(row["about"] or ()), row["intent"])


async def offered(tx: Tx, cookie: str) -> list[Client]:
    """The applications the post of this browser's session may open. NotSignedIn when there is none."""
    session = await _session(tx, cookie)
    scope = await _scope(tx, session)
    return [one for one in await clients.every(tx) if one.disabled is None and one.launches and _may(one, scope)]


async def begin(tx: Tx, cookie: str, client: str, context: Context, origin: str) -> str:
    """The address at which the application is opened. NotSignedIn without a session, Forbidden for who may not open it, NotFound for what
    the session may not see, BadRequest for what does not belong together."""
    session = await _session(tx, cookie)
    scope = await _scope(tx, session)
    found = await clients.by_id(tx, client)
    if found is None or not found.launches or not _may(found, scope):
        raise Forbidden(f"Your post may not open {client[:64]!r}.", zh="您的岗位不能打开该应用。")
    value = await _store(tx, session, scope, found, context)
    address = found.launches[0]
    address = origin + address if address.startswith("/") else address
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'iss': f'{origin}/fhir', 'launch': value})}"


async def choose(tx: Tx, cookie: str, client: str, patient: str) -> str:
    """The value that lets an application go on which came by itself and asked for a patient: the person at the browser has chosen one.
    Raises as `begin`."""
    session = await _session(tx, cookie)
    return await _store(tx, session, await _scope(tx, session), await _told_of_patients(tx, client), Context(patient))


async def name_of(tx: Tx, cookie: str, client: str) -> str:
    """How an application is called that may be told of a patient, for who is signed in. Raises as `choose`."""
    await _session(tx, cookie)
    return (await _told_of_patients(tx, client)).name


async def _told_of_patients(tx: Tx, client: str) -> Client:
    found = await clients.by_id(tx, client)
    if found is None or "authorization_code" not in found.grant_types or "launch/patient" not in found.scope.split():
        raise Forbidden(f"{client[:64]!r} is not told of patients.", zh="该应用未登记读取患者上下文。")
    return found


async def found(tx: Tx, value: str, client: str, session: Session) -> Context | None:
    """What a launch value stands for that this application brings under the same sign-in; None where it is not good. Locked in `tx`."""
    row = await tx.fetchrow(
        "select patient, encounter, about, intent from launch"
        " where hash = $1 and client = $2 and session = $3 and used is null and expires > $4 for update",
        digest(value), client, session.id, tx.now,
    )  # fmt: skip
    return context_of(row) if row is not None else None


async def spend(tx: Tx, value: str) -> None:
    """It is not good again."""
    await tx.execute("update launch set used = $2 where hash = $1", digest(value), tx.now)


async def _store(tx: Tx, session: Session, scope: Scope, client: Client, context: Context) -> str:
    await _require_seen(tx, scope, context)
    value = new_secret()
    await tx.execute("delete from launch where expires < $1", tx.now - timedelta(days=1))
    await tx.execute(
        "insert into launch (hash, client, session, patient, encounter, about, intent, issued, expires)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        digest(value), client.id, session.id, context.patient, context.encounter, list(context.about), context.intent, tx.now,
        tx.now + GOOD_FOR,
    )  # fmt: skip
    return value


async def _require_seen(tx: Tx, scope: Scope, context: Context) -> None:
    """That the session sees all of it, and that it is about one person."""
    patient = await read.by_id(tx, scope, "Patient", _id(context.patient, ("Patient",)))
    records = {patient.rid, *await members.others_of(tx, patient.rid)}
    if len(context.about) > MOST_ABOUT or len(context.intent or "") > 64 or not (context.intent or "x").isprintable():
        raise BadRequest("A launch tells of five further things at most, and its intent is a word.")
    besides = [(context.encounter, ("Encounter",))] if context.encounter is not None else []
    for text, kinds in [*besides, *((one, ABOUT) for one in context.about)]:
        target = parse(text)
        there = await read.by_id(tx, scope, target.type if isinstance(target, Local) else kinds[0], _id(text, kinds))
        if there.patient not in records:
            raise BadRequest(f"{text[:80]} is not about this patient.", zh="所选资料不属于该患者。")


def _id(text: str, kinds: Sequence[str]) -> str:
    target = parse(text)
    if not isinstance(target, Local) or target.type not in kinds:
        raise BadRequest(f"{text[:80]!r} is no reference to {' or '.join(kinds)}.")
    return target.id


def _may(client: Client, scope: Scope) -> bool:
    """Whether this post sees patients at all, and is among those the application is for."""
    return scope.reach in ("grounds", "self") and (client.launch_roles is None or not scope.roles.isdisjoint(client.launch_roles))


async def _session(tx: Tx, cookie: str) -> Session:
    session = await sessions.by_cookie(tx, cookie) if cookie else None
    if session is None:
        raise NotSignedIn("Sign in first.", zh="请先登录。")
    return session


async def _scope(tx: Tx, session: Session) -> Scope:
    row = await tx.fetchrow("select name as account, display, agent, patient from account where name = $1", session.account)
    if row is None:
        raise NotFound("There is no such account.")
    own = "resident" in {post["role"] for post in await tx.fetch("select role from post where account = $1", session.account)}
    known = policy().roles["resident"].reach == "self" and own and row["patient"]
    return (await of_person(tx, row, session.institution, "yilian-web", "patient/*.rs" if known else "user/*.rs")).scope
