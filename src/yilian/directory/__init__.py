"""The directory: institutions and their tiers, and the departments a patient can be referred to.

Institutions are FHIR Organizations; nothing is kept twice. `institutions` reads them for the rooms above, `specialties` is 诊疗科目名录,
`codes` has the code systems of both.
"""
