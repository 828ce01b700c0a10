"""Chinese identifiers carry their check digit: an Identifier of a known system must be right in itself.

Algorithms in `yilian.fhir.identifiers`; the systems are the national OIDs of `yilian.fhir.urls`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.identifiers import FAULTS_ZH, health_file_fault, resident_id_fault, resident_id_from_15, uscc_fault
from yilian.validation.faults import Check, Faults, Seen, fault

_OLD_FORM = re.compile(r"[0-9]{15}")


def _today() -> date:
    return datetime.now(region_zone()).date()


def _resident_fault(text: str) -> str | None:
    """The form of before 1999 with 15 digits is sound where what it becomes with 18 is: it has no check digit of its own."""
    return resident_id_fault(resident_id_from_15(text) if _OLD_FORM.fullmatch(text) else text, _today())


SYSTEMS: dict[str, tuple[str, str, Callable[[str], str | None]]] = {
    urls.RESIDENT_ID: ("resident identity number", "居民身份证号", _resident_fault),
    urls.HEALTH_FILE: ("health file number", "居民健康档案编号", health_file_fault),
    urls.USCC: ("unified social credit code", "统一社会信用代码", uscc_fault),
}
"""System → its name in both languages, and what is wrong with a value."""


def identifier_fault(plain: Check) -> Check:
    """`plain` (the check of Identifier), and the check digit of the systems above. The number itself is not repeated in the message."""

    def check(value: Any, seen: Seen) -> Faults:
        found = plain(value, seen)
        if found is not None:
            return found
        known = SYSTEMS.get(value.get("system"))
        if known is None or "value" not in value:
            return None
        name, name_zh, fault_of = known
        reason = fault_of(value["value"])
        if reason is None:
            return None
        return fault("value", f"The {name} is wrong: {reason}.", f"{name_zh}有误:{FAULTS_ZH[reason]}。", ".value")

    return check
