"""children, descendants. http://hl7.org/fhirpath/N1/#tree-navigation"""

from __future__ import annotations

from yilian.fhir.path.functions.kinds import Function, Plain
from yilian.fhir.path.items import children, descendants

FUNCTIONS: dict[str, Function] = {
    "children": Plain(lambda scope, items: [below for item in items for below in children(item)]),
    "descendants": Plain(lambda scope, items: descendants(items)),
}
