"""Files of an import fetched from elsewhere: only from hosts the administrator named, never where a redirect would lead, never more than
was allowed.

A server that fetches what callers name could be made to ask for things inside the hospital's network that the caller cannot reach
(OWASP: server-side request forgery), so the list of hosts is empty unless it is set.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from yilian.errors import BadRequest, Forbidden, TooLarge, Unavailable

CHUNK = 1 << 20
WAIT_S = 30


def allowed(url: str, hosts: Sequence[str]) -> None:
    """Raises BadRequest for what is no http(s) address, Forbidden for one whose host is not listed, as `host` or `host:port`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadRequest(f"{url[:200]!r} is no address.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or not url.isascii() or " " in url:
        raise BadRequest(f"{url[:200]!r} is no address a file can be fetched from; write https://host/file.ndjson.")
    host = parts.hostname.lower()
    standard = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    if f"{host}:{port}" in hosts or (standard and host in hosts):
        return
    raise Forbidden(
        f"Files are not fetched from {parts.netloc[:200]}; the administrator lists the hosts (setting import_hosts). "
        "Or send the file itself: POST /$import with Content-Type application/fhir+ndjson.",
        zh="不允许从该地址获取文件,请联系管理员,或直接上传文件。",
    )


def fetch(url: str, to: Path, most: int) -> int:
    """Fetch one file; its size. To be run in a thread.

    Unavailable when the other side does not deliver, TooLarge for more than `most` bytes.
    """
    half = to.with_suffix(".part")
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
    asked = urllib.request.Request(url, headers={"accept": "application/fhir+ndjson, application/x-ndjson", "accept-encoding": "identity"})
    size = 0
    try:
        with opener.open(asked, timeout=WAIT_S) as answer, half.open("wb") as out:
            while chunk := answer.read(CHUNK):
                size += len(chunk)
                if size > most:
                    raise TooLarge(f"{url[:200]} is larger than the {most} bytes one file may have.")
                out.write(chunk)
    except urllib.error.HTTPError as error:
        with error:
            raise Unavailable(f"{url[:200]} is answered with {error.code}.") from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise Unavailable(f"{url[:200]} cannot be fetched: {error}") from error
    half.replace(to)
    return size


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Where it leads was not allowed by anybody."""

    def redirect_request(self, *args: Any, **more: Any) -> None:
        return None
