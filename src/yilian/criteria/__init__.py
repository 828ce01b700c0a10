"""转诊标准: who should go up, who can go down. A library of PlanDefinitions whose conditions are tried on the record; it suggests, tells
which value met which rule, and never decides.

    measures.toml, vocabulary    what a rule may look at        library/, shipped    the rules, and how they become PlanDefinitions
    criterion                    a rule as a value               keeping              which are in force on a day, what may be written
    gather, facts                the record, within a scope      evaluate             rules tried on facts
    suggest, answer, apply       for one patient, as FHIR        stable               for everybody on the ward
    answers                      what was followed, overridden   cds/                 CDS Hooks for other systems

docs/reference/criteria.md
"""

from __future__ import annotations

from yilian.criteria.shipped import definitions

__all__ = ["definitions"]
