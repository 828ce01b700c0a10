"""The version headers. FHIR R4 http.html §3.1.0.2 (concurrency) and RFC 9110 §13."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from yilian.errors import BadRequest

ETAG = re.compile(r'^(?:W/)?"([1-9][0-9]{0,8})"$')


def if_match(header: str) -> int | None:
    """The version the caller believes to be current, None without the header. BadRequest when it is not one version in quotes."""
    if not header:
        return None
    found = ETAG.match(header.strip())
    if not found:
        raise BadRequest(f'If-Match must be one version such as W/"3", not {header!r}.')
    return int(found.group(1))


def any_match(header: str) -> bool:
    """If-None-Match: * on a write: only if there is nothing yet."""
    if not header:
        return False
    if header.strip() != "*":
        raise BadRequest("If-None-Match on a write can only be *.")
    return True


def unchanged(header: str, version: int) -> bool:
    """If-None-Match on a read: the caller already has this version."""
    known = (ETAG.match(part.strip()) for part in header.split(","))
    return any(found is not None and int(found.group(1)) == version for found in known)


def modified_since(header: str) -> datetime | None:
    """The whole second of If-Modified-Since; None without the header, and for what is no date, as RFC 9110 §13.1.3 has it."""
    if not header:
        return None
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
