"""By what a patient is found again among a million: keys two records of one person are likely to share, however one of them was typed.

A key is a keyed hash of 63 bits, so the table says nothing about anybody. Those of common values (a telephone number half a town gives)
lead to so many patients that they are not followed; the others of the same patient are.
"""

from __future__ import annotations

from hashlib import blake2b

from yilian.identity.matching.features import Features

KINDS = {
    "document": "document",
    "passport": "passport",
    "card": "card",
    "insurance": "insurance",
    "file": "file",
    "phone": "phone",
    "sound-year": "confusable sound of the name, in any order, and year of birth",
    "sound-day": "the same, and day and month of birth: the year may be wrong",
    "initials-born": "first letters of the syllables and date of birth",
    "born-county": "date of birth, sex and county",
    "sound-town": "confusable sound of the name, and town: the date of birth may be unknown or wrong",
}
"""What is hashed, by the name of the key."""


def stored(features: Features, secret: bytes) -> list[int]:
    """The keys a patient is kept under, each once, in ascending order."""
    return sorted({_hash(kind, text, secret) for kind, text in parts(features)})


def asked(features: Features, secret: bytes) -> list[int]:
    """The keys to look under for somebody: those it would be kept under, and those of a few slips that need none of their own."""
    found = dict.fromkeys(parts(features))
    initials, born = _initials(features), features.born
    if initials and born and born[6:] <= "12":
        found["initials-born", f"{initials}|{born[:4]}{born[6:]}{born[4:6]}"] = None
    if features.bag and born:
        for year in (int(born[:4]) - 1, int(born[:4]) + 1):
            found["sound-year", f"{features.bag}|{year}"] = None
    return [_hash(kind, text, secret) for kind, text in found]


def parts(features: Features) -> list[tuple[str, str]]:
    """(kind, text) of each key of a patient."""
    found: list[tuple[str, str]] = []
    for column in ("document", "passport", "card", "insurance", "file", "phone"):
        value = getattr(features, column)
        if value is not None:
            found.append((column, value))
    if features.other_phone is not None:
        found.append(("phone", features.other_phone))
    bag, born = features.bag, features.born
    if bag and born:
        found += [("sound-year", f"{bag}|{born[:4]}"), ("sound-day", f"{bag}|{born[4:]}")]
    initials = _initials(features)
    if initials and born:
        found.append(("initials-born", f"{initials}|{born}"))
    if born and features.county:
        found.append(("born-county", f"{born}|{features.sex or ''}|{features.county}"))
    if bag and features.town:
        found.append(("sound-town", f"{bag}|{features.county or ''}|{features.town}"))
    return found


def _initials(features: Features) -> str:
    return "".join(sorted(word[0] for word in features.sound.split())) if features.sound else ""


def _hash(kind: str, text: str, secret: bytes) -> int:
    return int.from_bytes(blake2b(f"{kind}|{text}".encode(), digest_size=8, key=secret).digest()) >> 1
