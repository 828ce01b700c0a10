"""Where the next page starts: a few integers and times, written as a short text that goes into a link and comes back.

A cursor holds positions only, no rights: whoever sends it back is asked for a scope like anyone else.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta

import msgspec

from yilian.errors import BadRequest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def pack(*places: int | datetime) -> str:
    """The text of a cursor. Times are aware; they keep their microseconds."""
    values = [(place - EPOCH) // timedelta(microseconds=1) if isinstance(place, datetime) else place for place in places]
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(values)).rstrip(b"=").decode()


def unpack(text: str, count: int) -> list[int]:
    """The `count` numbers of a cursor; a time is in microseconds, see `moment`. Raises BadRequest for a text that is none of ours."""
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        values = msgspec.msgpack.decode(data, type=list[int])
    except (ValueError, binascii.Error, msgspec.DecodeError):
        values = []
    if len(values) != count or any(abs(value) >= 2**62 for value in values):
        raise BadRequest("_cursor is not from a link of this server; start again from the first page.", zh="分页参数无效,请回到第一页。")
    return values


def moment(microseconds: int) -> datetime:
    """The time a cursor holds. Raises BadRequest when no calendar has it."""
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise BadRequest("_cursor is not from a link of this server; start again from the first page.") from None
