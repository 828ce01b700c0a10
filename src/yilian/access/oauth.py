"""The protocol: authlib's grant classes, run on what was loaded before and leaving what is to be stored after.

Authlib is synchronous and asks its callbacks for clients, codes and tokens one by one. Here each request first loads all it can need
(`flow.py`) into a `Desk`; the grant then decides in memory; what it decided is stored in the same transaction. Which parameters are
required, how clients authenticate, how PKCE is checked and what errors look like is authlib's; ours is what a code, a refresh token and
an access token are. docs/decisions/0004-oauth-library.md. OAuth 2.1 (draft): PKCE for all, no implicit grant, no password grant; RFC
9207, 9700.
"""

# Authlib has no types of its own.
# mypy: disable-error-code="misc, no-any-return, no-untyped-call, type-arg, override, assignment, attr-defined, union-attr, arg-type"

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID, uuid4

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, InvalidRequestError, OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core.grants import OpenIDCode

from yilian.access.clients import Client
from yilian.access.desk import Code, Desk, Issued, NewCode, Person, Refresh
from yilian.access.keys import ALGORITHM
from yilian.access.sessions import new_secret
from yilian.access.smart import granted
from yilian.access.tokens import mint

PRIVATE_KEY = "private_key_jwt"
CONFIDENTIAL_METHODS = ["client_secret_basic", "client_secret_post", PRIVATE_KEY]
CLIENT_METHODS = ["none", *CONFIDENTIAL_METHODS]
FRESH_S = 60
"""`prompt=login` is satisfied by a sign-in not older than this."""


class Refused(Exception):
    """An authorization request that may not be answered by a redirect; the text is authlib's, in English."""


@dataclass(frozen=True, slots=True)
class Applicant(ClientMixin):
    """An application as authlib sees it. `proven` is the secret that was found to be right before the grant runs (argon2 takes a
    thread); `signed`: it proved itself with its key (`assertions.py`)."""

    client: Client
    origin: str
    proven: str | None
    signed: bool = False

    def get_client_id(self) -> str:
        return self.client.id

    def get_default_redirect_uri(self) -> str | None:
        return None  # OAuth 2.1 §2.3.1: always named, since "the only one" changes when a second is registered

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return granted(scope, self.client.scope)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return self.client.may_return_to(redirect_uri, self.origin)

    def check_client_secret(self, client_secret: str) -> bool:
        return self.proven is not None and hmac.compare_digest(self.proven.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        if method == PRIVATE_KEY:
            return self.signed
        return self.client.public if method == "none" else self.client.secret is not None

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and "authorization_code" in self.client.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.client.grant_types


@dataclass(slots=True)
class Reply:
    """What goes back. `body` is a JSON object, or "" with a redirect."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def location(self) -> str | None:
        return self.headers.get("Location")

    @location.setter
    def location(self, uri: str) -> None:
        self.headers["Location"] = uri


class _Payload(OAuth2Payload):
    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._data = dict(reversed(pairs))
        self._datalist: dict[str, list[str]] = {}
        for name, value in pairs:
            self._datalist.setdefault(name, []).append(value)

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> Any:
        return self._datalist


class Ask(OAuth2Request):
    """One request to the authorization server. `pairs` are the query's or the form's."""

    def __init__(self, method: str, uri: str, pairs: Sequence[tuple[str, str]], headers: Mapping[str, str]) -> None:
        # Authlib refuses plain http unless an environment variable says otherwise. Whether http is all right is decided where the server
        # is set up (loopback, or a proxy that speaks TLS in front), so it is told https.
        super().__init__(method, "https:" + uri.partition(":")[2], None, headers)
        self.payload = _Payload(pairs)

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data


class Server(AuthorizationServer):
    """Authlib's server for one request."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.register_grant(_CodeGrant, [_S256Only(required=True), _OpenId(desk)])
        self.register_grant(_RefreshGrant)
        self.register_grant(_ClientCredentials)
        self.register_endpoint(_Revocation)
        self.register_endpoint(_Introspection)
        self.register_client_auth_method(PRIVATE_KEY, self._by_key)
        self.register_extension(_issuer(desk.issuer))
        self.register_token_generator("default", self._tokens)

    def query_client(self, client_id: str) -> Applicant | None:
        applicant = self.desk.applicant
        return applicant if applicant is not None and applicant.client.id == client_id else None

    def _by_key(self, query_client: Any, request: Ask) -> Applicant | None:
        """The application that signed for itself; whether it did was found out before."""
        applicant = self.desk.applicant
        return applicant if applicant is not None and applicant.signed and "client_assertion" in request.payload.data else None

    def create_oauth2_request(self, request: Ask) -> Ask:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Reply:
        return Reply(status, body, dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens: what happened is on the desk."""

    def save_token(self, token: dict, request: Ask) -> None:
        """Done by `_tokens`: what is to be stored is on the desk."""

    def _tokens(
        self,
        grant_type: str,
        client: Applicant,
        user: Person | None = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict:
        desk = self.desk
        allowed = client.get_allowed_scope(scope)
        if allowed is None:
            raise InvalidScopeError()
        known = desk.refresh.grant if grant_type == "refresh_token" and desk.refresh else None
        grant = known or uuid4()
        refresh = new_secret() if include_refresh_token and user is not None else None
        # A narrower scope asked for at a refresh is for that access token only; the grant keeps its own (RFC 6749 §6).
        kept = desk.refresh.scope if known and desk.refresh else allowed
        behind = desk.refresh if known else desk.code
        context = behind.context if behind is not None and grant_type != "client_credentials" else None
        desk.issued = Issued(grant, known is None, client.client.id, user, kept, refresh, context)
        token: dict[str, Any] = {
            "token_type": "Bearer",
            "access_token": mint(
                desk.keys[0],
                issuer=desk.issuer,
                grant=grant,
                subject=user.account if user else client.client.id,
                client=client.client.id,
                scope=allowed,
                now=desk.now,
                settings=desk.settings,
                fhir_user=user.agent if user else client.client.agent,
                institution=user.institution if user else client.client.institution,
            ),
            "expires_in": int(desk.settings.access_token.total_seconds()),
            "scope": allowed,
        }
        if refresh is not None:
            token["refresh_token"] = refresh
        if context is not None:
            token |= context.told()
        elif user is not None and user.patient and any(one == "launch/patient" or one.startswith("patient/") for one in allowed.split()):
            token["patient"] = user.patient.removeprefix("Patient/")
        return token


class _CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_METHODS

    def generate_authorization_code(self) -> str:
        return new_secret()

    def save_authorization_code(self, code: str, request: Ask) -> None:
        desk, person = self.server.desk, request.user
        desk.new_code = NewCode(
            code,
            request.client.client.id,
            person.session,
            request.payload.redirect_uri,
            request.scope,
            request.payload.data["code_challenge"],
            request.payload.data.get("nonce"),
            desk.context,
        )

    def query_authorization_code(self, code: str, client: Applicant) -> Code | None:
        desk = self.server.desk
        found = desk.code
        if found is None or found.client != client.client.id:
            return None
        if found.spent:  # RFC 9700 §4.5: whoever has it a second time may not be who had it first, so nobody keeps what it gave
            if found.grant is not None:
                desk.ended.append((found.grant, "code-reused"))
            return None
        desk.code_presented = True
        return found if found.alive else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Kept as spent, to notice a second use."""

    def authenticate_user(self, authorization_code: Code) -> Person | None:
        return authorization_code.person


class _S256Only(CodeChallenge):
    """PKCE for every application, and S256 only: with "plain" whoever sees the request has the verifier (RFC 9700 §2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar = ["S256"]
    CODE_CHALLENGE_METHODS: ClassVar = {"S256": CodeChallenge.CODE_CHALLENGE_METHODS["S256"]}

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge with code_challenge_method=S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class _OpenId(OpenIDCode):
    """The ID token, when the scope has `openid`."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(require_nonce=False)
        self.desk = desk

    def exists_nonce(self, nonce: str, request: Ask) -> bool:
        return False  # a code is good once and bound to its verifier; a nonce that comes again can replay nothing

    def resolve_client_private_key(self, client: Applicant) -> Any:
        return self.desk.keys[0].key

    def get_client_algorithm(self, client: Applicant) -> str:
        return ALGORITHM

    def get_encode_header(self, client: Applicant) -> dict:
        return {"alg": ALGORITHM, "kid": self.desk.keys[0].kid, "typ": "JWT"}

    def get_compatible_claims(self, request: Ask) -> dict:
        now = int(self.desk.now.timestamp())
        life = int(self.desk.settings.access_token.total_seconds())
        return {"iss": self.desk.issuer, "aud": [request.client.client.id], "iat": now, "exp": now + life}

    def generate_user_info(self, user: Person, scope: str) -> dict:
        info = {"sub": user.account}
        if "profile" in scope.split():
            info["name"] = user.display
        if "fhirUser" in scope.split():
            info["fhirUser"] = user.agent
        return info


class _RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Refresh | None:
        desk = self.server.desk
        found = desk.refresh
        if found is None or not found.check_client(self.request.client):
            return None
        if found.spent:  # RFC 9700 §4.14.2: one of the two who have it stole it; both sign in again
            desk.ended.append((found.grant, "refresh-token-reused"))
            return None
        return found if found.alive else None

    def authenticate_user(self, refresh_token: Refresh) -> Person | None:
        if refresh_token.person is None:
            raise InvalidGrantError()
        return refresh_token.person

    def revoke_old_credential(self, refresh_token: Refresh) -> None:
        self.server.desk.refresh_presented = True


class _ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = CONFIDENTIAL_METHODS


class _Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = CLIENT_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Revocable | None:
        found = self.server.desk.revocable
        return _Revocable(*found) if found else None

    def revoke_token(self, token: _Revocable, request: Ask) -> None:
        self.server.desk.ended.append((token.grant, "revoked"))


class _Introspection(IntrospectionEndpoint):
    """What a token is good for, to whom it was issued to and to applications registered to ask. RFC 7662."""

    CLIENT_AUTH_METHODS = CONFIDENTIAL_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Told | None:
        told = self.server.desk.told_of
        return _Told(told) if told is not None else None

    def check_permission(self, token: _Told, client: Applicant, request: Ask) -> bool:
        return client.client.introspects or token.words["client_id"] == client.client.id

    def introspect_token(self, token: _Told) -> dict[str, Any]:
        return token.words


@dataclass(frozen=True, slots=True)
class _Told:
    """A token that is good: looked up just now."""

    words: dict[str, Any]

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Revocable:
    grant: UUID
    client: str

    def check_client(self, client: Applicant) -> bool:
        return client.client.id == self.client


def _issuer(issuer: str) -> type[IssuerParameter]:
    class Issuer(IssuerParameter):
        """RFC 9207: the answer says who it is from, so that two authorization servers cannot be mixed up."""

        def __init__(self, server: AuthorizationServer) -> None:
            self(server)

        def get_issuer(self) -> str:
            return issuer

    return Issuer


def decide(desk: Desk, ask: Ask) -> Reply | None:
    """The authorization endpoint: a redirect with a code (then on the desk) or an error; None when the person has to sign in first.

    Refused where no redirect may be sent, because the application or the address is not registered.
    """
    server = Server(desk)
    try:
        grant = server.get_consent_grant(ask, end_user=desk.person)
    except OAuth2Error as error:
        if not error.redirect_uri:
            raise Refused(error.get_error_description() or error.error) from None
        reply: Reply = server.handle_error_response(ask, error)
        reply.location = add_params_to_uri(reply.location, {"iss": desk.issuer})
        return reply
    if desk.person is None or (grant.prompt == "login" and (desk.now - desk.person.auth_time).total_seconds() > FRESH_S):
        return None
    return server.create_authorization_response(ask, grant_user=desk.person, grant=grant)


def issue(desk: Desk, ask: Ask) -> Reply:
    """The token endpoint: tokens (then on the desk) or an error."""
    return Server(desk).create_token_response(ask)


def give_back(desk: Desk, ask: Ask) -> Reply:
    """The revocation endpoint."""
    return Server(desk).create_endpoint_response("revocation", ask)


def tell(desk: Desk, ask: Ask) -> Reply:
    """The introspection endpoint."""
    return Server(desk).create_endpoint_response("introspection", ask)


def credentials(authorization: str) -> tuple[str | None, str | None]:
    """Id and secret of an application in a Basic Authorization header; (None, None) for any other. ValueError when it cannot be read."""
    return extract_basic_authorization({"Authorization": authorization})
