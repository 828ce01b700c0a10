"""Search: a query string becomes a value, a value becomes SQL, a resource becomes index rows. Pure: nothing here opens a connection.

    parameters   which search parameters a type has, from HL7's definitions
    query        `?code=…&date=ge2020&_sort=-date` → `Query`, or an error that names what exists
    extract      a resource → `IndexRows`, what the index tables hold of it
    statement    `Query` and scope → the SQL of a page, of its total, of what goes with it
    kinds        one file for each type of parameter: its values, its rows, its conditions

FHIR R4: http://hl7.org/fhir/R4/search.html
"""
