"""Is a resource sound? Structure, cardinality, primitive formats, required bindings, references and identifiers, on every write.

By HL7's StructureDefinitions (R4 4.0.1), compiled once into one check for each structure. http://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from yilian.validation.resource import issues

__all__ = ["issues"]
