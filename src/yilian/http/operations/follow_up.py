"""The operations on visits after a down-referral: $follow-ups, $follow-up-counts, $follow-up; and $lost-patients. See aftercare/."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from yilian.access.policy import require
from yilian.aftercare import follow_ups, form, lists, lost
from yilian.aftercare.form import Visit
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.http import conditional
from yilian.http.answer import Answer, of_json
from yilian.http.bundles import link, of_page, plain
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.store.scope import Scope

LIST = (Parameter("list"), Parameter("within", "integer"), Parameter("_count", "integer"), Parameter("_cursor"))
VISIT = (
    *(Parameter(name) for name in ("on", "way", "adherence", "assessment", "outcome", "next", *form.TEXTS)),
    *(Parameter(name) for name in form.MEASURES),
    Parameter("symptom", many=True),
)
MOST = 200
LONGEST_TEXT = 4000
_NUMBER = re.compile(r"\d{1,3}(\.\d{1,2})?")


async def listed(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$follow-ups?list=due|overdue|done|sent&within=days"""
    require(asker, "read", "Task")
    called = await called_with(request, LIST)
    count = called.one("_count")
    if count is not None and not 1 <= count <= MOST:
        raise BadRequest(f"_count must be a whole number from 1 to {MOST}.")
    within = called.one("within")
    async with house.db.reading() as tx:
        page = await lists.follow_ups(
            tx,
            asker,
            called.text("list") or "due",
            within_days=lists.SOON_DAYS if within is None else int(within),
            count=count or 50,
            cursor=called.text("_cursor") or None,
        )
        moment = tx.now
    query = link("", "Task/$follow-ups", plain(request.query))[1:]
    await note_read(house.reads, asker, [*page.matches, *page.included], "follow-ups", request.address, query=query)
    return of_page(request, page, moment)


async def counted(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$follow-up-counts"""
    require(asker, "read", "Task")
    await called_with(request, ())
    async with house.db.reading() as tx:
        found = await lists.counts(tx, asker)
    return of_json({"resourceType": "Parameters", "parameter": [{"name": name, "valueInteger": many} for name, many in found.items()]})


async def record(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Task/{id}/$follow-up: record a visit. Out: task; `alarm` for each thing that asks for a referral; `proposal`: that one."""
    for kind in ("Task", "Observation", "QuestionnaireResponse"):
        require(asker, "write", kind)
    called = await called_with(request, VISIT)
    seen = conditional.if_match(request.header("if-match"))
    async with house.db.transaction() as tx:
        found = await follow_ups.record(tx, asker, request.segments[1], _visit(called, tx.now.astimezone(house.zone).date()), seen)
    parts: list[dict[str, Any]] = [{"name": "task", "resource": found.task}]
    parts += [{"name": "alarm", "valueString": text} for text in found.alarms]
    if found.proposal is not None:
        parts.append({"name": "proposal", "resource": found.proposal})
    return of_json({"resourceType": "Parameters", "parameter": parts})


async def lost_patients(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$lost-patients: whom the asker's institution referred and nobody has seen since."""
    require(asker, "read", "Task")
    await called_with(request, ())
    async with house.db.reading() as tx:
        page = await lost.lost(tx, asker)
        moment = tx.now
    await note_read(house.reads, asker, [*page.matches, *page.included], "lost-patients", request.address, query="Task/$lost-patients")
    return of_page(request, page, moment)


def _visit(called: Called, today: date) -> Visit:
    return Visit(
        on=_day(called, "on") or today,
        way=_code(called, "way", form.WAYS) or "clinic",
        measures={name: _number(called, name) for name in form.MEASURES if called.text(name)},
        symptoms=tuple(dict.fromkeys(_known("symptom", str(one), form.SYMPTOMS) for one in called.all("symptom"))),
        adherence=_code(called, "adherence", form.ADHERENCE),
        assessment=_code(called, "assessment", form.ASSESSMENTS),
        outcome=_code(called, "outcome", form.OUTCOMES) or "continue",
        **{name: _text(called, name) for name in form.TEXTS},
        next_on=_day(called, "next"),
    )


def _text(called: Called, name: str) -> str:
    text = called.text(name).strip()
    if len(text) > LONGEST_TEXT:
        raise BadRequest(f"{name} is longer than {LONGEST_TEXT} characters.", expression=name, zh=f"内容超过 {LONGEST_TEXT} 字。")
    return text


def _code(called: Called, name: str, known: dict[str, str]) -> str:
    text = called.text(name)
    return _known(name, text, known) if text else ""


def _known(name: str, code: str, known: dict[str, str]) -> str:
    if code not in known:
        raise BadRequest(f"{name} is one of {', '.join(known)}, not {code[:40]!r}.", expression=name, zh="选项不正确,请重新选择。")
    return code


def _number(called: Called, name: str) -> Decimal:
    text = called.text(name)
    if not _NUMBER.fullmatch(text):
        raise BadRequest(f"{name} is a number like 138 or 7.2, as text.", expression=name, zh=f"{form.MEASURES[name].zh}应为数字。")
    return Decimal(text)


def _day(called: Called, name: str) -> date | None:
    text = called.text(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadRequest(f"{name} is a day: 2026-12-07.", expression=name, zh="日期格式不正确。") from None


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Task", "type", "follow-ups", listed, False, "Visits after down-referrals, by day", OURS + "follow-ups"),
    Operation("Task", "type", "follow-up-counts", counted, False, "How many visits stand in each list", OURS + "follow-up-counts"),
    Operation("Task", "instance", "follow-up", record, True, "Record a visit", OURS + "follow-up"),
    Operation("Task", "type", "lost-patients", lost_patients, False, "Referred, and seen nowhere since", OURS + "lost-patients"),
)
