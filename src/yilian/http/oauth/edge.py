"""What every sign-in address needs: who we are to this caller, the session cookie, bodies of bounded size, errors as they are expected."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from yilian.access.federation import Federation
from yilian.access.settings import AccessSettings
from yilian.access.sign_in import Caller
from yilian.access.tokens import Verifier
from yilian.db import Database
from yilian.errors import BadRequest, Forbidden, TooLarge, TooManyRequests, Unavailable, UnsupportedMediaType, YilianError
from yilian.http.limits import Limits
from yilian.http.outcome import answer_for
from yilian.http.request import pairs

COOKIE = "yilian-session"
COOKIE_PATH = "/oauth2"
"""The FHIR interface never sees the cookie, so no other site can make a browser use it there."""
LONGEST_BODY = 16 * 1024

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")

NO_STORE = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}

HSTS = "max-age=31536000; includeSubDomains"
"""RFC 6797: from now on this host is spoken to over TLS alone."""

Handler = Callable[["Edge", Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Edge:
    """What the handlers work with."""

    db: Database
    verifier: Verifier
    settings: AccessSettings
    limits: Limits
    federation: Federation

    def answering(self, handler: Handler, *, oauth: bool = False) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint for this handler: failures become an OperationOutcome, or what RFC 6749 §5.2 asks for where `oauth`."""

        async def endpoint(request: Request) -> Response:
            request_id = id_of(request)
            try:
                response = await handler(self, request)
            except Exception as error:  # every failure leaves as an answer; what is unknown is logged there
                response = _oauth_error(error) if oauth and isinstance(error, YilianError) else _outcome(error, request_id)
            for name, value in NO_STORE.items():
                response.headers.setdefault(name, value)
            if request.url.scheme == "https" or self.settings.public_url.startswith("https:"):
                response.headers.setdefault("strict-transport-security", HSTS)
            response.headers["x-request-id"] = request_id
            return response

        return endpoint

    def origin(self, request: Request) -> str:
        """How this caller reaches us, "https://host": the configured address, else the one in the request. BadRequest for a Host that
        is none."""
        if self.settings.public_url:
            return self.settings.public_url
        host = request.headers.get("host", "")
        if not _HOST.fullmatch(host):
            raise BadRequest("The Host header is missing or not a host.")
        return f"{request.url.scheme}://{host}"

    def from_own_page(self, request: Request) -> None:
        """Forbidden when a page of another origin sent this (CSRF). Scripts and systems, which send no Origin, pass."""
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        if (origin is not None and origin != self.origin(request)) or site in ("cross-site", "same-site"):
            raise Forbidden("Only a page of this server itself may send this.", zh="请求来源不正确,请从本系统页面操作。")

    def set_cookie(self, request: Request, response: Response, value: str) -> None:
        """The session cookie; it ends with the browser's session, the session itself on the server when its time is over."""
        secure = self.origin(request).startswith("https:")
        response.set_cookie(COOKIE, value, path=COOKIE_PATH, secure=secure, httponly=True, samesite="lax")

    def delete_cookie(self, request: Request, response: Response) -> None:
        secure = self.origin(request).startswith("https:")
        response.delete_cookie(COOKIE, path=COOKIE_PATH, secure=secure, httponly=True, samesite="lax")


def id_of(request: Request) -> str:
    """The caller's X-Request-Id if it is one, else a new one; the same for the whole request."""
    known: str | None = getattr(request.state, "request_id", None)
    if known is None:
        given = request.headers.get("x-request-id", "")
        known = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        request.state.request_id = known
    return known


def caller(request: Request) -> Caller:
    return Caller(request.client.host if request.client else "", request.headers.get("user-agent", ""), id_of(request))


def cookie(request: Request) -> str:
    """The session cookie, "" for none or one that cannot be ours."""
    value = request.cookies.get(COOKIE, "")
    return value if len(value) <= 100 else ""


async def body(request: Request, longest: int = LONGEST_BODY) -> bytes:
    """The body. TooLarge past `longest` bytes."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > longest:
            raise TooLarge("The body is larger than sign-in needs.", zh="提交的内容过大。")
        chunks.append(chunk)
    return b"".join(chunks)


async def form(request: Request) -> list[tuple[str, str]]:
    """The pairs of an application/x-www-form-urlencoded body. BadRequest or UnsupportedMediaType when it is not one."""
    if _kind(request) != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("Send application/x-www-form-urlencoded.")
    try:
        return pairs((await body(request)).decode("ascii"))
    except UnicodeDecodeError:
        raise BadRequest("The form is not percent-encoded.") from None


async def json(request: Request, kind: type[Any]) -> Any:
    """The JSON body as a `msgspec.Struct`. A form or text sent by another site's page is refused: only a script of ours can send JSON."""
    if _kind(request) != "application/json":
        raise UnsupportedMediaType("Send application/json.")
    try:
        return msgspec.json.decode(await body(request), type=kind)
    except (msgspec.DecodeError, UnicodeError):
        raise BadRequest("The body is not the JSON that is expected here.", zh="提交的内容格式不正确。") from None


def of_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _outcome(error: Exception, request_id: str) -> Response:
    answer = answer_for(error, request_id)
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers, answer.content_type.decode())


def _oauth_error(error: YilianError) -> Response:
    code = "temporarily_unavailable" if isinstance(error, (Unavailable, TooManyRequests)) else "invalid_request"
    headers = {"retry-after": str(error.retry_after_s)} if error.retry_after_s is not None else None
    return of_json({"error": code, "error_description": error.issues[0].diagnostics}, error.status, headers)
