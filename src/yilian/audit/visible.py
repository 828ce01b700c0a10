"""Which events somebody may see, as a condition of SQL on rows `e` of audit_event.

The narrowest that is useful:
- a system client of the region: everything
- everybody: what they did themselves
- a resident: what was done with the resident's own record, without the words of queries (they may name others), account names,
  network addresses and the names of what is still confined to an institution
- the privacy officer: everything done for the own institution (GB/T 22239-2019 8.1.4.3: the trail is looked through by somebody who is not
  the administrator)
- the security officer: security alerts of the own institution that concern no patient (changed accounts, malware that was sent)
- the administrator: sign-ins and changes of accounts, never an event that concerns a patient
What somebody may not see is answered like what does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from yilian.audit.note import SECURITY_ALERT, USER_AUTHENTICATION
from yilian.store.scope import Scope, records_of


@dataclass(slots=True)
class Where:
    """A condition that grows, with its arguments."""

    parts: list[str] = field(default_factory=list)
    args: list[Any] = field(default_factory=list)

    def arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def add(self, condition: str) -> None:
        self.parts.append(condition)

    def any(self, conditions: Sequence[str]) -> None:
        self.parts.append("(" + " or ".join(conditions) + ")" if conditions else "false")

    def sql(self) -> str:
        return " and ".join(self.parts) or "true"


def visible(scope: Scope) -> Where:
    """What this asker may see of the trail, to be narrowed down."""
    where = Where()
    if scope.reach == "everything":
        return where
    own = f"(e.account = {where.arg(scope.user)} and e.agent = {where.arg(scope.agent)})"
    if scope.reach == "self" and scope.patient_rid:
        where.any([own, f"e.patient = any(array({records_of(f'{where.arg(scope.patient_rid)}::bigint')}))"])
    elif "privacy" in scope.roles and scope.institution:
        where.any([own, f"e.institution = {where.arg(scope.institution)}"])
    elif "security" in scope.roles and scope.institution:
        mine = f"e.institution = {where.arg(scope.institution)}"
        where.any([own, f"({mine} and e.patient is null and e.type = '{SECURITY_ALERT}')"])
    elif "admin" in scope.roles:
        where.any([own, f"(e.patient is null and e.type in ('{USER_AUTHENTICATION}', '{SECURITY_ALERT}'))"])
    else:
        where.add(own)
    return where


def is_discreet(row: Any, scope: Scope) -> bool:
    """Whether the event is told to the patient concerned, who learns less of it."""
    return scope.reach == "self" and not (row["account"] == scope.user and row["agent"] == scope.agent)
