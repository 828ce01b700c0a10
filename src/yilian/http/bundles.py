"""Search and history answers as Bundles, put together from stored bytes: no resource is parsed on its way out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from yilian.errors import Issue
from yilian.fhir.json import dump
from yilian.fhir.outcome import outcome
from yilian.http.answer import Answer
from yilian.http.request import Request
from yilian.store.contained import Inside
from yilian.store.page import Page
from yilian.store.read import Stored


def link(base: str, path: str, query: Sequence[tuple[str, str]]) -> str:
    """`base/path?query`, encoded."""
    text = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in query)
    where = f"{base}/{path}" if path else base
    return f"{where}?{text}" if text else where


_plain = re.compile(r"[A-Za-z0-9_.~:,|*/$-]*")


def _encoded(text: str) -> str:
    return text if _plain.fullmatch(text) else quote(text, safe=":,|*/$")


def of_page(
    request: Request,
    page: Page,
    moment: datetime,
    query: Sequence[tuple[str, str]] | None = None,
    ignored: Sequence[Issue] = (),
    path: str | None = None,
) -> Answer:
    """A page as a searchset that links to itself and, exactly when there is more, to the next one.

    `query`: what was asked, where that is not what stands in the address: a form, or the part that was understood. `ignored`: what was
    not; it is said in an entry of its own. `path`: where GET would find the same, where that is not the address.
    """
    path = "/".join(part for part in request.segments if part != "_search") if path is None else path
    asked = request.query if query is None else query
    body = searchset(
        request.base,
        self_link=link(request.base, path, asked),
        next_link=link(request.base, path, [*plain(asked), ("_cursor", page.next)]) if page.next else None,
        total=page.total,
        matches=page.matches,
        included=page.included,
        moment=moment,
        ignored=ignored,
    )
    return Answer(200, body)


def plain(query: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What was asked, whatever the page."""
    return [(name, value) for name, value in query if name != "_cursor"]


def searchset(
    base: str,
    *,
    self_link: str,
    next_link: str | None,
    total: int | None,
    matches: Iterable[Stored],
    included: Iterable[Stored] = (),
    moment: datetime,
    ignored: Sequence[Issue] = (),
) -> bytes:
    """A searchset Bundle. `total` counts matches in the caller's scope and is left out when it was not counted."""
    begin = b'{"fullUrl":' + dump(f"{base}/")[:-1]
    entries = [_entry(begin, found, _MATCH) for found in matches]
    entries += [_entry(begin, found, _INCLUDE) for found in included]
    if ignored:
        entries.append(b'{"resource":' + dump(outcome(ignored)) + b',"search":{"mode":"outcome"}}')
    links = [{"relation": "self", "url": self_link}]
    if next_link:
        links.append({"relation": "next", "url": next_link})
    return _bundle("searchset", moment, total, links, entries)


def history(
    base: str, *, self_link: str, next_link: str | None, versions: Iterable[tuple[Stored, str]], moment: datetime, total: int | None = None
) -> bytes:
    """A history Bundle, newest first; each version comes with the method that made it."""
    links = [{"relation": "self", "url": self_link}]
    if next_link:
        links.append({"relation": "next", "url": next_link})
    entries = []
    for found, method in versions:
        where = f"{found.type}/{found.id}"
        status = "204" if found.deleted else ("201" if method == "POST" or found.version == 1 else "200")
        stamp = found.updated.isoformat(timespec="milliseconds")
        request = {"method": method, "url": found.type if method == "POST" else where}
        response = {"status": status, "etag": f'W/"{found.version}"', "lastModified": stamp}
        parts = [b'"fullUrl":' + dump(f"{base}/{where}")]
        if found.body:
            parts.append(b'"resource":' + found.body)
        parts.append(b'"request":' + dump(request))
        parts.append(b'"response":' + dump(response))
        entries.append(b"{" + b",".join(parts) + b"}")
    return _bundle("history", moment, total, links, entries)


_MATCH, _INCLUDE = b',"search":{"mode":"match"}}', b',"search":{"mode":"include"}}'


def _entry(begin: bytes, found: Stored, end: bytes) -> bytes:
    """`begin`: up to the type in the address, whose quotation mark is still open. A type and an id hold nothing JSON would escape."""
    where = f"{found.type}/{found.id}".encode()
    if type(found) is Inside and found.name:
        where += dump(f"#{found.name}")[1:-1]
    return b'%b%b","resource":%b%b' % (begin, where, found.body, end)


def _bundle(kind: str, moment: datetime, total: int | None, links: list[dict[str, str]], entries: list[bytes]) -> bytes:
    head: dict[str, Any] = {"resourceType": "Bundle", "type": kind, "timestamp": moment.isoformat(timespec="milliseconds")}
    if total is not None:
        head["total"] = total
    head["link"] = links
    text = dump(head)
    return text[:-1] + b',"entry":[' + b",".join(entries) + b"]}" if entries else text
