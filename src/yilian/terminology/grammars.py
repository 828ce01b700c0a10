"""Code systems that are a grammar and no list: a code is right when it can be read. Nothing of them has to be stored.

UCUM: https://ucum.org/ucum; languages: BCP 47 (RFC 5646 §2.1); media types: BCP 13 (RFC 6838 §4.2).
A system a region stored under one of these urls is asked instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from yilian.fhir import ucum

LANGUAGE = re.compile(
    r"([a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4,8})(-[a-z]{4})?(-([a-z]{2}|\d{3}))?(-([a-z0-9]{5,8}|\d[a-z0-9]{3}))*(-[a-wyz0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?"
    r"|x(-[a-z0-9]{1,8})+",
    re.IGNORECASE,
)
NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
MEDIA_TYPE = re.compile(rf"{NAME}/{NAME}(\s*;\s*{NAME}=([^\s;\"]+|\"[^\"]*\"))*")


def _is_unit(code: str) -> bool:
    try:
        ucum.parse(code)
    except ucum.UnknownUnit:
        return False
    return True


GRAMMARS: Mapping[str, Callable[[str], bool]] = {
    ucum.SYSTEM: _is_unit,
    "urn:ietf:bcp:47": lambda code: LANGUAGE.fullmatch(code) is not None,
    "urn:ietf:bcp:13": lambda code: MEDIA_TYPE.fullmatch(code) is not None,
}
"""System → whether a text is a code of it."""

TITLES = {ucum.SYSTEM: "UCUM", "urn:ietf:bcp:47": "BCP 47", "urn:ietf:bcp:13": "BCP 13"}
"""What they are called by people."""
