"""Is a resource sound? Structure, cardinality, primitive formats, required bindings, references and identifiers, on every write.

By HL7's StructureDefinitions (R4 4.0.1), compiled once into one check for each structure. Beyond that, profiles: those a resource names and
those policy asks of it (`hold`). http://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from yilian.validation.definitions import follow
from yilian.validation.judge import hold, refuse_unknown_modifiers
from yilian.validation.resource import issues

__all__ = ["follow", "hold", "issues", "refuse_unknown_modifiers"]
