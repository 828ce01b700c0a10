"""How text is made comparable: case, width, accents and spaces do not count, and no value is too long for an index.

FHIR R4: http://hl7.org/fhir/R4/search.html#string (case- and accent-insensitive by default)
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from hashlib import blake2b

LONGEST = 2000
"""Bytes of UTF-8 an index entry may have; PostgreSQL takes 2,700 for the whole row of a B-tree."""

AFTER_ALL = "\U0010ffff"
"""Sorts after everything: `prefix <= value < prefix + AFTER_ALL` are the values that start with it, in byte order."""


def fold(text: str) -> str:
    """Half-width, lower case, without accents, spaces collapsed: "ＡＮＮＥ  Müller" → "anne muller". Chinese stays as it is."""
    return _remembered(text) if len(text) <= 64 else _fold(text)


def _fold(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).casefold()
        parts = unicodedata.normalize("NFKD", text)
        text = unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))
    return " ".join(text.lower().split())


_remembered = lru_cache(maxsize=32768)(_fold)
"""Names and words come again and again; long texts do not, and would fill the memory."""


def clipped(text: str) -> str:
    """At most `LONGEST` bytes of it, cut between characters. For values compared by their beginning."""
    if len(text) * 4 <= LONGEST:
        return text
    data = text.encode()
    return text if len(data) <= LONGEST else data[:LONGEST].decode(errors="ignore")


def bounded(text: str) -> str:
    """The text itself, or for an overlong one its beginning and a digest of the whole. For values compared as a whole."""
    if len(text) * 4 <= LONGEST:
        return text
    data = text.encode()
    if len(data) <= LONGEST:
        return text
    return data[: LONGEST - 40].decode(errors="ignore") + "#" + blake2b(data, digest_size=16).hexdigest()


def pattern(text: str) -> str:
    """The text as part of a LIKE pattern, meaning itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
