"""转诊单 and 回转单 as paper: every field of the national form is there and can be read out of the PDF."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pypdf
import pytest

from tests.referral.region import OUTCOME, Region, a_plan, down, up
from yilian import referral
from yilian.errors import BadRequest, Conflict, NotFound
from yilian.fhir import urls
from yilian.referral import resources

FORM = {
    "url": urls.REFERRAL_FORM,
    "extension": [
        {"url": "present-illness", "valueString": "反复胸闷一周,活动后加重。"},
        {"url": "past-history", "valueString": "高血压病史十年。"},
        {"url": "treatment", "valueString": "口服阿司匹林、硝酸甘油。"},
        {"url": "precautions", "valueString": "途中吸氧。"},
        {"url": "care-type", "valueCode": "inpatient"},
        {"url": "transport", "valueString": "救护车"},
        {"url": "escort", "valueString": "家属一名"},
        {"url": "infectious", "valueBoolean": False},
        {"url": "payment", "valueString": "城乡居民医保"},
    ],
}


def words(pdf: bytes) -> str:
    """All text of a PDF without white space, so that line breaks do not matter."""
    return "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


async def slip(region: Region, who: str, task: dict[str, Any], kind: str = "referral", size: str = "A4") -> bytes:
    async with region.db.transaction() as tx:
        return await referral.slip(tx, region.scope(who), task["id"], kind, size)


async def record(region: Region) -> list[dict[str, Any]]:
    """Some of what a township has written about p1."""
    about = {"subject": {"reference": "Patient/p1"}}
    found: list[dict[str, Any]] = [
        {
            "resourceType": "Observation",
            "id": "troponin",
            "status": "final",
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
            "code": {"coding": [{"system": urls.LOINC, "code": "10839-9"}], "text": "肌钙蛋白I"},
            "valueQuantity": {"value": 0.08, "unit": "ng/mL"},
            "interpretation": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "H"}]}],
            "referenceRange": [{"text": "0–0.04"}],
            "effectiveDateTime": "2026-11-22T09:00:00+08:00",
            **about,
        },
        {
            "resourceType": "Observation",
            "id": "pressure",
            "status": "final",
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
            "code": {"coding": [{"system": urls.LOINC, "code": "85354-9"}], "text": "血压"},
            "component": [
                {"code": {"coding": [{"system": urls.LOINC, "code": code}]}, "valueQuantity": {"value": value, "unit": "mmHg"}}
                for code, value in (("8480-6", 168), ("8462-4", 98))
            ],
            "effectiveDateTime": "2026-11-22T09:00:00+08:00",
            **about,
        },
        {
            "resourceType": "Condition",
            "id": "hypertension",
            "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
            "code": {"coding": [{"system": urls.ICD10, "code": "I10"}], "text": "原发性高血压"},
            "onsetDateTime": "2016-03",
            **about,
        },
        {
            "resourceType": "MedicationRequest",
            "id": "amlodipine",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": "苯磺酸氨氯地平片"},
            "dosageInstruction": [{"text": "5 mg 每日一次"}],
            **about,
        },
        {
            "resourceType": "AllergyIntolerance",
            "id": "penicillin",
            "clinicalStatus": {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]
            },
            "code": {"text": "青霉素"},
            "patient": {"reference": "Patient/p1"},
        },
    ]
    await region.write(*found)
    return found


async def sent(region: Region, **more: Any) -> dict[str, Any]:
    await record(region)
    request = up("p1", priority="stat", extension=[FORM], supportingInfo=[{"reference": "Observation/troponin"}], **more)
    _, task = await region.refer("gp", request, note="请协助行冠脉造影。", consent="written")
    return task


async def test_the_referral_slip_has_every_field_of_the_form_on_both_sizes(region: Region) -> None:
    task = await sent(region)
    task = await region.act("coordinator", task, "accept", practitioner="Practitioner/expert", start="2026-11-24T08:30:00+05:45")
    expected = [
        "双向转诊(转出)单·存根", "患者姓名李秀英", "性别女", "年龄70岁", "档案编号51662110010100049", "家庭住址云溪县青石镇石桥村12号",
        "联系电话13900001234", "转诊日期2026-11-23", "转入单位云溪市第一人民医院", "转入科室心血管内科", "接诊医生周明", "转诊医生张伟",
        "初步印象:不稳定型心绞痛?", "主要现病史(转出原因):反复胸闷一周,活动后加重。请协助行冠脉造影。需到上一级医院做进一步检查以明确诊断",
        "主要既往史:高血压病史十年。", "治疗经过:口服阿司匹林、硝酸甘油。", "联系电话:0516-88001234", "机构名称:青石镇卫生院",
        "日期:2026-11-23", "紧急程度急救", "转诊方向上转", "就诊类型住院", "I20.0", "接诊安排周明2026-11-2408:30",
        "支付方式城乡居民医保", "传染病标识否", "转运方式救护车", "陪护家属一名", "知情同意患者书面同意", "收缩压168mmHg(2026-11-22)",
        "舒张压98mmHg", "肌钙蛋白I0.08ng/mL↑(参考0–0.04,2026-11-22)", "过敏史青霉素", "当前用药苯磺酸氨氯地平片5mg每日一次",
        "转诊注意事项途中吸氧。", "检验:肌钙蛋白I", "提交转诊张伟(青石镇卫生院)", "同意接诊孙丽(云溪市第一人民医院)",
        "000000-20261123-00001", "验证码", "打印2026-11-23",
    ]  # fmt: skip
    for size, width in (("A4", 595), ("A5", 420)):
        pdf = await slip(region, "gp", task, size=size)
        assert round(float(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].mediabox.width)) == width
        text = words(pdf)
        assert [one for one in expected if one not in text] == []


async def test_the_return_slip_has_every_field_of_the_form(region: Region) -> None:
    task = await sent(region)
    task = await region.act("expert", task, "accept")
    task = await region.act("expert", task, "arrive")
    task = await region.act("expert", task, "complete", findings="前降支近段狭窄 90%。", recordNumber="ZY20261124001", **OUTCOME)
    request = await region.read("expert", task["focus"]["reference"])
    down_request, home = await region.refer("expert", down("p1", "qingshi", request))
    await region.act("gp", home, "accept", plan=a_plan())
    text = words(await slip(region, "gp", task, "return"))
    expected = [
        "双向转诊(回转)单·存根", "病案号ZY20261124001", "转回日期2026-11-23", "转回单位青石镇卫生院", "接诊医生张伟", "转诊医生周明",
        "诊断结果:冠状动脉粥样硬化性心脏病", "住院病案号:ZY20261124001", "主要检查结果:前降支近段狭窄90%。",
        "治疗经过:行冠脉造影并植入支架一枚。", "下一步治疗方案及康复建议:双抗一年,两周后复诊。", "机构名称:云溪市第一人民医院",
        f"下转单号{resources.number_of(down_request)}", "主治医生周明", "当前状态已完成", "完成并回转周明(云溪市第一人民医院)",
    ]  # fmt: skip
    assert [one for one in expected if one not in text] == []


async def test_history_and_treatment_come_from_the_record_when_the_referrer_left_them_out(region: Region) -> None:
    await record(region)
    _, task = await region.refer("gp", up("p1", priority="stat"))
    text = words(await slip(region, "gp", task))
    assert "主要既往史:原发性高血压(2016年)" in text
    assert "治疗经过:苯磺酸氨氯地平片5mg每日一次" in text


async def test_text_is_never_read_as_markup(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"), note='#panic() *粗* $x$ \\ "引号" <script>')
    assert '#panic()*粗*$x$\\"引号"<script>' in words(await slip(region, "gp", task))


async def test_a_draft_has_no_slip_and_an_unfinished_referral_no_return_slip(region: Region) -> None:
    _, task = await region.refer("gp", submit=False)
    with pytest.raises(Conflict):
        await slip(region, "gp", task)
    task = await region.act("gp", task, "submit")
    with pytest.raises(Conflict):
        await slip(region, "gp", task)
    task = await region.act("head", task, "approve")
    assert words(await slip(region, "coordinator", task))
    with pytest.raises(Conflict):
        await slip(region, "coordinator", task, "return")
    for kind, size in (("letter", "A4"), ("referral", "A3")):
        with pytest.raises(BadRequest):
            await slip(region, "gp", task, kind, size)


async def test_who_does_not_see_the_referral_gets_no_slip(region: Region) -> None:
    task = await sent(region)
    for who in ("gp2", "admin", "p2"):
        with pytest.raises(NotFound):
            await slip(region, who, task)
    assert "李秀英" in words(await slip(region, "p1", task))


async def test_a_printed_code_can_be_verified_and_goes_out_of_date(region: Region) -> None:
    task = await sent(region)
    first, again = [await slip(region, "gp", task) for _ in range(2)]
    async with region.db.reading() as tx:
        (code,) = [row["code"] for row in await tx.fetch("select code from referral_slip")]
        assert all(code in words(pdf) for pdf in (first, again))
        found = await referral.verify(tx, region.scope("coordinator"), code.lower())
        assert found is not None
        assert (found.kind, found.task_id, found.is_current, found.printed_by) == ("referral", task["id"], True, "gp")
        assert await referral.verify(tx, region.scope("coordinator"), "AAAA-BBBB-CCCC") is None
        assert await referral.verify(tx, region.scope("gp2"), code) is None
    await region.act("coordinator", task, "receive")
    await slip(region, "gp", task)
    async with region.db.reading() as tx:
        old = await referral.verify(tx, region.scope("gp"), code)
        assert old is not None
        assert not old.is_current
        assert await tx.fetchval("select count(*) from referral_slip") == 2


async def test_the_printer_is_named_but_does_not_change_the_code(region: Region) -> None:
    task = await sent(region)
    assert "打印2026-11-2307:15刘敏" in words(await slip(region, "gp-colleague", task))
    region.scopes["other"] = replace(region.scope("gp"), name="别人")
    await slip(region, "other", task)
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from referral_slip") == 1
