"""The authorization server's three questions, each one transaction: may this browser have a code, may this application have a token, is
this one given back.

Load what the grant can need, let it decide (`oauth.py`), store what it decided. What must be remembered of a refused request (a code
that came a second time, a refresh token used twice) is stored with the refusal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from yilian.access import assertions, clients, keys, launch, oauth, passwords, sessions
from yilian.access.assertions import NotProven, Proof
from yilian.access.clients import Client
from yilian.access.desk import Code, Desk, NewCode, Person, Refresh
from yilian.access.launch import Context
from yilian.access.oauth import Applicant, Ask, Reply
from yilian.access.rules import idle
from yilian.access.sessions import Session, digest
from yilian.access.settings import AccessSettings
from yilian.access.tokens import Verifier
from yilian.access.trail import note_failure, note_sign_in
from yilian.audit.note import MINOR_FAILURE, SERIOUS_FAILURE
from yilian.errors import BadRequest, NotSignedIn
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from datetime import timedelta

    from yilian.db import Database, Tx

Pairs = Sequence[tuple[str, str]]

CHOOSE = "/choose-patient"
"""The page that asks which patient an application is to be told, and comes back with the same query and a launch value."""
LONGEST_VALUE = 4096
_QUOTABLE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


async def authorize(tx: Tx, pairs: Pairs, cookie: str, *, origin: str, settings: AccessSettings) -> Reply | None:
    """Answer GET /oauth2/authorize: a redirect with a code or an error, or None when the person has to sign in first.

    `origin` is ours, "https://host". Raises BadRequest when the request may not be answered by a redirect: an application or address
    that is not registered.
    """
    _check(pairs)
    asked = dict(reversed(pairs))
    client = await clients.by_id(tx, asked.get("client_id", ""))
    session = await sessions.by_cookie(tx, cookie) if cookie else None
    desk = Desk(tx.now, settings, settings.public_url or origin)
    desk.applicant = Applicant(client, origin, None) if client else None
    desk.person = await _person(tx, session) if session else None
    scopes = set((asked.get("scope") or "").split())
    if session is not None and client is not None and asked.get("launch"):
        desk.context = await launch.found(tx, asked["launch"], client.id, session)
        if desk.context is None:
            raise BadRequest(
                "The launch value is not known, was used, or is another's.", zh="应用启动信息已失效,请从患者页面重新打开应用。"
            )
    elif "launch" in scopes and session is not None:
        raise BadRequest("The scope launch goes with the parameter launch of an EHR launch.", zh="该应用须从患者页面打开。")
    elif client is not None and _has_to_choose(client, scopes, desk.person) and asked.get("prompt") != "none":
        return Reply(302, "", {"Location": f"{CHOOSE}?{urlencode(pairs)}"})
    if asked.get("aud") and asked["aud"].rstrip("/") != f"{origin}/fhir":
        raise BadRequest("aud is not the address of this server's FHIR interface.", zh="应用请求的不是本服务器。")
    try:
        reply = oauth.decide(desk, Ask("GET", f"{origin}/oauth2/authorize", pairs, {}))
    except oauth.Refused as refused:
        raise BadRequest(
            f"This sign-in request cannot be answered: {refused}",
            zh="登录请求无效:应用未登记,或返回地址与登记的不一致。请从系统首页重新进入。",
        ) from None
    if desk.new_code is not None:
        await _store_code(tx, desk.new_code, settings.code)
        if desk.context is not None:
            await launch.spend(tx, asked["launch"])
    return reply


def _has_to_choose(client: Client, scopes: set[str], person: Person | None) -> bool:
    """Whether the person is to say which patient: the application asks to be told, may be, and they have no record of their own."""
    return "launch/patient" in scopes & set(client.scope.split()) and person is not None and not person.patient


async def exchange(
    db: Database, form: Pairs, authorization: str, *, origin: str, settings: AccessSettings, request_id: str = "", address: str = ""
) -> Reply:
    """Answer POST /oauth2/token. `authorization` is that header, "" for none. Opens its own transaction. BadRequest when the form
    cannot be read."""
    tried = await _applicant(db, form, authorization, origin, settings)
    asked = dict(form)
    async with db.transaction() as tx:
        desk = await _desk(tx, tried, origin, settings)
        desk.keys = await keys.usable(tx)
        if asked.get("grant_type") == "authorization_code" and asked.get("code"):
            desk.code = await _code(tx, asked["code"])
        if asked.get("grant_type") == "refresh_token" and asked.get("refresh_token"):
            desk.refresh = await _refresh(tx, asked["refresh_token"])
        ask = Ask("POST", f"{origin}/oauth2/token", form, {"Authorization": authorization} if authorization else {})
        reply = oauth.issue(desk, ask)
        await _store(tx, desk, asked)
        await _note(
            tx,
            desk,
            reply,
            not_proven=tried.why if desk.applicant is None or not (desk.applicant.proven or desk.applicant.signed) else "",
            request_id=request_id,
            address=address,
        )
    return reply


async def revoke(db: Database, form: Pairs, authorization: str, *, verifier: Verifier, origin: str, settings: AccessSettings) -> Reply:
    """Answer POST /oauth2/revoke: the grant behind an access or refresh token ends, and with it all its tokens. RFC 7009."""
    tried = await _applicant(db, form, authorization, origin, settings)
    token = dict(form).get("token", "")
    async with db.transaction() as tx:
        desk = await _desk(tx, tried, origin, settings)
        if token.count(".") == 2:
            try:
                claims = await verifier.claims_of(token)
                desk.revocable = (claims.grant, claims.client)
            except NotSignedIn:
                pass  # RFC 7009 §2.2: a token that is not good is given back with success
        elif token:
            row = await tx.fetchrow(
                "select g.id, g.client from refresh_token r join token_grant g on g.id = r.token_grant where r.hash = $1", digest(token)
            )
            desk.revocable = (row["id"], row["client"]) if row else None
        ask = Ask("POST", f"{origin}/oauth2/revoke", form, {"Authorization": authorization} if authorization else {})
        reply = oauth.give_back(desk, ask)
        await _end(tx, desk)
    return reply


async def introspect(db: Database, form: Pairs, authorization: str, *, verifier: Verifier, origin: str, settings: AccessSettings) -> Reply:
    """Answer POST /oauth2/introspect: what a token is good for at this moment, or that it is not. RFC 7662."""
    tried = await _applicant(db, form, authorization, origin, settings)
    token = dict(form).get("token", "")
    told = await _told_of(db, verifier, token)
    async with db.transaction() as tx:
        desk = await _desk(tx, tried, origin, settings)
        desk.told_of = told
        ask = Ask("POST", f"{origin}/oauth2/introspect", form, {"Authorization": authorization} if authorization else {})
        return oauth.tell(desk, ask)


async def _told_of(db: Database, verifier: Verifier, token: str) -> dict[str, Any] | None:
    if token.count(".") == 2:
        try:
            claims = await verifier.claims_of(token)
            here = await verifier.standing_of(f"Bearer {token}")
        except NotSignedIn:
            return None
        told = {"scope": claims.scope, "client_id": claims.client, "sub": claims.subject, "exp": claims.expires, "token_type": "Bearer"}
        if here.scope.agent:
            told["fhirUser"] = here.scope.agent
        if here.launched:
            told["patient"] = here.launched.removeprefix("Patient/")
        return {"active": True, **told}
    async with db.transaction() as tx:
        refresh = await _refresh(tx, token) if token else None
    if refresh is None or refresh.spent or not refresh.alive or refresh.person is None:
        return None
    person = refresh.person
    return {
        "active": True,
        "scope": refresh.scope,
        "client_id": refresh.client,
        "sub": person.account,
        "exp": int(person.session_expires.timestamp()),
    }


def _check(pairs: Pairs) -> None:
    """Nothing that does not belong into an OAuth request (RFC 6749 appendix A), nor into the error texts authlib makes of it."""
    for name, value in pairs:
        opaque = name in ("state", "nonce", "client_secret", "login_hint")
        if len(value) > LONGEST_VALUE or not (_PRINTABLE if opaque else _QUOTABLE).fullmatch(value):
            raise BadRequest(
                f"The parameter {name[:40]!r} has characters that do not belong there, or is too long.", zh="登录请求中的参数无效。"
            )


@dataclass(frozen=True, slots=True)
class _Tried:
    """The application that asks, and how it tried to prove itself.

    why    what was wrong with that, for the trail; "" where it did not try
    proof  its signed statement, if that is right: in the transaction it must come for the first time
    """

    applicant: Applicant | None
    why: str = ""
    proof: Proof | None = None


async def _applicant(db: Database, form: Pairs, authorization: str, origin: str, settings: AccessSettings) -> _Tried:
    """Secrets and signatures are looked at here, before any transaction is open: Argon2 takes its time."""
    _check(form)
    names = [name for name, _ in form]
    if len(set(names)) != len(names):
        raise BadRequest("A parameter comes twice; each may come once (RFC 6749 §3.2).")
    asked = dict(form)
    id, secret = _basic(authorization)
    if id is None:
        id, secret = asked.get("client_id"), asked.get("client_secret")
    statement = asked.get("client_assertion")
    if statement is not None:
        if secret or asked.get("client_assertion_type") != assertions.TYPE:
            raise BadRequest(f"client_assertion goes with client_assertion_type={assertions.TYPE} and without a secret (RFC 6749 §2.3).")
        id = id or assertions.named(statement)
    async with db.reading() as tx:
        client: Client | None = await clients.by_id(tx, id or "")
    if statement is not None:
        if client is None:
            return _Tried(None, "unknown application")
        audiences = {f"{one}{path}" for one in (origin, settings.public_url) if one for path in ("", "/oauth2/token")}
        try:
            keyed = await assertions.with_keys(db, client, statement, settings)
            proven = assertions.proof(keyed, statement, audiences, db.clock())
        except NotProven as error:
            return _Tried(Applicant(client, origin, None), str(error))
        return _Tried(Applicant(client, origin, None, signed=True), "the signed statement was used before", proven)
    if not secret:
        return _Tried(Applicant(client, origin, None) if client else None)
    good = await passwords.matches(client.secret if client else None, secret)
    return _Tried(Applicant(client, origin, secret if good else None) if client else None, "wrong secret or unknown application")


async def _desk(tx: Tx, tried: _Tried, origin: str, settings: AccessSettings) -> Desk:
    applicant = tried.applicant
    if applicant is not None and tried.proof is not None and not await assertions.first_time(tx, tried.proof):
        applicant = replace(applicant, signed=False)
    return Desk(tx.now, settings, settings.public_url or origin, applicant=applicant)


def _basic(authorization: str) -> tuple[str | None, str | None]:
    try:
        return oauth.credentials(authorization)
    except ValueError:
        raise BadRequest("The Authorization header cannot be read.") from None


async def _person(tx: Tx, session: Session) -> Person | None:
    row = await tx.fetchrow("select display, agent, patient from account where name = $1 and disabled is null", session.account)
    if row is None:
        return None
    return Person(
        session.account,
        row["display"],
        row["agent"],
        row["patient"] or "",
        session.institution,
        session.id,
        session.expires,
        session.started,
        session.factors,
    )


_CONTEXT = ("patient", "encounter", "about", "intent")
_LAUNCHED = ", ".join(f"{{0}}.{name} as launched_{name}" for name in _CONTEXT)
_BEHIND = """
       s.account, s.institution, s.id as session_id, s.started as session_started, s.expires as session_expires, s.seen,
       s.ended as session_ended, s.factors, a.display, a.agent, a.patient, a.disabled
"""


def _person_behind(row: Any) -> Person:
    return Person(
        row["account"],
        row["display"],
        row["agent"],
        row["patient"] or "",
        row["institution"],
        row["session_id"],
        row["session_expires"],
        row["session_started"],
        tuple(row["factors"]),
    )


async def _code(tx: Tx, code: str) -> Code | None:
    row = await tx.fetchrow(
        f"select c.*, {_LAUNCHED.format('c')}, {_BEHIND}"
        " from authorization_code c join session s on s.id = c.session join account a on a.name = s.account"
        " where c.hash = $1 for update of c",
        digest(code),
    )
    if row is None:
        return None
    alive = row["expires"] > tx.now and row["session_ended"] is None and row["session_expires"] > tx.now and row["disabled"] is None
    return Code(
        row["hash"],
        row["client"],
        row["redirect_uri"],
        row["scope"],
        row["challenge"],
        row["nonce"],
        row["used"] is not None,
        alive,
        row["token_grant"],
        _person_behind(row) if alive else None,
        context=launch.context_of({name: row[f"launched_{name}"] for name in _CONTEXT}),
    )


async def _refresh(tx: Tx, token: str) -> Refresh | None:
    row = await tx.fetchrow(
        f"select r.hash, r.used, g.id as grant_id, g.client, g.scope, g.expires, g.ended, {_LAUNCHED.format('g')}, {_BEHIND}"
        " from refresh_token r join token_grant g on g.id = r.token_grant"
        " join session s on s.id = g.session join account a on a.name = s.account"
        " where r.hash = $1 for update of r",
        digest(token),
    )
    if row is None:
        return None
    over = row["ended"] or row["session_ended"] or row["disabled"]
    alive = not over and min(row["expires"], row["session_expires"]) > tx.now and row["seen"] > tx.now - await idle(tx)
    return Refresh(
        row["hash"],
        row["client"],
        row["scope"],
        row["grant_id"],
        row["used"] is not None,
        alive,
        _person_behind(row) if alive else None,
        launch.context_of({name: row[f"launched_{name}"] for name in _CONTEXT}),
    )


async def _store_code(tx: Tx, new: NewCode, life: timedelta) -> None:
    await tx.execute(
        "insert into authorization_code (hash, client, session, redirect_uri, scope, challenge, nonce, issued, expires,"
        " patient, encounter, about, intent) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        digest(new.code),
        new.client,
        new.session,
        new.redirect_uri,
        new.scope,
        new.challenge,
        new.nonce,
        tx.now,
        tx.now + life,
        *_columns(new.context),
    )


def _columns(context: Context | None) -> tuple[str | None, str | None, list[str] | None, str | None]:
    return (context.patient, context.encounter, list(context.about), context.intent) if context is not None else (None, None, None, None)


async def _store(tx: Tx, desk: Desk, asked: Mapping[str, str]) -> None:
    issued = desk.issued
    if issued is not None and issued.is_new:
        person = issued.person
        await tx.execute(
            "insert into token_grant (id, client, account, session, scope, started, expires, patient, encounter, about, intent)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            issued.grant,
            issued.client,
            person.account if person else None,
            person.session if person else None,
            issued.scope,
            tx.now,
            person.session_expires if person else tx.now + desk.settings.access_token,
            *_columns(issued.context),
        )
    if issued is not None and issued.refresh is not None:
        await tx.execute(
            "insert into refresh_token (hash, token_grant, issued) values ($1, $2, $3)", digest(issued.refresh), issued.grant, tx.now
        )
    if desk.code is not None and desk.code_presented:
        # Spent even where the rest of the request was wrong: whoever guesses at a verifier has one guess.
        await tx.execute(
            "update authorization_code set used = $2, token_grant = $3 where hash = $1",
            desk.code.hash,
            tx.now,
            issued.grant if issued is not None else None,
        )
    if desk.refresh is not None and desk.refresh_presented and desk.refresh.person is not None:
        await tx.execute("update refresh_token set used = $2 where hash = $1", desk.refresh.hash, tx.now)
        await tx.execute("update session set seen = $2 where id = $1", desk.refresh.person.session, tx.now)
    await _end(tx, desk)


async def _end(tx: Tx, desk: Desk) -> None:
    for grant, reason in desk.ended:
        await tx.execute("update token_grant set ended = $2, reason = $3 where id = $1 and ended is null", grant, tx.now, reason)


async def _note(tx: Tx, desk: Desk, reply: Reply, *, not_proven: str, request_id: str, address: str) -> None:
    """Applications that sign in for themselves, wrong secrets, and what looks like theft. A person's sign-in was recorded when it
    happened."""
    client = desk.applicant.client if desk.applicant else None
    person = (desk.code.person if desk.code else None) or (desk.refresh.person if desk.refresh else None)
    scope = Scope(
        "nothing",
        person.account if person else client.id if client else "",
        person.agent if person else client.agent if client else "",
        person.display if person else client.name if client else "",
        institution=person.institution if person else client.institution if client else "",
        client=client.id if client else "",
        request_id=request_id,
        address=address,
    )
    if desk.ended:
        why = {"code-reused": "an authorization code came a second time", "refresh-token-reused": "a refresh token was used twice"}
        await note_failure(
            tx, scope, why.get(desk.ended[0][1], desk.ended[0][1]) + "; everything issued with it has ended", outcome=SERIOUS_FAILURE
        )
    elif not_proven:
        await note_failure(tx, scope, not_proven, outcome=MINOR_FAILURE)
    elif desk.issued is not None and desk.issued.person is None:
        await note_sign_in(tx, scope, "client credentials")
