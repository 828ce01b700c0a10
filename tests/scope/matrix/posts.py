"""Who asks: every post of `access/policy.toml`, held at the rival institution, applications with wide and narrow scopes, and residents.

The file is read here as it stands, so that a new post is in the matrix by itself; what it means is said here anew.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yilian.access
from tests.http.house import PASSWORD
from tests.referral.region import organization
from tests.scope.matrix.oracle import CARE, RUNNING, Asker
from tests.scope.matrix.states import A, B, consent_states, ground_states
from yilian import app, config
from yilian.access import accounts, clients, tokens
from yilian.access.accounts import Post as Held
from yilian.db import utc_now
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]
TABLE = Path(yilian.access.__file__).with_name("policy.toml")
NARROW = frozenset({"Patient", "Observation", "Task", "Subscription"})
"""What an application with a narrow scope may read; it may write nothing but its subscriptions."""
NARROW_SCOPE = " ".join([*(f"system/{kind}.read" for kind in sorted(NARROW)), "system/Subscription.write"])
RESIDENTS = {"resident": ("through a link", "nothing said"), "stranger": ("none", "rival refused")}
"""Accounts of residents, and whose record each has: that of a patient in these states."""


@dataclass(frozen=True, slots=True)
class Post:
    """One asker. may: what the table lets this post do beyond its reach (matches, links, scans, breaks_glass, reviews, expunges)"""

    account: str
    asker: Asker
    application: bool = False
    scope: str = ""
    role: str = ""
    institution: str = ""
    may: frozenset[str] = field(default_factory=frozenset)

    @property
    def view(self) -> str:
        """Who has the same view asks the same twin. What post and token leave of the types is not in it."""
        asker = self.asker
        where = {"grounds": f"{asker.institution}_{asker.purpose[:4]}", "self": asker.patient}.get(asker.reach, "")
        return f"{asker.reach}_{where}"

    @property
    def whole_view(self) -> Asker:
        return replace(self.asker, types=None)


@cache
def table() -> Json:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def _types(names: list[str] | None) -> frozenset[str] | None:
    if names is None:
        return None
    families = table()["families"]
    return frozenset().union(*(families.get(name, [name]) for name in names))


@cache
def posts() -> tuple[Post, ...]:
    """Everybody at the rival institution, and the residents."""
    found = []
    for code, row in table()["roles"].items():
        may = frozenset(key for key, value in row.items() if value is True)
        if row["reach"] == "self":
            for account, states in RESIDENTS.items():
                asker = Asker(account, "self", patient=_patient_in(*states), types=_types(row.get("reads")))
                found.append(Post(account, asker, role=code, may=may))
            continue
        asker = Asker(code, row["reach"], B, CARE if row["purpose"] == "TREAT" else RUNNING, types=_types(row.get("reads")))
        where = "" if code in ("admin", "regulator", "data-steward") else f"Organization/{B}"
        found.append(Post(code, asker, role=code, institution=where, may=may))
    able = frozenset({"matches", "scans"})
    wide, at = Asker("his", "grounds", B, RUNNING), f"Organization/{B}"
    found.append(Post("his", wide, True, "system/*.*", institution=at, may=able))
    found.append(Post("lis", replace(wide, name="lis", types=NARROW), True, NARROW_SCOPE, institution=at, may=able))
    return tuple(found)


@cache
def beside() -> tuple[Post, ...]:
    """Who looks for what there is as well: the institution where most was written, and systems of the region, of all types and of some."""
    return (
        Post("doctor-a", Asker("doctor-a", "grounds", A, CARE), role="physician", institution=f"Organization/{A}"),
        Post("his-a", Asker("his-a", "grounds", A, RUNNING), True, "system/*.*", institution=f"Organization/{A}"),
        Post("bench", Asker("bench", "everything", purpose=RUNNING), True, "system/*.*"),
        Post("registry", Asker("registry", "everything", types=NARROW), True, NARROW_SCOPE),
    )


def _patient_in(ground: str, consent: str) -> str:
    grounds, consents = [one.name for one in ground_states(utc_now())], [one.name for one in consent_states(utc_now())]
    return f"k{grounds.index(ground) * len(consents) + consents.index(consent):03}"


async def furnish(dsn: str) -> dict[str, str]:
    """Institutions, accounts and applications in a prepared database; everybody's token."""
    database = app.database(config.Settings(), dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            places = [organization(id, name, "county", False) for id, name in ((A, "东山县人民医院"), (B, "西山县人民医院"))]
            named = [f"doctor-{B}", *(f"is-{post.account}" for post in (*posts(), *beside()))]
            people = [{"resourceType": "Practitioner", "id": id, "name": [{"text": id}]} for id in named]
            await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in [*places, *people]])
        async with database.transaction() as tx:
            for post in (*posts(), *beside()):
                await _enrol(tx, post)
        found = {}
        async with database.transaction() as tx:
            for post in (*posts(), *beside()):
                issue = tokens.issue_for_client if post.application else tokens.issue_for_user
                found[post.account] = await issue(tx, post.account)
        return found
    finally:
        await database.close()


async def token_of(dsn: str, post: Post) -> str:
    """A fresh token, for where those made in the beginning have run out."""
    database = app.database(config.Settings(), dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            return await (tokens.issue_for_client if post.application else tokens.issue_for_user)(tx, post.account)
    finally:
        await database.close()


async def _enrol(tx: Any, post: Post) -> None:
    if post.application:
        await clients.add(
            tx,
            post.account,
            name=post.account,
            secret=PASSWORD,
            scope=post.scope,
            grant_types=("client_credentials",),
            institution=post.institution,
        )
        return
    patient = f"Patient/{post.asker.patient}" if post.asker.patient else ""
    await accounts.add(
        tx,
        post.account,
        PASSWORD,
        display=post.account,
        agent=patient or f"Practitioner/is-{post.account}",
        patient=patient,
        posts=[Held(post.role, post.institution)],
        by=SYSTEM,
    )
