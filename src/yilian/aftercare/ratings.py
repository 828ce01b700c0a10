"""患者评价: level, attitude and cost of the receiver, each from 1 to 5, once for each completed referral (REF-15).

What a patient said is confined to the office of the consortium: those who treated the patient see numbers of many, never one answer. Small
cells are withheld as in the region's statistics (policy `statistics.smallest_cell`).
FHIR R4: http://hl7.org/fhir/R4/questionnaireresponse.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from yilian import policy
from yilian.access import guardians
from yilian.aftercare.office import office_of
from yilian.directory.institutions import by_rid
from yilian.errors import Conflict, Forbidden, InvalidResource, Issue, NotFound
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.vocabulary import code_system, concept
from yilian.referral import register
from yilian.referral.register import Referral
from yilian.store import members, read
from yilian.store.change import Change
from yilian.store.scope import Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

QUESTIONNAIRE = urls.BASE + "Questionnaire/referral-rating"
ASPECTS = {"level": "诊疗水平", "attitude": "服务态度", "cost": "费用合理"}
MARKS = {1: "很不满意", 2: "不满意", 3: "一般", 4: "满意", 5: "很满意"}
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class RoomScope(Scope):
    """The room's own permission to write what a patient says, who writes nothing otherwise."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What was said. marks by the names of `ASPECTS`; guardian: "RelatedPerson/…" who says it for the patient, or ""."""

    marks: dict[str, int]
    text: str = ""
    guardian: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What patients say of an institution. means: by aspect, two digits; None where so few said something that it is withheld."""

    institution: str
    name: str
    many: int | None
    means: dict[str, float] | None


async def rate(tx: Tx, scope: Scope, task_id: str, rating: Rating) -> datetime:
    """Keep what the patient says of the receiver, in `tx`; answers when.

    The patient says it; a guardian by way of the institution that referred, which knows the guardian (`access.guardians`). Raises NotFound,
    Forbidden, Conflict (not completed yet, or rated already), InvalidResource.
    """
    stored = await read.by_id(tx, scope, "Task", task_id)
    referral = await register.of_task(tx, stored.rid)
    if referral is None or referral.to_org is None:
        raise NotFound(f"Task/{task_id} is no referral that can be rated.", zh="该任务不是可评价的转诊。")
    await _may_say(tx, scope, referral, rating)
    if referral.state != "completed":
        raise Conflict(f"The referral is {referral.state!r}; it is rated once it is completed.", zh="转诊完成后才能评价。")
    if faults := _faults(rating):
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    patient = await tx.fetchval("select id from resource where rid = $1", referral.patient)
    confined = await office_of(tx, referral.from_org, referral.to_org) or referral.from_org
    answers = _response(rating, f"Patient/{patient}", task_id, tx.now)
    room = lent(scope, RoomScope, "everything")
    [written] = await write(tx, room, [Change("POST", "QuestionnaireResponse", None, answers, confined=confined)])
    try:
        async with tx.savepoint():
            await tx.execute(
                "insert into referral_rating (task_rid, institution, response, level, attitude, cost, guardian, rated_at)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8)",
                referral.task_rid, referral.to_org, written.rid, *(rating.marks[name] for name in ASPECTS), bool(rating.guardian), tx.now,
            )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise Conflict("This referral was rated already.", zh="该次转诊已经评价过了,谢谢。") from None
    return tx.now


async def rated(tx: Tx, scope: Scope, task_id: str) -> dict[str, int] | None:
    """The marks the patient gave for this referral: for the patient alone. None: none yet. NotFound where the Task is not seen."""
    stored = await read.by_id(tx, scope, "Task", task_id)
    if scope.reach != "self":
        raise Forbidden("What a patient said is read by that patient.", zh="评价内容仅患者本人可见。")
    row = await tx.fetchrow("select level, attitude, cost from referral_rating where task_rid = $1", stored.rid)
    return dict(row) if row is not None else None


async def standings(tx: Tx, *, days: int = 365) -> list[Standing]:
    """What was said of each institution in the last `days`, by name. Nothing in it is of one patient."""
    smallest = int(await policy.value(tx, "statistics.smallest_cell", tx.now))
    rows = await tx.fetch(
        """
        select institution, count(*) as many, avg(level)::float8 as level, avg(attitude)::float8 as attitude, avg(cost)::float8 as cost
        from referral_rating where rated_at > $1 group by 1
        """,
        tx.now - timedelta(days=days),
    )
    known = await by_rid(tx, [row["institution"] for row in rows])
    found = []
    for row in rows:
        enough, whose = row["many"] >= smallest, known[row["institution"]]
        means = {name: round(row[name], 2) for name in ASPECTS} if enough else None
        found.append(Standing(whose.reference, whose.name, row["many"] if enough else None, means))
    return sorted(found, key=lambda one: one.name)


async def _may_say(tx: Tx, scope: Scope, referral: Referral, rating: Rating) -> None:
    if scope.reach == "self":
        if referral.patient != scope.patient_rid and referral.patient not in await members.others_of(tx, scope.patient_rid):
            raise NotFound("There is no such referral of yours.", zh="没有找到您的这次转诊。")
        if rating.guardian:
            raise Forbidden("A guardian speaks through the institution that referred.", zh="监护人请通过转出机构登记评价。")
        return
    if scope.reach != "grounds" or scope.institution_rid != referral.from_org or not rating.guardian:
        raise Forbidden(
            "A referral is rated by its patient, or for a guardian by the institution that referred.",
            zh="评价由患者本人提交;监护人的评价由转出机构代为登记。",
        )
    today = tx.now.astimezone(region_zone()).date()
    await guardians.require(tx, [rating.guardian.removeprefix("RelatedPerson/")], referral.patient, today)


def _faults(rating: Rating) -> list[Issue]:
    found = []
    for name, zh in ASPECTS.items():
        if rating.marks.get(name) not in MARKS:
            text = f"{name} is a mark from 1 to 5."
            found.append(Issue("error", "value", text, f"Parameters.parameter.where(name='{name}')", f"请为“{zh}”打分(1~5)。"))
    if len(rating.text) > LONGEST:
        text = f"text has at most {LONGEST} characters."
        found.append(Issue("error", "too-long", text, "Parameters.parameter.where(name='text')", f"意见最多 {LONGEST} 字。"))
    return found


def _response(rating: Rating, patient: str, task: str, at: datetime) -> Resource:
    items: list[Resource] = [{"linkId": name, "text": zh, "answer": [{"valueInteger": rating.marks[name]}]} for name, zh in ASPECTS.items()]
    if rating.text:
        items.append({"linkId": "text", "text": "意见和建议", "answer": [{"valueString": rating.text}]})
    return {
        "resourceType": "QuestionnaireResponse",
        "identifier": {"system": urls.RATING, "value": task},
        "questionnaire": QUESTIONNAIRE,
        "status": "completed",
        "subject": {"reference": patient},
        "authored": at.astimezone(region_zone()).isoformat(timespec="seconds"),
        "source": {"reference": rating.guardian or patient},
        "item": items,
    }


def definitions() -> list[Resource]:
    """The Questionnaire and its codes."""
    items: list[Resource] = [{"linkId": name, "text": f"{zh}(1~5)", "type": "integer", "required": True} for name, zh in ASPECTS.items()]
    items.append({"linkId": "text", "text": "意见和建议", "type": "text", "maxLength": LONGEST})
    return [
        code_system(urls.RATING, "ReferralRating", "转诊评价", [concept(code, zh) for code, zh in ASPECTS.items()]),
        {
            "resourceType": "Questionnaire",
            "id": "referral-rating",
            "language": "zh-CN",
            "url": QUESTIONNAIRE,
            "name": "ReferralRating",
            "title": "转诊评价",
            "status": "active",
            "subjectType": ["Patient"],
            "item": items,
        },
    ]
