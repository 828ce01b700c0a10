"""Messages in files: taken in one after the other with a report of each, and written out for every step a referral has come to.

One message is one transaction: what one of them is refused for holds up no other. Taking in twice does nothing twice, so a run that was
stopped is begun again. docs/reference/bridge.md
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from yilian.audit.note import write as note
from yilian.audit.record import notes_of_read
from yilian.directory.specialties import SPECIALTIES
from yilian.errors import BadRequest, NotFound, YilianError
from yilian.exchange.bridge.form import BACK_LABELS, OUT_LABELS, STEPS, Message
from yilian.exchange.bridge.give_out import THERE, give_out
from yilian.exchange.bridge.messages import acknowledged, read_message
from yilian.exchange.bridge.take_in import take_in, was_taken
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.referral import codes
from yilian.store import read
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from yilian.db import Database

Resource = dict[str, Any]

TAKEN, KNOWN, REFUSED = "taken", "known", "refused"
"""What became of a message. known: it was taken before, and nothing was done again."""
PAGE = 200

LISTED = """
select f.task_rid, f.task_id, f.number, f.state from referral f join resource r on r.rid = f.task_rid
where (f.from_org = $5 or f.to_org = $5) and f.submitted_at is not null and not r.deleted and {readable}
    and ($6::text[] is null or f.number = any($6)) and ($7::date is null or (f.submitted_at at time zone $8)::date >= $7)
    and f.task_rid > $9 order by f.task_rid limit $10
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one message. what: of TAKEN, KNOWN, REFUSED; number: 转诊单号 where there is one; why, zh: the reasons of a refusal;
    answer: the message that answers it, None where it was refused."""

    name: str
    step: str
    what: str
    number: str = ""
    why: str = ""
    zh: str = ""
    answer: Resource | None = None


class _OnlyTried(Exception):
    pass


async def take_all(db: Database, scope: Scope, messages: Iterable[tuple[str, Resource]], *, dry_run: bool = False) -> AsyncIterator[Told]:
    """Take messages (name, Bundle) in as this asker, in their order, each in a transaction of its own; nothing is kept with `dry_run`."""
    for name, bundle in messages:
        told = Told(name, "", REFUSED)
        try:
            async with db.transaction() as tx:
                known = await was_taken(tx, scope, bundle)
                message, task = await take_in(tx, scope, bundle)
                number = next((str(i["value"]) for i in task.get("identifier", []) if i.get("system") == urls.REFERRAL_NO), "")
                at = tx.now.astimezone(region_zone()).isoformat(timespec="milliseconds")
                answer = acknowledged(bundle, number=number, at=at)
                told = Told(name, message.step, KNOWN if known else TAKEN, number, answer=answer)
                if dry_run:
                    raise _OnlyTried
        except _OnlyTried:
            pass
        except YilianError as error:
            places = [f"{issue.expression}: " if issue.expression else "" for issue in error.issues]
            why = "; ".join(place + issue.diagnostics for place, issue in zip(places, error.issues, strict=True))
            told = Told(name, _step(bundle), REFUSED, why=why, zh="".join(issue.zh or issue.diagnostics for issue in error.issues))
        yield told


async def give_all(
    db: Database, scope: Scope, *, numbers: Sequence[str] = (), steps: Sequence[str] = (), since: date | None = None
) -> AsyncIterator[tuple[str, str, Resource]]:
    """(转诊单号, step, message Bundle) of every referral of the asker's institution, in the order they were written, that the asker sees:
    of each of `steps` (all) it has come to. numbers: only these. since: sent on this day of the region's clock or later.

    Leaves a trace of each referral that is given out. Raises BadRequest for who has no institution, NotFound for a number
    that is not there.
    """
    if scope.reach != "grounds" or not scope.institution_rid:
        raise BadRequest(
            "Referrals are given out as an institution: its own system, or somebody with a post there.", zh="须以医疗机构身份导出。"
        )
    missing = set(numbers)
    last = 0
    while True:
        async with db.transaction() as tx:
            rows = await tx.fetch(
                scope.finely(LISTED.format(readable=readable("r", 1))),
                *scope.keys(), scope.institution_rid, list(numbers) or None, since, str(region_zone()), last, PAGE,
            )  # fmt: skip
        for row in rows:
            missing.discard(row["number"])
            async with db.transaction() as tx:
                found = []
                for step in steps or STEPS:
                    if row["state"] in THERE[step]:
                        found.append((step, await give_out(tx, scope, row["task_id"], step)))
                task = await read.by_id(tx, scope, "Task", row["task_id"])
                if found:
                    await note(tx, notes_of_read(scope, [task], "bridge-message", tx.now))
            for step, bundle in found:
                yield row["number"], step, bundle
        if len(rows) < PAGE:
            break
        last = rows[-1]["task_rid"]
    if missing:
        raise NotFound(
            f"There is no referral {', '.join(sorted(missing))} that you may see.", zh=f"没有转诊单号 {'、'.join(sorted(missing))}。"
        )


HEAD = ("转诊单号", "转出机构代码", "接收机构代码", "患者姓名", "性别", "出生日期")


def sheet(messages: Iterable[Resource]) -> str:
    """The fields of 双向转诊(转出)单 and (回转)单 as CSV, a row for each referral, in words; of messages that `give_all` gives."""
    rows: dict[str, dict[str, str]] = {}
    for bundle in messages:
        message = read_message(bundle)
        rows.setdefault(message.number, {}).update(_cells(message))
    text = io.StringIO()
    headings = (*HEAD, *OUT_LABELS.values(), *BACK_LABELS.values())
    writer = csv.DictWriter(text, headings, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in rows.values():
        writer.writerow({name: _safe(value) for name, value in row.items()})
    return text.getvalue()


def _cells(message: Message) -> dict[str, str]:
    sexes = {"male": "男", "female": "女", "other": "其他", "unknown": "未知"}
    person = message.person
    found = dict(
        zip(HEAD, (message.number, message.sender, message.receiver, person.name, sexes.get(person.sex, ""), person.born), strict=True)
    )
    for form, labels in ((message.out, OUT_LABELS), (message.back, BACK_LABELS)):
        if form is not None:
            found |= {labels[name]: _word(name, value) for name, value in asdict(form).items()}
    return found


def _word(field: str, value: str) -> str:
    """A code in words; what is no code of ours as it stands."""
    if field == "specialty":
        return SPECIALTIES.get(value, value)
    known = {
        "direction": codes.DIRECTIONS,
        "priority": codes.PRIORITIES,
        "reason": codes.UP_REASONS | codes.DOWN_REASONS,
        "consent": codes.CONSENT_WAYS,
    }.get(field, {})
    return known[value][0] if value in known else value


def _safe(value: str) -> str:
    """No formula out of what somebody wrote."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value


def _step(bundle: Resource) -> str:
    """The step a message says it is, "" where it does not."""
    entries = bundle.get("entry")
    first = entries[0] if isinstance(entries, list) and entries and isinstance(entries[0], dict) else {}
    header = first.get("resource")
    event = header.get("eventCoding") if isinstance(header, dict) else None
    return str(event.get("code", "")) if isinstance(event, dict) else ""
