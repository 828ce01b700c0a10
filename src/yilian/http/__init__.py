"""The edge: what arrives over HTTP is parsed here, handed to one room, and what comes back is written out. One file for each FHIR interaction."""
