"""Whether a content is what it says it is: allowed by the region's list, not too large, and of the declared kind by its own bytes.

What a browser would run (HTML, SVG, scripts in XML) is refused whatever it is called. Found by `puremagic`; texts by reading them.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers import expat

import puremagic

from yilian.errors import InvalidResource, Issue

MIB = 1024 * 1024
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XML = frozenset({"text/xml", "application/xml"})
TEXTS = frozenset({"text/plain", "text/csv", "application/json"})
RUN_BY_BROWSERS = ("html", "svg", "xhtml")
HEADS: dict[str, tuple[tuple[int, bytes], ...]] = {
    "application/pdf": ((0, b"%PDF-"),),
    "image/jpeg": ((0, b"\xff\xd8\xff"),),
    "image/png": ((0, b"\x89PNG\r\n\x1a\n"),),
    "image/tiff": ((0, b"II*\x00"), (0, b"MM\x00*")),
    "application/dicom": ((128, b"DICM"),),
    DOCX: ((0, b"PK\x03\x04"),),
}
"""What must stand at the beginning besides what `puremagic` finds, which looks anywhere it can: one of these, at its place."""


def checked(declared: str, content: bytes, allowed: Mapping[str, float], place: str) -> str:
    """The media type without its parameters. `allowed`: MiB by type. InvalidResource when it is not allowed, too large, or another."""
    kind = declared.partition(";")[0].strip().lower()
    if kind not in allowed:
        raise _refused(
            f"Contents of the type {kind[:80]!r} are not taken; {', '.join(sorted(allowed))} are.", place, "不支持该类型的文件。"
        )
    most = allowed[kind]
    if len(content) > most * MIB:
        raise _refused(f"This content has {len(content)} bytes; {kind} may have {most} MiB.", place, f"文件过大，该类型不超过 {most} MB。")
    if not content:
        raise _refused("This content is empty.", place, "文件为空。")
    if not _is(kind, content):
        raise _refused(f"These bytes are not {kind}, which contentType says they are.", place, "文件内容与声明的类型不符。")
    return kind


def _is(kind: str, content: bytes) -> bool:
    if kind in XML:
        return _is_harmless_xml(content)
    if kind in TEXTS:
        return _is_text(content)
    if kind not in HEADS or not any(content[place : place + len(head)] == head for place, head in HEADS[kind]):
        return False
    try:
        found = {one.mime_type for one in puremagic.magic_string(content)}
    except (puremagic.PureError, ValueError):
        return False
    if kind == DOCX:
        return kind in found and b"word/" in content and b"vbaProject.bin" not in content
    return kind in found


def _is_text(content: bytes) -> bool:
    """UTF-8 or GB 18030 without control characters, and nothing a browser that guesses would take for a page."""
    if b"\x00" in content:
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        return False
    if any(character < " " and character not in "\t\n\r\f\x1b" for character in text[:4096]):
        return False
    head = text.lstrip("\ufeff \t\r\n")[:1024].lower()
    return not any(head.startswith(start) for start in ("<!doctype", "<html", "<svg", "<script", "<?xml", "<body", "<iframe"))


class _Refused(Exception):
    pass


def _is_harmless_xml(content: bytes) -> bool:
    """Well-formed, without a document type of its own (and so without entities), and with nothing in it that browsers run."""
    parser = expat.ParserCreate(namespace_separator=" ")

    def begins(name: str, attributes: Mapping[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if any(one in space.lower() for one in RUN_BY_BROWSERS) or local.lower() in ("html", "svg", "script"):
            raise _Refused

    def refuse(*_: object) -> None:
        raise _Refused

    parser.StartElementHandler = begins
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, _Refused, ValueError, LookupError):
        return False
    return True


def _refused(text: str, place: str, zh: str) -> InvalidResource:
    return InvalidResource(text, issues=[Issue("error", "value", text, place, zh)])
