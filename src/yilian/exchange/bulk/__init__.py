"""Whole collections out and in: Bulk Data Export and import, as jobs that can be watched, stopped and taken up again.

HL7 Bulk Data Access 2.0: https://hl7.org/fhir/uv/bulkdata/STU2/
"""
