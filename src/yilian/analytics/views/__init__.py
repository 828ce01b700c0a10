"""SQL-on-FHIR v2: a ViewDefinition says which flat table to make of one resource type, PostgreSQL or DuckDB makes it.

    definition   the view as a value, checked
    paths        its FHIRPath expressions as SQL
    select       its selects as one statement
    dialect      what the two engines say differently
    run          carrying it out
https://sql-on-fhir.org/ig/
"""
