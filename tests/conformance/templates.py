"""Does an answer fit the template of HL7's terminology tests?

Templates are in R5 form, and say what may differ: `$$` and `$uuid$` and the like stand for any value (of a kind), an object with
`$optional$` may be missing, `$optional-properties$` names properties that may be, `$external:N$` stands for a text of the server's own.
Lists are compared without order, as HL7's own runner does. Before comparing, an R4 answer is put into the template's form: what R5 has as
an element and R4 carries in an extension becomes the element.
"""

from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]
FROM_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion"
MESSAGE_ID = "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id"
OWN_WORDS = ("message", "text", "diagnostics")
KINDS = {
    "$uuid$": r"(urn:uuid:)?[0-9a-fA-F-]{36}",
    "$instant$": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "$date$": r"\d{4}(-\d\d(-\d\d(T.*)?)?)?",
    "$id$": r"[A-Za-z0-9.-]{1,64}",
    "$url$": r"\S+:\S+",
    "$token$": r"[A-Za-z0-9_.-]+",
    "$string$": r"(?s).+",
    "$version$": r"\S+",
    "$semver$": r"\d+\.\d+(\.\d+)?.*",
    "$$": r"(?s).*",
}


def difference(template: Any, answer: Any, place: str = "", *, least: bool = False) -> str | None:
    """Where and how the answer does not fit; None where it does. `least`: the template says the least there must be."""
    if isinstance(template, dict):
        return _object(template, answer, place, least) if isinstance(answer, dict) else f"{place}: an object was expected, not {answer!r}"
    if isinstance(template, list):
        return _list(template, answer, place, least) if isinstance(answer, list) else f"{place}: a list was expected, not {answer!r}"
    if isinstance(template, str):
        return None if isinstance(answer, str) and _text(template, answer) else f"{place}: {template!r} was expected, not {answer!r}"
    return None if template == answer and type(template) is type(answer) else f"{place}: {template!r} was expected, not {answer!r}"


def in_r5_form(value: Any) -> Any:
    """An R4 answer with extensions that carry R5's elements turned into those elements, and without what only this server adds."""
    if isinstance(value, list):
        return [in_r5_form(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: in_r5_form(one) for key, one in value.items() if not (key == "diagnostics" and "severity" in value)}
    carried = [one for one in value.get("extension", []) if str(one.get("url", "")).startswith(FROM_R5)]
    if carried:
        found["property"] = [_property(one) for one in carried]
        rest = [one for one in found["extension"] if not one["url"].startswith(FROM_R5)]
        found = {key: one for key, one in found.items() if key != "extension"} | ({"extension": rest} if rest else {})
    return found


def _property(extension: Json) -> Json:
    found: Json = {}
    for one in extension["extension"]:
        key = next(key for key in one if key.startswith("value"))
        found[one["url"] if one["url"] in ("code", "uri") else key] = one[key]
    return found


def _is_optional(template: Any) -> bool:
    """For a server of R4 that is not HL7's own."""
    if not isinstance(template, dict):
        return False
    if template.get("url") == MESSAGE_ID:
        return True  # the names of HL7's own messages
    return template.get("$optional$") in (True, "!tx.fhir.org", "warning:version", "version:4")


def _object(template: Json, answer: Json, place: str, least: bool) -> str | None:
    may_miss = {*template.get("$optional-properties$", ()), "location"}
    wanted = {key: one for key, one in template.items() if not key.startswith("$")}
    for key, one in wanted.items():
        if key in answer:
            # A text in the server's own words only has to be there.
            own = key in OWN_WORDS or (key == "valueString" and template.get("name") == "message")
            if own and isinstance(answer[key], str) and answer[key]:
                continue
            if told := difference(one, answer[key], f"{place}.{key}", least=least):
                return told
        elif key not in may_miss and not _all_optional(one):
            return f"{place}.{key} is missing"
    extra = [key for key in answer if key not in wanted and key not in may_miss]
    return f"{place}: {extra} were not expected" if extra and not least else None


def _all_optional(template: Any) -> bool:
    return _is_optional(template) or (isinstance(template, list) and all(_is_optional(one) for one in template))


def _list(template: list[Any], answer: list[Any], place: str, least: bool) -> str | None:
    left = list(answer)
    for one in sorted(template, key=_is_optional):  # what must be there chooses first
        fitting = next((number for number, other in enumerate(left) if difference(one, other, least=least) is None), None)
        if fitting is not None:
            left.pop(fitting)
        elif not _is_optional(one):
            same = [other for other in left if isinstance(one, dict) and isinstance(other, dict) and _alike(one, other)]
            return f"{place}[]: {difference(one, same[0], '') if same else 'missing'}: {one}" + (f" ~ {same[0]}" if same else "")
    return f"{place}[]: not expected: {left[0]}" if left and not least else None


def _alike(template: Json, answer: Json) -> bool:
    return any(key in template and template.get(key) == answer.get(key) for key in ("name", "code", "url"))


def _text(template: str, answer: str) -> bool:
    if template.startswith("$external:"):
        return bool(answer)
    if template.startswith("$choice:"):
        return answer in template[8:-1].split("|")
    pattern = re.escape(template)
    for token, kind in KINDS.items():
        pattern = pattern.replace(re.escape(token), kind)
    return re.fullmatch(pattern, answer) is not None or template.replace(" ", "") == answer.replace(" ", "")
