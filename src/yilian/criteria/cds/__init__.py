"""CDS Hooks: a hospital's own system asks, while the doctor works there, what the criteria of referral say of the patient.

    services   which services there are, and a request as it must be    client     who calls: a signed statement of an application
    patient    whom it is about, ours and what was sent along            cards      what is answered
    feedback   what the doctor made of it

CDS Hooks 2.0: https://cds-hooks.hl7.org/2.0/
"""
