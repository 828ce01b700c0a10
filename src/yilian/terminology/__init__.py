"""Code systems, value sets and concept maps: what a code means, whether it belongs, what it is called elsewhere.

Taken apart into tables of their own when they are written (`follow`) or come with the server (`shipped`), and answered from there. Other
rooms ask `codes_in`, `is_member` and `subsumes`; the operations of FHIR are in files named after them.
FHIR R4: http://hl7.org/fhir/R4/terminology-module.html
"""

from yilian.terminology.follow import follow
from yilian.terminology.membership import codes_in, is_member, subsumes

__all__ = ["codes_in", "follow", "is_member", "subsumes"]
