"""The entries of a transaction Bundle, read and checked for form before anything is looked up.

FHIR R4: http://hl7.org/fhir/R4/bundle.html#transaction, http://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from yilian.errors import BadRequest, NotSupported, TooLarge
from yilian.fhir.definitions import ADDRESSED_TYPES
from yilian.store.plan import ID

MOST_ENTRIES = 10_000
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ETAG = re.compile(r'(?:W/)?"([1-9][0-9]{0,8})"')
REST = re.compile(r"(?P<root>https?://\S+?)/(?P<local>[A-Za-z]{1,64}/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")

Pairs = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Entry:
    """One entry. `query` stands for `Type?…` in the url, `if_none_exist` for the header of that name; ids are filled in later.

    place      "Bundle.entry[3]"
    method     GET stands for everything that only reads and is answered by the caller: GET, HEAD, operations, _search
    fresh      its condition found nothing, and the resource brought its id along
    made       its condition found nothing, and the store made the id
    full_url   what other entries call it; "" for none
    root       the server the entry came from ("http://example.org/fhir"), where its fullUrl is a RESTful address
    """

    number: int
    method: str
    type: str
    id: str | None
    query: Pairs | None
    resource: dict[str, Any] | None
    full_url: str = ""
    root: str = ""
    if_match: int | None = None
    if_none_match_any: bool = False
    if_none_exist: Pairs | None = None
    fresh: bool = False
    made: bool = False

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.number}]"


def read_entries(bundle: dict[str, Any], base: str, *, asking: bool = False) -> list[Entry]:
    """Every entry of a transaction, in order. `base` is our own address; request.url may be absolute below it.

    `asking`: operations and searches by POST may be among them, since somebody is there to answer them.

    Raises BadRequest, NotSupported or TooLarge, with the expression of the field at fault.
    """
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction":
        raise BadRequest("A Bundle of type transaction was expected.", expression="Bundle.type")
    raw = bundle.get("entry", [])
    if not isinstance(raw, list):
        raise BadRequest("Bundle.entry is a list.", expression="Bundle.entry")
    if len(raw) > MOST_ENTRIES:
        raise TooLarge(
            f"A transaction has at most {MOST_ENTRIES} entries; this one has {len(raw)}. Send it in parts.", expression="Bundle.entry"
        )
    entries = [_entry(number, item, base, asking) for number, item in enumerate(raw)]
    _check_full_urls(entries)
    return entries


def _entry(number: int, item: Any, base: str, asking: bool) -> Entry:
    place = f"Bundle.entry[{number}]"
    request = item.get("request") if isinstance(item, dict) else None
    if not isinstance(request, dict):
        raise BadRequest("Every entry of a transaction needs a request.", expression=f"{place}.request", code="required")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        raise BadRequest(f"request.method is one of {', '.join(METHODS)}.", expression=f"{place}.request.method")
    if not isinstance(url, str) or not url:
        raise BadRequest("request.url says what the entry is about, such as Patient or Patient/123.", expression=f"{place}.request.url")
    resource = item.get("resource")
    if method in ("GET", "HEAD") or (asking and method == "POST" and _is_asking(url)):
        return Entry(number, "GET", "", None, None, None)
    kind, id_, query = _address(url, base, method, place)
    entry = Entry(number, method, kind, id_, query, resource)
    if method in ("POST", "PUT", "PATCH") and not isinstance(resource, dict):
        raise BadRequest(f"{method} needs a resource.", expression=f"{place}.resource", code="required")
    if method in ("POST", "PUT") and isinstance(resource, dict) and resource.get("resourceType") != kind:
        raise BadRequest(
            f"request.url says {kind}, the resource is a {str(resource.get('resourceType'))[:64]}.",
            expression=f"{place}.resource.resourceType",
        )
    _conditions(entry, request)
    full_url = item.get("fullUrl", "")
    if not isinstance(full_url, str):
        raise BadRequest("fullUrl is a text.", expression=f"{place}.fullUrl")
    entry.full_url = full_url
    if match := REST.fullmatch(full_url):
        entry.root = match["root"]
    return entry


def _is_asking(url: str) -> bool:
    """An operation or a search by POST: the caller knows which of them only read, and refuses the others."""
    last = url.partition("?")[0].rstrip("/").rpartition("/")[2]
    return last.startswith("$") or last == "_search"


def _address(url: str, base: str, method: str, place: str) -> tuple[str, str | None, Pairs | None]:
    """(type, id, query) of a request.url."""
    expression = f"{place}.request.url"
    path = url[len(base) :] if base and url.startswith(base + "/") else url
    if "://" in path.partition("?")[0]:
        raise BadRequest(f"{url[:120]} is not an address of this server.", expression=expression)
    path, _, text = path.lstrip("/").partition("?")
    steps = path.rstrip("/").split("/")
    if "$" in path or "_search" in steps or "_history" in steps:
        raise NotSupported(f"{method} {url[:120]} cannot be part of a transaction.", expression=expression)
    if steps[0] not in ADDRESSED_TYPES or len(steps) > 2 or (len(steps) == 2 and ID.fullmatch(steps[1]) is None):
        raise BadRequest(f"{url[:120]!r} is not Type or Type/id.", expression=expression)
    id_ = steps[1] if len(steps) == 2 else None
    query = tuple(parse_qsl(text, keep_blank_values=True)) if text else None
    if method == "POST" and (id_ is not None or query is not None):
        raise BadRequest("POST goes to a type; conditional creation uses request.ifNoneExist.", expression=expression)
    if method != "POST" and (id_ is None) == (query is None):
        raise BadRequest(f"{method} needs an id or a search, one of the two.", expression=expression)
    return steps[0], id_, query


def _conditions(entry: Entry, request: dict[str, Any]) -> None:
    match, none_match, none_exist = (request.get(name) for name in ("ifMatch", "ifNoneMatch", "ifNoneExist"))
    if match is not None:
        found = ETAG.fullmatch(match) if isinstance(match, str) else None
        if found is None:
            raise BadRequest('ifMatch is one version, such as W/"3".', expression=f"{entry.place}.request.ifMatch")
        entry.if_match = int(found[1])
    if none_match is not None:
        if none_match != "*":
            raise BadRequest("ifNoneMatch of a write can only be *.", expression=f"{entry.place}.request.ifNoneMatch")
        entry.if_none_match_any = True
    if none_exist is not None:
        if entry.method != "POST" or not isinstance(none_exist, str):
            raise BadRequest("ifNoneExist is a search, and goes with POST.", expression=f"{entry.place}.request.ifNoneExist")
        entry.if_none_exist = tuple(parse_qsl(none_exist.lstrip("?"), keep_blank_values=True))
        if not entry.if_none_exist:
            raise BadRequest("ifNoneExist names no parameter.", expression=f"{entry.place}.request.ifNoneExist")


def _check_full_urls(entries: Sequence[Entry]) -> None:
    seen: dict[str, Entry] = {}
    for entry in entries:
        if entry.full_url and (first := seen.setdefault(entry.full_url, entry)) is not entry:
            raise BadRequest(f"{entry.place} has the same fullUrl as {first.place}.", expression=f"{entry.place}.fullUrl", code="duplicate")
