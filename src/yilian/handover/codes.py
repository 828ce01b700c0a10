"""The words of handover as a FHIR CodeSystem."""

from __future__ import annotations

from typing import Any

from yilian.fhir import urls
from yilian.fhir.vocabulary import code_system, concept
from yilian.handover.document import KINDS

ENGLISH = {
    "transfer": "Transfer document: what travels with the patient",
    "out": "Record of the sender",
    "in": "Record of the receiver",
    "return": "Back-referral document",
}


def definitions() -> list[dict[str, Any]]:
    """The CodeSystem of documents, ready to be stored."""
    concepts = [concept(code, kind.zh, ENGLISH[code]) for code, kind in KINDS.items()]
    return [code_system(urls.HANDOVER_DOCUMENT, "HandoverDocument", "转诊交接文书", concepts)]
