"""In which format an answer goes out: JSON as it is stored, or XML made of it; compressed for slow lines.

What a caller asks for is in `_format`, else in Accept. FHIR R4: http://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from yilian.errors import BadRequest, NotAcceptable
from yilian.fhir import json, xml
from yilian.http.answer import FHIR_JSON, Answer

JSON = frozenset({"json", "application/json", "application/fhir+json", "text/json", "text/fhir+json"})
XML = frozenset({"xml", "application/xml", "application/fhir+xml", "text/xml", "text/fhir+xml"})
ANY = frozenset({"*/*", "application/*"})
FHIR_XML = b"application/fhir+xml; charset=utf-8"
WORTH_COMPRESSING = 16 * 1024
"""Bytes; below, compressing costs more time than sending on any line a hospital has."""
EFFORT = 1
OTHERS = frozenset(
    {
        "application/pdf",
        "application/fhir+ndjson",
        "application/x-ndjson",
        "application/ndjson",
        "ndjson",
        "text/csv",
        "csv",
        "text/event-stream",
    }
)
"""What some operations answer. Whether one does is its own affair: Accept may name these, and `_format` is left for it to read."""


@dataclass(frozen=True, slots=True)
class Format:
    """How the caller wants a resource. `pretty`: with line breaks and indents, for people."""

    xml: bool = False
    pretty: bool = False
    gzip: bool = False


PLAIN = Format()


def asked(query: list[tuple[str, str]], headers: dict[str, str]) -> tuple[list[tuple[str, str]], Format]:
    """The query without `_format` and `_pretty`, and what these and the headers ask for. NotAcceptable, BadRequest."""
    accept = headers.get("accept", "")
    gzip = "gzip" in headers.get("accept-encoding", "")
    if not any(name in ("_format", "_pretty") for name, _ in query):
        return query, _of(accept, gzip)
    kept = [(name, value) for name, value in query if name not in ("_format", "_pretty")]
    wanted = [value.partition(";")[0].strip().lower().replace(" ", "+") for name, value in query if name == "_format"]
    for value in wanted:
        if value in OTHERS:
            kept.append(("_format", value))
        elif value not in JSON and value not in XML:
            raise NotAcceptable(f"_format={value[:60]} is not given here; json and xml are.")
    pretty = [value for name, value in query if name == "_pretty"]
    if any(value not in ("true", "false") for value in pretty):
        raise BadRequest(f"_pretty is true or false, not {pretty[-1][:40]!r}.")
    in_xml = wanted[-1] in XML if wanted else _of(accept, gzip).xml
    return kept, Format(in_xml, bool(pretty) and pretty[-1] == "true", gzip)


@lru_cache(maxsize=1024)
def _of(accept: str, gzip: bool) -> Format:
    """The best of what Accept allows; JSON where both are as welcome. NotAcceptable where neither is."""
    if not accept.strip():
        return Format(gzip=gzip)
    best = {"json": 0.0, "xml": 0.0}
    other = False
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = _weight(parameters)
        if kind in JSON or kind in ANY:
            best["json"] = max(best["json"], weight)
        if kind in XML:
            best["xml"] = max(best["xml"], weight)
        other = other or kind in OTHERS
    if not best["json"] and not best["xml"] and not other:
        raise NotAcceptable(f"Accept: {accept[:80]} cannot be given; application/fhir+json and application/fhir+xml can.")
    return Format(best["xml"] > best["json"], gzip=gzip)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def put(answer: Answer, wanted: Format) -> Answer:
    """The answer in the format that is wanted. Only resources are turned into XML; PDF, NDJSON and the like stay what they are."""
    if not answer.body:
        return answer
    if answer.content_type == FHIR_JSON:
        if wanted.xml:
            answer = Answer(answer.status, xml.dump(json.parse(answer.body), pretty=wanted.pretty), answer.headers, FHIR_XML)
        elif wanted.pretty:
            answer = Answer(answer.status, msgspec.json.format(answer.body, indent=2), answer.headers, FHIR_JSON)
        if wanted.gzip and len(answer.body) >= WORTH_COMPRESSING:
            answer = Answer(answer.status, _gzipped(answer.body), [*answer.headers, (b"content-encoding", b"gzip")], answer.content_type)
    return answer


def _gzipped(body: bytes) -> bytes:
    compressing = zlib.compressobj(EFFORT, zlib.DEFLATED, 31)
    return compressing.compress(body) + compressing.flush()
