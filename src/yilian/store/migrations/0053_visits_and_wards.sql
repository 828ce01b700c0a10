-- Which appointments are of one visit.

create index attendance_visit on attendance (encounter) where encounter is not null;   -- $fulfil: whether somebody else has still to see the patient in this visit
