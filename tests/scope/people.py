"""Who asks, and what each may see, said once and in words of our own: the model the server's answers are held against."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from tests.http.house import PASSWORD, Server

GROUNDS = {
    "qingshi": frozenset({"p1", "p2", "dead"}),  # registered there
    "liuhe": frozenset({"p3", "p4"}),
    "first": frozenset({"p2"}),  # referred there; the referral of p4 is over and its time has run out
    "county": frozenset({"p3"}),  # an emergency there, without sensitive kinds
}
"""The patients each institution has a ground for in the world of these tests."""

PSYCHIATRIC, HIV = 1, 2
REFUSED = {"liuhe": frozenset({"p4"})}
"""Whom an institution may see no more, but what it wrote itself: the patient refused it."""
GRANTED = {("first", "p2"): HIV}
"""The sensitive kinds patients granted."""

INSTITUTION = {
    "gp": "qingshi",
    "head": "qingshi",
    "gp2": "liuhe",
    "liuhe-system": "liuhe",
    "county": "county",
    "coordinator": "first",
    "expert": "first",
    "pharmacist": "first",
    "office": "first",
}
OWN_RECORD = {"resident": "p1", "resident3": "p3"}
NO_PATIENTS = ("regulator", "admin", "privacy")
SYSTEM = "bench"

ROLES = (*INSTITUTION, *OWN_RECORD, *NO_PATIENTS, SYSTEM)
OTHERS = tuple(role for role in ROLES if role != SYSTEM)
CLIENTS = ("liuhe-system",)
"""Applications that ask for themselves and are asked for a token as one."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a resource: whom it is about ("p1", "" for nobody, "*" for several), and the one institution it is confined to.

    origin: the institution that wrote it first, "" for a system of the region; sensitive: kinds as bits, those of later versions too
    """

    type: str
    id: str
    number: int
    patient: str
    confined: str
    shared: bool
    deleted: bool
    origin: str = ""
    sensitive: int = 0

    @property
    def name(self) -> str:
        return f"{self.type}/{self.id}"


def sees(role: str, one: Version) -> bool:
    """Whether this role may know of this version."""
    if role == SYSTEM or one.shared:
        return True
    if role in NO_PATIENTS or one.patient == "*":
        return False
    if role in OWN_RECORD:
        return one.patient == OWN_RECORD[role] and not one.confined
    here = INSTITUTION[role]
    if one.confined not in ("", here):
        return False
    if not one.patient:
        return one.confined == here
    if one.patient not in GROUNDS[here]:
        return False
    if one.origin == here:
        return True
    refused = one.patient in REFUSED.get(here, ())
    return not refused and not one.sensitive & ~GRANTED.get((here, one.patient), 0)


async def client_of(server: Server, role: str) -> httpx.AsyncClient:
    """Somebody's client. Every request carries the same X-Request-Id, so that answers can be compared to the byte."""
    if role in CLIENTS and role not in server.tokens:
        form = {"grant_type": "client_credentials", "scope": "system/*.*"}
        answer = await server.nobody().post("/oauth2/token", data=form, auth=(role, PASSWORD))
        assert answer.status_code == 200, answer.text
        server.tokens[role] = answer.json()["access_token"]
    client = await server.as_(role)
    client.headers["x-request-id"] = "scope"
    return client
