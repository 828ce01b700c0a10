"""Lists with a meaning: `_list=$current-allergies` and its three siblings, which R4 names and leaves to the server to define.

Here they are what the records themselves say is current, so they need no List to be kept up to date:

    $current-problems        Condition             active, recurring or relapsed; neither refuted nor entered in error
    $current-allergies       AllergyIntolerance    active; neither refuted nor entered in error
    $current-drug-allergies  AllergyIntolerance    the same, to medication
    $current-medications     MedicationRequest, MedicationStatement    active

FHIR R4: http://hl7.org/fhir/R4/lifecycle.html#current, http://hl7.org/fhir/R4/search.html#list
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from yilian.errors import BadRequest, NotSupported
from yilian.search.clauses import Clause, clause
from yilian.search.conditions import Reading

_HOLDS = ("verification-status:not", "refuted,entered-in-error")

CURRENT: Mapping[str, Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        "$current-problems": {"Condition": (("clinical-status", "active,recurrence,relapse"), _HOLDS)},
        "$current-allergies": {"AllergyIntolerance": (("clinical-status", "active"), _HOLDS)},
        "$current-drug-allergies": {"AllergyIntolerance": (("clinical-status", "active"), _HOLDS, ("category", "medication"))},
        "$current-medications": {"MedicationRequest": (("status", "active"),), "MedicationStatement": (("status", "active"),)},
    }
)
"""List → type → conditions on its resources."""


def conditions(kind: str, name: str, value: str, reading: Reading) -> list[Clause]:
    """The conditions one (name, value) pair of a query means: one, or for a list with a meaning those that define it.

    Raises BadRequest, NotSupported.
    """
    if name != "_list" or not value.startswith("$"):
        return [clause(kind, name, value, reading)]
    meant = CURRENT.get(value)
    if meant is None:
        raise NotSupported(f"_list={value[:60]}: there is no such list; there are {', '.join(CURRENT)}.")
    if kind not in meant:
        raise BadRequest(f"_list={value}: it lists {' and '.join(meant)}, not {kind}.")
    return [clause(kind, code, text, reading) for code, text in meant[kind]]
