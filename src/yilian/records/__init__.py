"""One patient, one timeline: the record over all institutions, within what the asker may see."""
