"""Narrative: a `<div>` of plain XHTML, nothing that acts, nothing that loads a script (txt-1, txt-2).

Refused at the door, so that no page has to trust what another hospital wrote. http://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

import re
from html.entities import name2codepoint
from xml.parsers import expat

XHTML = "http://www.w3.org/1999/xhtml"

_ELEMENTS = """
a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre q samp small
span strong sub sup table tbody td tfoot th thead tr tt ul var
"""
ELEMENTS = frozenset(_ELEMENTS.split())
"""The basic formatting elements of chapters 7-11 (except section 4 of chapter 9) and 15 of HTML 4.0, `a`, and images (txt-1)."""

_ATTRIBUTES = """
abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite class colspan compact
coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev rowspan rules scope shape span src start style
summary tabindex title type valign value vspace width
"""
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
"""Attributes HL7 lets through (txt-1); none of the `on…` events."""


class _Refused(Exception):
    """Ends the parser at the first fault; the message says which."""


class _Reader:
    def __init__(self) -> None:
        self.depth = 0
        self.has_content = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if self.depth == 0 and local != "div":
            raise _Refused("it must be one <div> element.")
        if space != XHTML:
            raise _Refused(f'the namespace must be xmlns="{XHTML}".')
        if local not in ELEMENTS:
            raise _Refused(f"the element <{local[:20]}> is not allowed (txt-1).")
        for attribute, value in attributes.items():
            if not _is_allowed(attribute, value):
                raise _Refused(f"the attribute {attribute[-20:]} is not allowed (txt-1).")
        self.depth += 1
        if self.depth > 100:
            raise _Refused("its elements nest too deep.")
        if local == "img":
            self.has_content = True

    def end(self, name: str) -> None:
        self.depth -= 1

    def text(self, data: str) -> None:
        self.has_content = self.has_content or not data.isspace()

    def refuse(self, *_: object) -> None:
        raise _Refused("DOCTYPE and processing instructions are not allowed.")


def _is_allowed(attribute: str, value: str) -> bool:
    if attribute in ("http://www.w3.org/XML/1998/namespace lang", "http://www.w3.org/XML/1998/namespace space"):
        return True
    if attribute not in ATTRIBUTES:
        return False
    link = "".join(value.split()).lower()
    return attribute not in ("href", "src", "cite", "longdesc") or not link.startswith(("javascript:", "vbscript:", "data:text"))


def narrative_fault(div: str) -> str | None:
    """What is wrong with a `Narrative.div`, in English, or None. HTML entities such as `&nbsp;` are read; no other is."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.ProcessingInstructionHandler = reader.refuse
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(_without_entities(div), True)
    except _Refused as refused:
        return str(refused)
    except (expat.ExpatError, ValueError) as error:
        return f"it is not well-formed XML ({str(error)[:80]})."
    return None if reader.has_content else "it has no text and no image (txt-2)."


def _without_entities(div: str) -> str:
    """Names of characters that HTML has and XML has not are read as a blank; only form is checked here, nothing is stored."""
    if "&" not in div:
        return div

    def one(match: re.Match[str]) -> str:
        name = match[1]
        return " " if name in name2codepoint and name not in ("lt", "gt", "amp", "quot") else match[0]

    return re.sub(r"&([A-Za-z][A-Za-z0-9]{1,12});", one, div)
