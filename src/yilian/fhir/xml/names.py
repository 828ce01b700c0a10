"""The two namespaces of a resource in XML."""

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
DIV = f"{{{XHTML}}}div"
