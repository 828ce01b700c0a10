"""Contents inside resources: where they stand, what they are, and the mark that stands in their place.

A content is what `data` holds, base64, in a Binary or an Attachment. SampledData and Signature have a `data` too, which is none.
FHIR R4: http://hl7.org/fhir/R4/datatypes.html#Attachment, http://hl7.org/fhir/R4/binary.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from yilian.fhir import urls

Json = dict[str, Any]
State = Literal["waiting", "clean", "infected", "not-scanned"]

TAKEN = frozenset(
    "Binary Bundle Communication CommunicationRequest Consent Contract DiagnosticReport DocumentReference Library Media Patient Person"
    " Practitioner Questionnaire QuestionnaireResponse RelatedPerson Task".split()
)
"""The types of resources a content may be sent in, wherever in them it stands."""

STATES = urls.BASE + "CodeSystem/scan-state"
SCAN = urls.BASE + "StructureDefinition/scan-state"
DIGEST = urls.BASE + "StructureDefinition/content-sha256"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
ZH: dict[str, str] = {"waiting": "安全检查中", "clean": "已通过安全检查", "infected": "未通过安全检查，已拦截", "not-scanned": "未扫描"}
WORST: tuple[State, ...] = ("infected", "waiting", "not-scanned", "clean")
_WHY = {"waiting": "temp-unknown", "infected": "error"}


def contents(resource: Json) -> Iterator[Json]:
    """The objects of a resource that hold a content, or the mark of one, or smuggle one in as a `data:` address."""
    waiting: list[Any] = [resource]
    while waiting:
        one = waiting.pop()
        if type(one) is dict:
            holds = ("data" in one or "_data" in one) and not ("dimensions" in one or "when" in one)
            if holds or is_data_address(one.get("url")):
                yield one
            waiting.extend(value for value in one.values() if type(value) is dict or type(value) is list)
        else:
            waiting.extend(value for value in one if type(value) is dict or type(value) is list)


def is_data_address(url: Any) -> bool:
    return isinstance(url, str) and url[:5].lower() == "data:"


def decoded(text: Any) -> bytes:
    """The bytes of base64Binary, white space in it left out. ValueError when it is none."""
    if not isinstance(text, str):
        raise ValueError("not a text")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(str(error)) from None


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def mark(state: State, digest: str) -> Json:
    """What stands as `_data` where a content is held back."""
    return {
        "extension": [
            {"url": ABSENT, "valueCode": _WHY[state]},
            {"url": SCAN, "valueCode": state},
            {"url": DIGEST, "valueString": digest},
        ]
    }


def marked(holder: Mapping[str, Any]) -> str:
    """The SHA-256 (hex) of the content that is held back here; "" where none is."""
    return _said(holder).get(DIGEST, "")


def mark_state(holder: Mapping[str, Any]) -> str:
    """Why a content is held back here: waiting | infected; "" where none is."""
    return _said(holder).get(SCAN, "")


def _said(holder: Mapping[str, Any]) -> dict[str, str]:
    beside = holder.get("_data")
    if not isinstance(beside, dict):
        return {}
    ours = [one for one in beside.get("extension") or () if isinstance(one, dict) and one.get("url") in (SCAN, DIGEST)]
    said = {one["url"]: str(one.get("valueString") or one.get("valueCode") or "") for one in ours}
    return said if len(said) == 2 and len(said[DIGEST]) == 64 else {}


def tagged(resource: Json, state: State | None) -> Json:
    """The resource with this state among its tags, and no other; None: with none."""
    meta = dict(resource.get("meta") or {})
    tags = [tag for tag in meta.get("tag") or () if not (isinstance(tag, dict) and tag.get("system") == STATES)]
    if state is not None:
        tags.append({"system": STATES, "code": state, "display": ZH[state]})
    if tags:
        meta["tag"] = tags
    else:
        meta.pop("tag", None)
    found = {key: value for key, value in resource.items() if key != "meta"}
    return {**found, "meta": meta} if meta else found


def state_of(resource: Mapping[str, Any]) -> str:
    """The state its tag says; "" for none."""
    tags = (resource.get("meta") or {}).get("tag") or ()
    return next((str(tag.get("code")) for tag in tags if isinstance(tag, dict) and tag.get("system") == STATES), "")
