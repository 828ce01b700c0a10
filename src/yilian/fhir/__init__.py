"""What FHIR R4 (4.0.1) is: its definitions, JSON, references, dates, compartments, FHIRPath and outcomes.

Pure: takes values and returns values. The only files read are the room's own tables, made by `tools/make_definitions.py`.
http://hl7.org/fhir/R4/
"""
