"""The demo region: the fictional city of 云溪市, its institutions, people and residents with their histories.

`region.build` makes it all as FHIR R4 resources, without I/O and always the same for the same seed and day; `play.make` writes it into a
database and plays the referrals through the real commands. Nobody in it exists; the area code, the telephone numbers and the identifiers
belong to no real place or person.
"""
