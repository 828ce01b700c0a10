"""办理情况: what both sides have to know of a referral beside its state, line by line, for the slip. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from yilian.fhir import urls
from yilian.referral import marks, resources

Resource = dict[str, Any]


def lines(request: Resource, task: Resource, state: str) -> list[str]:
    """What made it void, why it waits, who was informed and called, how it ended, when the first visit is due, and the green channel."""
    said = _reason(task)
    found = [*_green(request), *_circumstance(task)]
    if state == "in-place" and said:
        found.append(f"暂不宜转运,就地救治:{said}")
    for one in marks.in_place(task):
        told = [f"已告知家属:{one['informed']}"] if one["informed"] else []
        told += [f"已请专家:{one['expert']}"] if one["expert"] else []
        found.append(f"{';'.join(told)}({minute(one['time'])} {one['by']})")
    if state == "against-advice":
        found.append(f"拒绝转诊或自动离院:{said}")
        proof = [str(item.get("valueString") or item.get("valueReference", {}).get("display") or "凭证见附件") for item in _refusals(task)]
        found += [f"凭证:{';'.join(dict.fromkeys(proof))}"] if proof else []
    if state == "cancelled" and said:
        found.append(f"取消原因:{said}")
    due = marks.first_visit(task)
    return found + ([f"首次随访应于 {due} 前完成"] if due else [])


def minute(text: str) -> str:
    """A dateTime as people read it."""
    return text[:16].replace("T", " ")


def _reason(task: Resource) -> str:
    reason: Mapping[str, Any] = task.get("statusReason", {})
    return str(reason.get("text") or next((c.get("display", "") for c in reason.get("coding", ())), ""))


def _refusals(task: Resource) -> Iterable[Resource]:
    return resources.outputs(task, "refusal")


def _circumstance(task: Resource) -> list[str]:
    for one in task.get("extension", []):
        if one.get("url") == urls.REFERRAL_CIRCUMSTANCE:
            parts = {part.get("url"): part for part in one.get("extension", [])}
            words = parts.get("kind", {}).get("valueCoding", {}).get("display", "")
            return [f"{words}({minute(parts.get('time', {}).get('valueDateTime', ''))} 获知)"]
    return []


def _green(request: Resource) -> list[str]:
    found = marks.green_channel(request)
    if found is None:
        return []
    words = "绿色通道已开通" if found["state"] == "open" else "申请绿色通道"
    return [f"{words}:{found['reason']}"]
