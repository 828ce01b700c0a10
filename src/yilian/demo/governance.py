"""What the consortia of the region agreed and decided: an agreement that ends in some weeks, one that goes on, resolutions and a plan."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from yilian.consortium.codes import PAPERS, coded
from yilian.demo.consortia import CITY, CONSORTIA, HEART
from yilian.demo.institutions import Institution
from yilian.fhir import urls

Resource = dict[str, Any]

ENDS_IN = timedelta(days=40)

_MEETING = """云溪市紧密型医疗联合体管理委员会决议

{day},管理委员会召开会议,应到委员 13 名,实到 12 名。会议审议并通过:

一、上级医院门诊号源的 30% 向基层开放,由基层医疗卫生机构优先预约。
二、下转患者由接诊机构在 7 日内首次随访,未随访的由医联体办公室督办。
三、连续两个季度未完成转诊任务的成员单位限期整改;整改仍未通过的,提请终止成员资格。
"""


def resources(places: dict[str, Institution], today: date) -> Iterator[Resource]:
    """Papers, their files and agreements."""
    met = _last_quarter(today)
    meeting = _MEETING.format(day=f"{met.year} 年 {met.month} 月 {met.day} 日")
    yield {
        "resourceType": "Binary",
        "id": f"{CITY}-meeting-text",
        "contentType": "text/plain;charset=utf-8",
        "data": b64encode(meeting.encode()).decode(),
    }
    yield _paper(CITY, "meeting", "resolution", "关于号源下沉和成员单位考核的决议", met, f"云医联〔{met.year}〕3号", f"{CITY}-meeting-text")
    new_year = today.replace(month=1, day=1)
    yield _paper(CITY, "plan", "annual-plan", f"{today.year} 年度医联体工作计划", new_year, f"云医联〔{today.year}〕1号")
    yield _paper(HEART, "meeting", "resolution", "关于调整联盟成员单位的决议", met, f"云心盟〔{met.year}〕2号")
    signed = date(today.year - 1, 1, 1)
    yield _agreement(
        HEART, "agreement", "心血管专科联盟合作协议", [places["qingshi"]], signed, today + ENDS_IN, "胸痛患者转诊与远程心电会诊"
    )
    yield _agreement(CITY, "agreement", "双向转诊合作协议", [places["yunxi-county"], places["qingshi"]], signed, None, "双向转诊")


def _last_quarter(today: date) -> date:
    """The 15th of the month before last: a day a committee may have met."""
    return (today.replace(day=1) - timedelta(days=40)).replace(day=15)


def _paper(consortium: str, key: str, kind: str, title: str, day: date, number: str, file: str = "") -> Resource:
    whose = {"reference": f"Organization/{consortium}", "display": CONSORTIA[consortium][0]}
    attachment = {"contentType": "text/plain;charset=utf-8", "url": f"Binary/{file}"} if file else {}
    return {
        "resourceType": "DocumentReference",
        "id": f"{consortium}-{key}",
        "masterIdentifier": {"value": number},
        "status": "current",
        "type": coded(urls.CONSORTIUM_PAPER, kind, PAPERS),
        "date": f"{day.isoformat()}T17:00:00+08:00",
        "custodian": whose,
        "description": title,
        "content": [{"attachment": attachment | {"title": title}}],
        "context": {"period": {"start": day.isoformat()}, "related": [whose]},
    }


def _agreement(consortium: str, key: str, title: str, members: list[Institution], start: date, end: date | None, about: str) -> Resource:
    return {
        "resourceType": "Contract",
        "id": f"{consortium}-{key}",
        "identifier": [{"value": f"HT-{start.year}-{consortium.split('-')[1].upper()}"}],
        "status": "executed",
        "issued": start.isoformat(),
        "applies": {"start": start.isoformat()} | ({"end": end.isoformat()} if end else {}),
        "subject": [one.reference for one in members],
        "authority": [{"reference": f"Organization/{consortium}", "display": CONSORTIA[consortium][0]}],
        "title": title,
        "topicCodeableConcept": {"text": about},
        "term": [{"offer": {"text": "双方按医联体章程开展双向转诊:上转患者优先接诊,下转患者提供随访和用药指导;每年结算一次工作量。"}}],
    }
