"""One file for each interaction of the RESTful API. FHIR R4: http://hl7.org/fhir/R4/http.html"""
