"""What a referrer made of the criteria that were shown: kept with the ServiceRequest, and in columns so that it can be counted.

The request carries an extension `urls.REFERRAL_CRITERIA` for each criterion: criterion (canonical with its version), state (how it stood),
answer (followed, overridden, or only shown), reason (why it was overridden), evidence (what it rested on). A request that was sent on
(`replaces`) says it again and is not counted again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.access.policy import policy
from yilian.criteria.evaluate import STATES
from yilian.errors import Forbidden, InvalidResource
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.references import Local, parse
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.change import Written

ANSWERS = ("followed", "overridden", "shown")
COUNTED = """
select a.url, a.answer, count(*) as times from criterion_answer a
where a.at >= $1 and a.at < $2 and ($3::bigint = 0 or a.institution = $3) group by a.url, a.answer
"""
ROLES = frozenset({"office", "head", "coordinator", "regulator"})


@dataclass(frozen=True, slots=True)
class Answered:
    """One extension of a request, read."""

    url: str
    version: str
    state: str
    answer: str


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store. Raises InvalidResource for an answer that is none."""
    for one in written:
        if one.type != "ServiceRequest" or one.unchanged:
            continue
        resource = one.resource
        answered = read(resource) if resource is not None else []
        await tx.execute("delete from criterion_answer where request = $1", one.rid)
        if not answered or resource is None or resource.get("replaces"):
            continue
        sender = await _sender(tx, resource)
        await tx.executemany(
            """
            insert into criterion_answer (request, url, version, answer, state, institution, at) values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (request, url) do nothing
            """,
            [(one.rid, a.url, a.version, a.answer, a.state, sender, tx.now) for a in answered],
        )


def read(request: Mapping[str, Any]) -> list[Answered]:
    """What a ServiceRequest says of criteria. Raises InvalidResource."""
    found = []
    for place, extension in enumerate(request.get("extension", ())):
        if extension.get("url") != urls.REFERRAL_CRITERIA:
            continue
        parts = {part.get("url"): part for part in extension.get("extension", ())}
        url, _, version = str(parts.get("criterion", {}).get("valueCanonical", "")).partition("|")
        answer = str(parts.get("answer", {}).get("valueCode", ""))
        state = str(parts.get("state", {}).get("valueCode", ""))
        if not url or answer not in ANSWERS or state not in STATES:
            raise InvalidResource(
                f"What was made of a criterion needs criterion (canonical), answer ({', '.join(ANSWERS)}) and state ({', '.join(STATES)}).",
                zh="转诊标准的处理结果不完整。",
                expression=f"ServiceRequest.extension[{place}]",
            )
        found.append(Answered(url, version, state, answer))
    return found


async def counts(tx: Tx, scope: Scope, start: datetime, end: datetime) -> dict[str, dict[str, int]]:
    """How often each criterion was followed, overridden or only shown in [start, end), by url and answer: of the asker's institution, or of
    the whole region for whoever sees its numbers. Raises Forbidden for other posts."""
    known = policy().roles
    whole = scope.reach == "everything" or any(known[code].counts for code in scope.roles if code in known)
    if not whole and not (scope.institution_rid and scope.roles & ROLES):
        raise Forbidden(
            "How criteria were answered is told to the office, heads and coordinators of an institution, and to the health commission.",
            zh="转诊标准使用情况仅限医联体办公室、科主任、转诊办和卫健委查看。",
        )
    rows = await tx.fetch(COUNTED, start, end, 0 if whole else scope.institution_rid)
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["url"], dict.fromkeys(ANSWERS, 0))[row["answer"]] = row["times"]
    return found


async def _sender(tx: Tx, request: Mapping[str, Any]) -> int | None:
    """The rid of the institution that refers, None where the request names none that is here."""
    for extension in request.get("extension", ()):
        if extension.get("url") == urls.REFERRAL_SENDER:
            target = parse(str(extension.get("valueReference", {}).get("reference", "")))
            if isinstance(target, Local):
                rid: int | None = await tx.fetchval(
                    "select rid from resource where type = $1 and id = $2", type_id("Organization"), target.id
                )
                return rid
    return None
