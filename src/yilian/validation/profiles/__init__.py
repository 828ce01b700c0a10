"""The house's own profiles and extensions, written as data and stored as StructureDefinitions at start.

Few, and right for what institutions of the region write: the resident, the institution, a laboratory result, the referral and its task.
"""

from __future__ import annotations

from typing import Any

from yilian.validation.profiles import institution, laboratory, patient, referral


def definitions() -> list[dict[str, Any]]:
    """All of them, ready to be stored."""
    return [one for part in (patient, institution, laboratory, referral) for one in part.definitions()]


__all__ = ["definitions"]
