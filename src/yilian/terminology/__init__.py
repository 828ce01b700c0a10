"""Code systems, value sets and concept maps: what a code means, whether it belongs, what it is called elsewhere.

Taken apart into tables of their own when they are written (`follow`) or come with the server (`shipped`), and answered from there.
FHIR R4: http://hl7.org/fhir/R4/terminology-module.html
"""

from yilian.terminology.follow import follow

__all__ = ["follow"]
