"""The records of one person within a statement: who is asked about by one of them is asked about by all.

Which records are one person is told by `person_member` (`identity.persons`). A chain that leads to a Patient (`patient.identifier=`) holds
where it holds for any record of that person; a `_has` finds every record of a person about whom there is such a resource. What a Patient or
a Person says of others (`Patient.link`, `Person.link`) is said of that record alone, and so are `_include` and `_revinclude`, which follow
a reference to where it points.

Whoever may read one record of a person may read all (`derive_grounds`, migration 0020); the records a chain goes over are looked at through
the scope like any other.
"""

from __future__ import annotations

from yilian.search.clauses import Clause

NOT_FOLLOWED = ("Patient", "Person")
"""Types that speak of records, not of people."""


def is_of_people(clause: Clause) -> bool:
    """Whether the reference of a chain or a `_has` is from something about a person to that person."""
    if clause.chain is None or clause.modifier != "Patient" or clause.parameter.base in NOT_FOLLOWED:
        return False
    return not (clause.reverse and clause.parameter.base == "List")  # a List names the records it means


def whole(keys: str) -> str:
    """A query (column `key`) for the records that `keys`, such a query, finds, and all that are linked to them. Some may come twice.

    A scalar sub-select, so that the others are looked up for each key and the table is never read from one end to the other.
    """
    linked = "select array_agg(o.patient) from person_member m join person_member o on o.person = m.person where m.patient = f.key"
    return f"select unnest(coalesce(({linked}), array[f.key])) as key from ({keys}) f"


def records_of(own: str) -> str:
    """A query (column `patient`) for the records of one person: the one with the key `own` (SQL), and those linked to it."""
    return (
        f"select {own}::bigint as patient union all select o.patient from person_member m join person_member o on o.person = m.person"
        f" where m.patient = {own} and o.patient <> m.patient"
    )
