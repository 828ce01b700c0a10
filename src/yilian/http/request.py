"""One HTTP request as a value: method, path segments, query pairs, headers, body.

Reading is strict: a path, query or header that cannot be read exactly is refused, never guessed at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from yilian.errors import BadRequest, TooLarge, UnsupportedMediaType
from yilian.fhir import json, xml
from yilian.http.formats import JSON, PLAIN, XML, Format

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

"""What `_format` may say."""
JSON_TYPES = ("application/fhir+json", "application/json", "text/json", "text/fhir+json")


@dataclass(slots=True)
class Request:
    """What one caller asks.

    segments   the path below /fhir, decoded: ["Patient", "1", "_history"]
    query      name and value pairs in the order given, decoded
    headers    lower-case names; the last of a repeated header wins
    base       the address of our FHIR endpoint as this caller reaches it, without a slash at the end
    """

    method: str
    segments: list[str]
    query: list[tuple[str, str]]
    headers: dict[str, str]
    base: str
    address: str = ""
    request_id: str = ""
    _receive: Receive | None = None
    _limit: int = 0
    _body: bytes | None = field(default=None, repr=False)
    wanted: Format = PLAIN

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    def prefer(self, name: str) -> str:
        """A preference of the `Prefer` header (`return`, `handling`), or ""."""
        for part in self.header("prefer").split(","):
            for item in part.split(";"):
                key, _, value = item.strip().partition("=")
                if key.lower() == name:
                    return value.strip().strip('"').lower()
        return ""

    async def body(self) -> bytes:
        """The whole body. TooLarge once it passes the limit; nothing is read after that."""
        if self._body is not None:
            return self._body
        if self._receive is None:
            return b""
        if (packed := self.header("content-encoding").strip().lower()) not in ("", "identity"):
            raise UnsupportedMediaType(f"A body with Content-Encoding {packed[:40]} is not read here; send it uncompressed.")
        stated = self.header("content-length")
        if stated.isdigit() and int(stated) > self._limit:
            raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("The connection ended before the whole body had come.")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._limit:
                raise self._too_large()
            chunks.append(chunk)
            if not message.get("more_body"):
                break
        self._body = b"".join(chunks)
        return self._body

    async def until_gone(self) -> None:
        """Returns when the caller has closed the connection: for answers that are sent as long as somebody listens."""
        if self._receive is not None:
            while (await self._receive())["type"] != "http.disconnect":
                pass

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes, for what is too large to be held; whoever takes it watches the size. BadRequest when it breaks off."""
        if self._body is not None or self._receive is None:
            yield self._body or b""
            return
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("The connection ended before the whole body had come.")
            if piece := message.get("body", b""):
                yield piece
            if not message.get("more_body"):
                return

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"The body is larger than the {self._limit // (1024 * 1024)} MiB this server takes at once; send it in several requests.",
            zh="提交的内容过大,请分批提交。",
        )

    async def resource(self) -> dict[str, Any]:
        """The body, JSON or XML, as one JSON object. UnsupportedMediaType or BadRequest when it is not."""
        kind, _, parameters = self.header("content-type").partition(";")
        kind = kind.strip().lower()
        if "/" not in kind or (kind not in JSON and kind not in XML):
            raise UnsupportedMediaType(
                f"Content-Type {kind or '(none)'} is not read here; send application/fhir+json or application/fhir+xml.",
            )
        if "charset=" in parameters.lower() and "utf-8" not in parameters.lower():
            raise UnsupportedMediaType("FHIR is UTF-8; send it with charset=utf-8.")
        body = await self.body()
        if not body:
            raise BadRequest("The body is empty; a resource was expected.", zh="请求内容为空。")
        return xml.parse(body) if kind in XML else json.parse(body)

    async def form(self) -> list[tuple[str, str]]:
        """The body of POST _search: application/x-www-form-urlencoded pairs."""
        kind = self.header("content-type").partition(";")[0].strip().lower()
        body = await self.body()
        if not body:
            return []
        if kind != "application/x-www-form-urlencoded":
            raise UnsupportedMediaType("POST _search takes application/x-www-form-urlencoded.")
        try:
            return pairs(body.decode("ascii"))
        except UnicodeDecodeError as error:
            raise BadRequest("The form is not percent-encoded.") from error


def pairs(text: str) -> list[tuple[str, str]]:
    """`a=1&b=2` decoded, empty values kept. BadRequest for what is not UTF-8, has a NUL, or has too many fields."""
    if not text:
        return []
    try:
        found = parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=500)
    except (ValueError, UnicodeDecodeError) as error:
        raise BadRequest("The query string cannot be read: percent-encoded UTF-8 and at most 500 parameters are expected.") from error
    if any("\x00" in name or "\x00" in value for name, value in found):
        raise BadRequest("The query string has a NUL character.")
    return found


def segments(raw_path: bytes, prefix: str) -> list[str]:
    """The decoded segments of the path below `prefix`. BadRequest when they are not UTF-8."""
    try:
        path = raw_path.decode("ascii")
        rest = path[len(prefix) :].strip("/")
        found = [unquote(part, errors="strict") for part in rest.split("/")] if rest else []
    except (UnicodeDecodeError, ValueError) as error:
        raise BadRequest("The path cannot be read: percent-encoded UTF-8 is expected.") from error
    if any("\x00" in part or part == "" for part in found):
        raise BadRequest("The path has an empty or unreadable part.")
    return found
