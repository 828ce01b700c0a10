"""Who is who: identifiers, the patient index, links between records of one person, the health card."""
