"""Yilian 医联: a FHIR R4 server that knows the rules of tiered care.

`architecture` in docs/explanation tells of the house; every folder here carries one word of the field.
"""

__version__ = "0.1.0"
