"""FHIR's XML, to and from the same values as its JSON. lxml reads and writes the text; which element is what, our definitions say.

FHIR R4: http://hl7.org/fhir/R4/xml.html
"""

from yilian.fhir.xml.reading import parse
from yilian.fhir.xml.writing import dump

__all__ = ["dump", "parse"]
