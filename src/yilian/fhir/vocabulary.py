"""CodeSystem and ValueSet resources of the house's own words. Chinese is the language, every code is listed.

FHIR R4: http://hl7.org/fhir/R4/codesystem.html, http://hl7.org/fhir/R4/valueset.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yilian.fhir import urls


def concept(code: str, zh: str, en: str = "") -> dict[str, Any]:
    """A concept with its Chinese display, and the English one as a designation where there is one."""
    return {"code": code, "display": zh} | ({"designation": [{"language": "en", "value": en}]} if en else {})


def code_system(url: str, name: str, title: str, concepts: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole CodeSystem; its id is the last part of `url`."""
    return {
        "resourceType": "CodeSystem",
        "id": url.rsplit("/", 1)[1],
        "language": "zh-CN",
        "url": url,
        "name": name,
        "title": title,
        "status": "active",
        "experimental": False,
        "caseSensitive": True,
        "content": "complete",
        "count": len(concepts),
        "concept": concepts,
    }


def value_set(key: str, name: str, title: str, system: str, codes: Iterable[str] = ()) -> dict[str, Any]:
    """The ValueSet with the id `key`: these codes of `system`, or all of it when none is named."""
    listed = [{"code": code} for code in codes]
    return {
        "resourceType": "ValueSet",
        "id": key,
        "language": "zh-CN",
        "url": f"{urls.BASE}ValueSet/{key}",
        "name": name,
        "title": title,
        "status": "active",
        "experimental": False,
        "compose": {"include": [{"system": system} | ({"concept": listed} if listed else {})]},
    }
