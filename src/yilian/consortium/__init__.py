"""How a consortium is run (GOV-2, GOV-4): its agreements, its resolutions, rules and plans, and members that have to mend or must go.

    standing     who keeps the papers of a consortium, who reads them
    papers       resolutions, rules, annual plans and signed agreements: DocumentReferences, with the file in them
    agreements   agreements of the consortium with its members: Contracts, and the warning before one ends
    rectifying   a member is told to rectify, with a day: Tasks
    ending       a membership ends by a resolution that is named, and in no other way

None of these is about a patient, and none is for everybody: they are stored for systems of the region alone (`store/permission.py`, rule
6), and people get them through the operations of http/operations/consortium.py, which ask `standing`. docs/reference/directory.md
"""
