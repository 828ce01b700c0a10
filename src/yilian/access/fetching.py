"""Small JSON documents that this server reads from others: key sets, what an OpenID provider says of itself, tokens it answers with.

Bounded in time and size; no redirect is followed, since it would lead past the check of the address; the connection goes to the very
address that was checked (`resolving.Resolver`). aiohttp is loaded with the first of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from yilian.access.addresses import Allowed
from yilian.errors import InvalidResource

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S = 5
LONGEST = 128 * 1024


class NotFetched(Exception):
    """The text says why, for the log and the trail; nothing in it is the other side's."""


async def fetched(url: str, allowed: Allowed) -> dict[str, Any]:
    """The JSON object at this address. NotFetched for whatever stands in its way."""
    return await _asked("GET", url, allowed, None, {})


async def sent(url: str, allowed: Allowed, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
    """The JSON object this form is answered with. NotFetched for whatever stands in its way, an answer that is not 200 too."""
    return await _asked("POST", url, allowed, form, headers)


async def _asked(method: str, url: str, allowed: Allowed, form: Mapping[str, str] | None, headers: Mapping[str, str]) -> dict[str, Any]:
    import aiohttp

    from yilian.access.resolving import Resolver

    try:
        allowed.require(url)
        async with asyncio.timeout(TIMEOUT_S):
            connector = aiohttp.TCPConnector(resolver=Resolver(allowed), use_dns_cache=False, force_close=True)
            async with (
                aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session,
                session.request(
                    method,
                    url,
                    data=dict(form) if form is not None else None,
                    headers={"accept": "application/json", "user-agent": "Yilian", **headers},
                    allow_redirects=False,
                ) as answer,
            ):
                body = await _body(answer)
                if answer.status != 200:
                    raise NotFetched(f"it answered {answer.status}")
        found = msgspec.json.decode(body)
    except InvalidResource as error:
        raise NotFetched(str(error)) from None
    except TimeoutError:
        raise NotFetched(f"no answer within {TIMEOUT_S} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise NotFetched(f"it cannot be reached ({type(error).__name__})") from None
    except (msgspec.DecodeError, UnicodeError, ValueError):
        raise NotFetched("what it answered is no JSON") from None
    if not isinstance(found, dict):
        raise NotFetched("what it answered is no JSON object")
    return found


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_chunked(16 * 1024):
        size += len(chunk)
        if size > LONGEST:
            raise NotFetched(f"it answers with more than {LONGEST // 1024} KiB")
        chunks.append(chunk)
    return b"".join(chunks)
