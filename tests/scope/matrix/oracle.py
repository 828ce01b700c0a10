"""Who may see what, said without SQL: from docs/reference/consent.md and docs/explanation/access-and-audit.md, word by word.

Nothing here is taken from the code that is tested. Moments are aware.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

CARE, RUNNING, EMERGENCY = "care", "running the institution", "emergency"
PSYCHIATRIC, HIV, GENETIC, REPRODUCTIVE, RESTRICTED = 1, 2, 4, 8, 16
EVERY_KIND = 31


@dataclass(frozen=True, slots=True)
class Ground:
    """Why an institution may read a patient's record.

    purpose: the only one it is for, "" for any; until: None as long as it stands; all_kinds: an emergency access that asked for what is
    sensitive; letter: what a referral consists of
    """

    institution: str
    kind: str
    purpose: str = ""
    until: datetime | None = None
    all_kinds: bool = False
    letter: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """What one Consent that counts says. institution: "" for every one; purpose: "" for care and running the institution; kinds: 0 of a
    refusal for everything, of a permit for what is ordinary"""

    permit: bool
    institution: str = ""
    purpose: str = ""
    kinds: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """One resource: whom it is about ("" for nobody, "*" for several), and the institutions that wrote it ("": a system of the region) and
    that it is confined to ("": none).

    base: what a record hangs on (the Patient, the Consents), which is there as long as anything of it is to be seen
    """

    type: str
    id: str
    patient: str
    origin: str = ""
    kinds: int = 0
    confined: str = ""
    shared: bool = False
    base: bool = False

    @property
    def name(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Asker:
    """types: what post and token let through, None for all"""

    name: str
    reach: Literal["everything", "grounds", "self", "nothing"]
    institution: str = ""
    purpose: str = CARE
    patient: str = ""
    types: frozenset[str] | None = None


@dataclass(slots=True)
class Facts:
    """Of each patient the grounds, what was consented to, and who is the same person."""

    grounds: dict[str, list[Ground]] = field(default_factory=dict)
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    same: dict[str, frozenset[str]] = field(default_factory=dict)

    def person(self, patient: str) -> frozenset[str]:
        """All records of one person."""
        return self.same.get(patient, frozenset({patient}))


def may_see(facts: Facts, asker: Asker, thing: Thing, moment: datetime) -> bool:
    """Whether this asker may know at this moment that there is such a thing."""
    if asker.types is not None and thing.type not in asker.types:
        return False
    if asker.reach == "everything" or thing.shared:
        return True
    if asker.reach == "nothing" or thing.patient == "*":
        return False
    if asker.reach == "self":
        return thing.patient in facts.person(asker.patient) and not thing.confined
    if thing.confined not in ("", asker.institution):
        return False
    if not thing.patient:
        return thing.confined == asker.institution
    return any(_opens(ground, facts, asker, thing, moment) for ground in _grounds(facts, asker, thing, moment))


def _grounds(facts: Facts, asker: Asker, thing: Thing, moment: datetime) -> list[Ground]:
    """The asker's for this patient, or for a record that is linked to it."""
    return [
        ground
        for record in facts.person(thing.patient)
        for ground in facts.grounds.get(record, ())
        if ground.institution == asker.institution
        and (ground.until is None or ground.until > moment)
        and ground.purpose in ("", asker.purpose)
    ]


def _opens(ground: Ground, facts: Facts, asker: Asker, thing: Thing, moment: datetime) -> bool:
    if thing.origin == asker.institution:
        return True
    rules = [rule for record in facts.person(thing.patient) for rule in facts.rules.get(record, ())]
    rules = [rule for rule in rules if rule.institution in ("", asker.institution) and (rule.until is None or rule.until > moment)]
    if any(_bars(rule, ground, asker, thing) for rule in rules if not rule.permit):
        return False
    if not thing.kinds or ground.all_kinds or thing.name in ground.letter:
        return True
    granted = 0
    for rule in rules:
        if rule.permit and rule.purpose in ("", asker.purpose):
            granted |= rule.kinds
    return not thing.kinds & ~granted


def _bars(rule: Rule, ground: Ground, asker: Asker, thing: Thing) -> bool:
    """A refusal that does not name emergencies bars none; one that names them bars nothing else."""
    if rule.kinds and not rule.kinds & thing.kinds:
        return False
    if ground.kind == "emergency":
        return rule.purpose == EMERGENCY
    return rule.purpose in ("", asker.purpose)
