"""Argon2id, away from the event loop and never more than a few at a time.

One check takes about a quarter of a second and 64 MiB (RFC 9106 §4, second recommended option; the defaults of argon2-cffi), so the
number that run at once and the number that may wait are both bounded: a flood of sign-ins slows sign-in, not the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from yilian.errors import BadRequest, TooManyRequests

T = TypeVar("T")

AT_ONCE = 2
WAITING = 64
LONGEST = 1024

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
_waiting = 0


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    """The hash an unknown name is checked against, so that it takes as long as a known one."""
    return _hasher().hash("nobody has this password")


async def hashed(password: str) -> str:
    """The PHC string of a new password. BadRequest when it is empty or longer than 1,024 characters."""
    if not password or len(password) > LONGEST:
        raise BadRequest(f"A password has 1 to {LONGEST} characters.", zh=f"密码长度应为 1 至 {LONGEST} 个字符。")
    return await _in_thread(_hasher().hash, password)


async def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password. Takes the same time when there is none stored (`None`): the caller learns nothing from the clock."""
    if len(password) > LONGEST:
        password = password[:LONGEST] + "\0"
    good = await _in_thread(_verify, stored, password)
    return good and stored is not None


def outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's and should be made anew at this sign-in."""
    return _hasher().check_needs_rehash(stored)


def _verify(stored: str | None, password: str) -> bool:
    try:
        return _hasher().verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


async def _in_thread(function: Callable[..., T], *args: str | None) -> T:
    global _waiting
    if _waiting >= WAITING:
        raise TooManyRequests("Too many people are signing in at this moment; try again.", zh="登录人数过多,请稍后重试。", retry_after_s=5)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, function, *args)
    finally:
        _waiting -= 1
