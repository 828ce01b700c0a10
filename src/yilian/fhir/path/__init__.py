"""FHIRPath: the whole of N1 with what R4 adds, over the types of R4.

    compile("name.where(use = 'official').given", "Patient").evaluate(patient)     ["秀英"]
    compile("birthDate < today() - 65 years").truth(patient)                       True, False, or None when it is open
    locate("Patient.name[0].given", patient)                                       places, for patches
    parse("name.given")                                                            the tree, see `syntax`

http://hl7.org/fhirpath/N1/, http://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from yilian.fhir.path.errors import PathError, PathExecutionError, PathSemanticError, PathSyntaxError
from yilian.fhir.path.expression import Expression, Place, compile, locate, path_of
from yilian.fhir.path.items import Item
from yilian.fhir.path.parser import parse
from yilian.fhir.path.scope import Outside

__all__ = [
    "Expression",
    "Item",
    "Outside",
    "PathError",
    "PathExecutionError",
    "PathSemanticError",
    "PathSyntaxError",
    "Place",
    "compile",
    "locate",
    "parse",
    "path_of",
]
