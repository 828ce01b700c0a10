"""What the trail keeps of a search: everything, but for numbers and telephones of persons, of which it keeps fingerprints.

The trail is kept for years and is in a chain, so nothing in it can be sealed anew: a keyed hash takes the place of the number. Whoever
knows the number and has the keys finds who asked for it (`yilian key fingerprint`); nobody reads it back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_plus

import msgspec

from yilian.errors import BadRequest
from yilian.search.escapes import split

if TYPE_CHECKING:
    from yilian.audit.note import Note
    from yilian.sealing.keyring import Keyring

SIGN = "~"
"""Before a fingerprint."""
IDENTIFYING = frozenset({"identifier", "phone", "telecom", "email"})
"""Parameters whose values are, by the last part of their name."""

_name = re.compile(r"[.:]")
_number = re.compile(r"(?<![0-9A-Za-z~_-])(?:[0-9]{17}[0-9Xx]|[0-9]{17}|[0-9]{15}|(?:\+?86)?1[3-9][0-9]{9})(?![0-9A-Za-z])")
"""身份证, 健康档案编号, mobile telephones, wherever they stand."""
_hint = re.compile(r"identifier|phone|telecom|email|[0-9]{11}")


def discreet(ring: Keyring, notes: Sequence[Note]) -> Sequence[Note]:
    """The notes as they are kept. Unavailable while the keys cannot be read."""
    if not any(note.query and _hint.search(note.query) for note in notes) or not ring.seals:
        return notes
    return [msgspec.structs.replace(note, query=told(ring, note.query)) if note.query else note for note in notes]


def told(ring: Keyring, query: str) -> str:
    """The query, percent-encoded, with fingerprints in place of what is a person's."""
    path, mark, rest = query.partition("?")
    pairs = [_pair(ring, pair) for pair in rest.split("&")]
    return _without_numbers(ring, path) + mark + "&".join(pairs)


def _pair(ring: Keyring, pair: str) -> str:
    name, equals, value = pair.partition("=")
    if not _hint.search(pair):
        return pair
    plain = unquote_plus(value)
    if not IDENTIFYING.isdisjoint(_name.split(unquote_plus(name))):
        plain = ",".join(_token(ring, one) for one in _split(plain, ","))
    return name + equals + quote(_without_numbers(ring, plain), safe="/:,|~-")


def _token(ring: Keyring, text: str) -> str:
    """`system|value`: the system stays."""
    *before, value = _split(text, "|")
    return "|".join([*before, SIGN + ring.fingerprint(value) if value else ""])


def _split(text: str, sign: str) -> list[str]:
    try:
        return split(text, sign)
    except BadRequest:  # a search that was refused is noted too
        return text.split(sign)


def _without_numbers(ring: Keyring, text: str) -> str:
    return _number.sub(lambda found: SIGN + ring.fingerprint(found[0]), text)
