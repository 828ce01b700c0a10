"""Units of measure (UCUM): which ones can be compared, and by what factor, exactly.

`unit("mg/dL")` is the same amount of the same thing as 0.01 of `unit("g/L")`; floating point is nowhere in it. Tables and grammar are read
on first use, so importing costs nothing.
UCUM: https://ucum.org/ucum (the case-sensitive codes); FHIR R4: http://hl7.org/fhir/R4/datatypes.html#Quantity
"""

from __future__ import annotations

from yilian.fhir.ucum.unit import DIGITS, SYSTEM, Unit, UnknownUnit, convert, parse, unit

__all__ = ["DIGITS", "SYSTEM", "Unit", "UnknownUnit", "convert", "parse", "unit"]
