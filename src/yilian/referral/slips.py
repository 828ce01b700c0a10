"""转诊单 and 回转单 as PDF, on A4 or A5, with a code by which the paper can be verified.

What they say is `slip_content`; how they look is `templates/*.typ`, which a hospital may change without touching Python.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import segno
import typst

from yilian import fonts
from yilian.directory.institutions import by_rid
from yilian.errors import BadRequest, Conflict
from yilian.fhir import json, references
from yilian.fhir.dates import region_zone
from yilian.referral import marks, register, resources
from yilian.referral.register import Referral
from yilian.referral.slip_content import Facts, referral_slip, return_slip
from yilian.referral.states import CONFINED, STATES
from yilian.search.query import parse
from yilian.store import read
from yilian.store.find import find
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

TEMPLATES = Path(__file__).with_name("templates")
KINDS = {"referral": referral_slip, "return": return_slip}
SIZES = ("A4", "A5")

RECORD = {
    "Condition": (("clinical-status", "active"), ("_sort", "-onset-date")),
    "AllergyIntolerance": (),
    "MedicationRequest": (("status", "active"), ("_sort", "-authoredon")),
    "Observation": (("category", "vital-signs"), ("_sort", "-date")),
}
"""What of the record goes on the paper, newest first; `slip_content` says how much of it."""

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Printed:
    """What the code on a paper stands for: which referral, the version it shows, and when it was first printed by whom."""

    number: str
    kind: str
    task_id: str
    task_version: int
    is_current: bool
    printed_at: datetime
    printed_by: str


async def slip(tx: Tx, scope: Scope, task_id: str, kind: str = "referral", size: str = "A4") -> bytes:
    """The PDF of a slip, from what the asker may see. `kind`: referral | return; `size`: A4 | A5.

    Remembers the code it prints (one row, in `tx`). Raises NotFound, BadRequest for another kind or size or a Task that is no referral,
    Conflict when there is no such slip yet: 转诊单 exists once the referral is sent, 回转单 once it is completed.
    """
    if kind not in KINDS or size not in SIZES:
        raise BadRequest(f"kind is {' | '.join(KINDS)} and size {' | '.join(SIZES)}.", zh="打印参数不正确。")
    stored = await read.by_id(tx, scope, "Task", task_id)
    referral = await register.of_task(tx, stored.rid)
    if referral is None:
        raise BadRequest(f"Task/{task_id} is no referral; only those have slips.", zh="该任务不是转诊。", code="not-supported")
    state = STATES[referral.state]
    if referral.submitted_at is None or referral.state in CONFINED:
        raise Conflict(
            f"The referral is {referral.state!r}: it has a slip once it was sent.", zh=f"转诊当前为“{state.zh}”,提交后才能打印。"
        )
    if kind == "return" and referral.state != "completed":
        raise Conflict(
            f"The referral is {referral.state!r}: 回转单 is there once it is completed.", zh=f"转诊当前为“{state.zh}”,完成后才有回转单。"
        )
    said = KINDS[kind](await facts_of(tx, scope, referral))
    code = _code(kind, said)
    await tx.execute(
        """
        insert into referral_slip (code, task_rid, task_ver, kind, content, printed_at, printed_by)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (code) do nothing
        """,
        code,
        referral.task_rid,
        referral.task_ver,
        kind,
        _digest(kind, said),
        tx.now,
        scope.user,
    )
    printed = {
        **said,
        "size": size,
        "code": code,
        "qr": segno.make(f"yilian:slip:{said['number']}:{code}", error="m").svg_inline(border=1),
        "printed": tx.now.astimezone(region_zone()).strftime("%Y-%m-%d %H:%M"),
        "printer": scope.name,
    }
    return await asyncio.to_thread(_typeset, kind, json.dump(printed).decode())


async def verify(tx: Tx, scope: Scope, code: str) -> Printed | None:
    """What a code on a paper stands for; None for a code we never printed, or of a referral the asker may not see."""
    row = await tx.fetchrow(
        """
        select s.kind, s.task_ver, s.printed_at, s.printed_by, f.number, f.task_id, f.task_ver as current
        from referral_slip s join referral f on f.task_rid = s.task_rid where s.code = $1
        """,
        code.strip().upper(),
    )
    if row is None or not await read.many(tx, scope, [("Task", row["task_id"])]):
        return None
    same = row["task_ver"] == row["current"]
    return Printed(row["number"], row["kind"], row["task_id"], row["task_ver"], same, row["printed_at"], row["printed_by"])


async def facts_of(tx: Tx, scope: Scope, referral: Referral, request: Resource | None = None, task: Resource | None = None) -> Facts:
    """What a slip is made of, within the scope. `request`, `task`: as they are about to be written; None: as they are stored."""
    if request is None or task is None:
        request = json.parse((await read.by_id(tx, scope, "ServiceRequest", referral.request_id)).body)
        task = json.parse((await read.by_id(tx, scope, "Task", referral.task_id)).body)
    patient_id = request["subject"]["reference"].rsplit("/", 1)[-1]
    patient = json.parse((await read.by_id(tx, scope, "Patient", patient_id)).body)
    institutions = await by_rid(tx, [rid for rid in (referral.from_org, referral.to_org) if rid is not None])
    steps = await searched(tx, scope, "Provenance", (("target", f"Task/{referral.task_id}"), ("_sort", "recorded")))
    attached = [item.get("reference", "") for key in ("supportingInfo", "reasonReference") for item in request.get(key, [])]
    attached += [item["valueReference"]["reference"] for item in resources.outputs(task, "attachment") if "valueReference" in item]
    plans = [item["valueReference"]["reference"] for item in resources.outputs(task, "plan") if "valueReference" in item]
    down = await tx.fetchrow(
        "select number from referral where basis_task = $1 and direction = 'down' and submitted_at is not null order by task_rid desc",
        referral.task_rid,
    )
    return Facts(
        now=tx.now,
        state=referral.state,
        request=request,
        task=task,
        patient=patient,
        sender=institutions[referral.from_org],
        receiver=institutions.get(referral.to_org) if referral.to_org is not None else None,
        people=await _people(tx, scope, request, task, steps),
        record={kind: await searched(tx, scope, kind, (("patient", patient_id), *rest)) for kind, rest in RECORD.items()},
        attached=await _referred(tx, scope, attached),
        steps=steps,
        plan=next(iter(await _referred(tx, scope, plans)), None),
        down_number=down["number"] if down is not None else "",
    )


async def searched(tx: Tx, scope: Scope, kind: str, pairs: tuple[tuple[str, str], ...]) -> list[Resource]:
    """The first hundred matches of a search, within the scope."""
    page = await find(tx, scope, parse(kind, [*pairs, ("_count", "100")], zone=region_zone()))
    return [json.parse(one.body) for one in page.matches]


async def _referred(tx: Tx, scope: Scope, texts: list[str]) -> list[Resource]:
    targets = [target for text in texts if isinstance(target := references.parse(text), references.Local)]
    found = await read.many(tx, scope, [(target.type, target.id) for target in targets])
    return [json.parse(one.body) for one in found.values()]


async def _people(tx: Tx, scope: Scope, request: Resource, task: Resource, steps: list[Resource]) -> dict[str, tuple[str, str]]:
    """Name and telephone of the doctors who stand on the paper."""
    arranged, _ = marks.arranged(task)
    named = [request.get("requester", {}), arranged or {}, *(agent.get("who", {}) for step in steps for agent in step.get("agent", []))]
    wanted = [one.get("reference", "") for one in named if one.get("reference", "").startswith("Practitioner/")]
    people = {}
    for person in await _referred(tx, scope, wanted):
        phone = next((t.get("value", "") for t in person.get("telecom", []) if t.get("system") == "phone"), "")
        people[f"Practitioner/{person['id']}"] = (resources.person_name(person), phone)
    return people


def _digest(kind: str, said: dict[str, Any]) -> bytes:
    return hashlib.sha256(kind.encode() + b"\0" + json.dump(said)).digest()


def _code(kind: str, said: dict[str, Any]) -> str:
    """Twelve letters and digits that change when anything on the paper does: ABCD-EFGH-JKLM."""
    letters = base64.b32encode(_digest(kind, said)).decode()[:12]
    return "-".join(letters[start : start + 4] for start in (0, 4, 8))


@cache
def _compiler(kind: str) -> typst.Compiler:
    """One for each template, kept: reading the typeface takes a hundred times as long as setting a page."""
    paths = [str(folder) for folder in fonts.cjk_font_paths()]
    return typst.Compiler(str(TEMPLATES / f"{kind}.typ"), root=str(TEMPLATES), font_paths=paths, ignore_system_fonts=True)


def _typeset(kind: str, data: str) -> bytes:
    with _one_at_a_time:
        made = _compiler(kind).compile(format="pdf", sys_inputs={"data": data})
    assert isinstance(made, bytes)
    return made
