"""GET /metadata?mode=terminology: what this server does with code systems, value sets and maps.

FHIR R4: http://hl7.org/fhir/R4/terminologycapabilities.html
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from yilian import __version__
from yilian.fhir.json import dump
from yilian.http.operations.terminology import EXPAND


@lru_cache(maxsize=8)
def statement(base: str, started: datetime) -> bytes:
    """The statement for callers who reach us at `base`; its parameters are those `$expand` reads."""
    return dump(
        {
            "resourceType": "TerminologyCapabilities",
            "version": __version__,
            "name": "YilianTerminology",
            "title": "Yilian 医联: terminology",
            "status": "active",
            "date": started.isoformat(timespec="seconds"),
            "kind": "instance",
            "software": {"name": "Yilian 医联", "version": __version__},
            "implementation": {"description": "What HL7 publishes with R4, and what the region has stored", "url": base},
            "expansion": {
                "hierarchical": True,
                "paging": True,
                "incomplete": True,
                "parameter": [{"name": parameter.name} for parameter in sorted(EXPAND, key=lambda parameter: parameter.name)],
                "textFilter": "Every word anywhere in the code, a name of it, or the pinyin or initials of a Chinese name.",
            },
            "codeSearch": "all",
            "validateCode": {"translations": False},
            "translation": {"needsMap": True},
            "closure": {"translation": False},
        }
    )
