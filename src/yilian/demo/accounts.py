"""The accounts of the demo (the table of the outside contract). They are made by `play` and only there; everybody's password is the
same."""

from __future__ import annotations

from dataclasses import dataclass

from yilian.demo.people import CAST

PASSWORD = "yilian-demo"
CLIENT = "bench"
CLIENT_SECRET = "yilian-demo"


@dataclass(frozen=True, slots=True)
class Account:
    """Who may sign in. References are FHIR references, "" for none; `roles` are `urls.ROLE` codes."""

    name: str
    display: str
    roles: tuple[str, ...]
    institution: str
    agent: str
    patient: str = ""


# The post an account is used in; a person may hold more posts at work.
_ROLE = {
    "gp": "gp",
    "gp2": "gp",
    "head": "head",
    "county": "physician",
    "coordinator": "coordinator",
    "expert": "consultant",
    "office": "office",
    "regulator": "regulator",
    "pharmacist": "pharmacist",
    "steward": "data-steward",
    "admin": "admin",
    "registrar": "registrar",
    "registrar2": "registrar",
}


def accounts(resident_name: str) -> tuple[Account, ...]:
    """All accounts; `resident_name` is the name of resident-0001, whose record the account `resident` opens."""
    out = [
        Account(name, person[0], (_ROLE[name],), f"Organization/{person[6]}" if person[6] else "", f"Practitioner/{name}")
        for name, person in CAST.items()
    ]
    out.append(Account("resident", resident_name, ("resident",), "", "Patient/resident-0001", "Patient/resident-0001"))
    return tuple(out)
