"""What belongs to one patient, encounter, practitioner …: `GET /fhir/Patient/1/Observation`, as a condition of an ordinary search.

A resource is in the compartment when any of the parameters the definition names points to its owner.
FHIR R4: http://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

from msgspec import structs

from yilian.errors import NotSupported
from yilian.fhir.compartments import COMPARTMENTS
from yilian.search.clauses import Clause, clause
from yilian.search.conditions import Reading
from yilian.search.parameters import parameters_of


def kinds_in(owner: str) -> tuple[str, ...]:
    """The types that can be in a compartment of this type. Raises NotSupported when there is none."""
    if owner not in COMPARTMENTS:
        raise NotSupported(f"There is no {owner} compartment in FHIR R4; there are those of {', '.join(COMPARTMENTS)}.")
    return tuple(kind for kind in COMPARTMENTS[owner] if kind != "AuditEvent")


def within(owner: str, id: str, kind: str, reading: Reading) -> Clause:
    """That a resource of type `kind` is in the compartment of `owner/id`. Raises NotSupported when that type never is."""
    members = kinds_in(owner)
    if kind == "AuditEvent":
        raise NotSupported(f"AuditEvents are searched by themselves: /AuditEvent?patient={id} or ?entity={owner}/{id}.")
    if kind not in members:
        ways = [p.code for p in parameters_of(kind).values() if p.type == "reference" and owner in p.targets]
        way = next((code for code in ways if code == owner.lower()), ways[0] if ways else "")
        hint = f" Ask for /{kind}?{way}={owner}/{id}." if way else ""
        raise NotSupported(f"{kind} is not in the {owner} compartment of FHIR R4.{hint}", zh=f"{kind} 不属于 {owner} 的分区。")
    ways_in = []
    for code in COMPARTMENTS[owner][kind]:
        parameter = parameters_of(kind).get(code)
        if code == "_id":
            ways_in.append(clause(kind, code, id, reading))
        elif parameter is not None and owner in parameter.targets:
            ways_in.append(clause(kind, code, f"{owner}/{id}", reading))
    if not ways_in:
        raise NotSupported(f"The parameters that would put a {kind} into a {owner} compartment cannot be searched by here.")
    return structs.replace(ways_in[0], also=tuple(ways_in[1:]))
