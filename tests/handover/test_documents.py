"""What travels with a referred patient: frozen when it is sent, a sound FHIR document, within scope and consent."""

from __future__ import annotations

import io
import time
from typing import Any

import pypdf
import pytest

from tests.referral.region import OUTCOME, Region, a_plan, down, up
from tests.referral.test_slips import record
from yilian import handover, validation
from yilian.errors import Conflict, NotFound
from yilian.fhir import urls
from yilian.handover.document import SECTIONS, composition
from yilian.store.change import Change
from yilian.store.write import write

Resource = dict[str, Any]


async def documents(region: Region, who: str, task: Resource) -> dict[str, handover.Kept]:
    async with region.db.reading() as tx:
        found = await handover.listed(tx, region.scope(who), task["id"])
        return {kind: await handover.frozen(tx, region.scope(who), stored.id) for kind, stored in found}


def section(kept: handover.Kept, code: str) -> str:
    """The words of one section, "" where there is none."""
    loinc = SECTIONS[code][0]
    return next((s["text"]["div"] for s in composition(kept.content)["section"] if s["code"]["coding"][0]["code"] == loinc), "")


async def sent(region: Region, **more: Any) -> Resource:
    """A referral of p1 with a record, sent to the city hospital."""
    await region.write(*await record(region))
    _, task = await region.refer("gp2", up("p3"))
    assert task
    _, task = await region.refer("gp", up("p1", **more), consent="written")
    return await region.act("head", task, "approve")


async def test_the_document_is_sound_by_our_validator_and_by_the_rules_of_documents(region: Region) -> None:
    task = await sent(region, supportingInfo=[{"reference": "Observation/troponin"}])
    found = await documents(region, "coordinator", task)
    assert set(found) == {"transfer", "out"}
    for kept in found.values():
        bundle = kept.content
        assert [i for i in validation.issues(bundle) if i.severity in ("fatal", "error")] == []
        assert bundle["type"] == "document"
        assert bundle["identifier"]["value"]
        assert bundle["timestamp"]
        assert bundle["entry"][0]["resource"]["resourceType"] == "Composition"  # bdl-11
        full = [entry["fullUrl"] for entry in bundle["entry"]]
        assert len(full) == len(set(full))  # bdl-7
        said = composition(bundle)
        named = [said["subject"], *said["author"], said["custodian"], *(e for s in said["section"] for e in s.get("entry", []))]
        assert {urls.BASE + one["reference"] for one in named} <= set(full)
        assert all(s.get("text") or s.get("entry") for s in said["section"])  # cmp-1
    transfer = found["transfer"]
    assert "肌钙蛋白I 0.08 ng/mL ↑" in section(transfer, "results")
    assert "不稳定型心绞痛" in section(transfer, "reason")
    assert "患者书面同意" in section(transfer, "consent")


async def test_no_number_of_a_person_stands_in_what_is_kept(region: Region) -> None:
    task = await sent(region)
    content = await stored_text(region, task)
    assert "516621100101" not in content
    assert "13900001234" not in content
    assert "李秀英" in content


async def stored_text(region: Region, task: Resource) -> str:
    async with region.db.reading() as tx:
        rows = await tx.fetch("select d.content from handover_document d join resource t on t.rid = d.task_rid where t.id = $1", task["id"])
    return "\n".join(row["content"] for row in rows)


async def test_what_was_sent_stays_when_the_record_changes_and_nobody_alters_it(region: Region) -> None:
    task = await sent(region)
    before = (await documents(region, "coordinator", task))["transfer"]
    await region.write(
        {
            "resourceType": "AllergyIntolerance",
            "id": "later",
            "code": {"text": "头孢曲松"},
            "patient": {"reference": "Patient/p1"},
            "clinicalStatus": {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]
            },
        }
    )
    after = (await documents(region, "coordinator", task))["transfer"]
    assert after.content == before.content
    assert after.sha256 == before.sha256
    assert "头孢曲松" not in section(after, "allergies")
    own = await region.read("gp", after.reference)
    async with region.db.transaction() as tx:
        with pytest.raises(Conflict):
            await write(tx, region.scope("gp"), [Change("PUT", "DocumentReference", own["id"], {**own, "description": "别的"})])
    async with region.db.transaction() as tx:
        with pytest.raises(Conflict):
            await write(tx, region.scope("gp"), [Change("DELETE", "DocumentReference", own["id"], None)])
    with pytest.raises(Exception, match="not changed"):
        async with region.db.transaction() as tx:
            await tx.execute("update handover_document set content = content || ' '")


async def test_nobody_else_reads_it_and_a_draft_has_none(region: Region) -> None:
    _, draft = await region.refer("gp", up("p1"), submit=False)
    assert await documents(region, "gp", draft) == {}
    sent_ = await region.act("gp", draft, "submit")
    assert await documents(region, "gp", sent_) == {}, "not before the approval"
    sent_ = await region.act("head", sent_, "approve")
    found = await documents(region, "expert", sent_)
    assert set(found) == {"transfer", "out"}
    for stranger in ("gp2", "expert2", "admin"):
        with pytest.raises(NotFound):
            await documents(region, stranger, sent_)
        async with region.db.reading() as tx:
            with pytest.raises(NotFound):
                await handover.frozen(tx, region.scope(stranger), found["transfer"].reference.split("/")[1])


SCHIZOPHRENIA = {
    "resourceType": "Condition",
    "id": "f20",
    "subject": {"reference": "Patient/p1"},
    "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
    "code": {"coding": [{"system": urls.ICD10, "code": "F20.0"}], "text": "偏执型精神分裂症"},
}


async def test_sensitive_parts_travel_only_when_they_were_granted(region: Region) -> None:
    async with region.db.transaction() as tx:
        resource = {key: value for key, value in SCHIZOPHRENIA.items() if key != "id"}
        await write(tx, region.scope("gp"), [Change("POST", "Condition", None, resource)])
    task = await sent(region)
    found = await documents(region, "coordinator", task)
    assert "精神分裂症" not in await stored_text(region, task)
    assert "高血压" in section(found["transfer"], "problems")
    async with region.db.transaction() as tx:
        whom = region.rids["Organization/second"]
        await tx.execute(
            "insert into consent_rule (source, patient, institution, permit, mask, since) values ($1, $2, $3, true, 1, now())",
            region.rids["Patient/p1"],
            region.rids["Patient/p1"],
            whom,
        )
    _, other = await region.refer("gp", up("p1", "second", specialty="03.01"))
    other = await region.act("head", other, "approve")
    granted = (await documents(region, "expert2", other))["transfer"]
    assert "精神分裂症" in section(granted, "problems")
    label = (await region.read("expert2", granted.reference))["securityLabel"]
    assert [coding["code"] for one in label for coding in one["coding"]] == ["PSY"]
    with pytest.raises(NotFound):  # as guarded as what it holds: the first receiver was granted nothing
        await region.read("coordinator", granted.reference)


async def test_the_receiver_records_the_arrival_and_the_return_is_named_in_the_output(region: Region) -> None:
    task = await sent(region)
    task = await region.act("coordinator", task, "accept")
    task = await region.act("coordinator", task, "arrive", note="步行入院,神志清。")
    found = await documents(region, "gp", task)
    assert "步行入院" in section(found["in"], "arrival")
    assert "转诊交接文书" in section(found["in"], "documents")
    task = await region.act("expert", task, "complete", **OUTCOME, medication="停用硝酸甘油,加用替格瑞洛。", nextVisit="2026-12-07")
    found = await documents(region, "gp", task)
    returned = found["return"]
    assert "冠状动脉粥样硬化性心脏病" in section(returned, "diagnosis")
    assert "替格瑞洛" in section(returned, "medication-changes")
    assert "复诊时间:2026-12-07" in section(returned, "next-visit")
    outputs = [o["valueReference"]["reference"] for o in task["output"] if o["type"]["coding"][0]["code"] == "return-document"]
    assert outputs == [returned.reference]
    assert (await region.read("gp", returned.reference))["custodian"]["display"] == "云溪市第一人民医院"


async def test_the_paper_says_what_the_document_says(region: Region) -> None:
    task = await sent(region)
    async with region.db.reading() as tx:
        kept = (await documents(region, "coordinator", task))["transfer"]
        pdf = await handover.paper(tx, region.scope("coordinator"), kept)
    text = "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    for word in ("转诊交接文书", "李秀英", "不稳定型心绞痛", "青石镇卫生院→云溪市第一人民医院", "51662110010100049", kept.sha256[:16]):
        assert word in text, word


async def test_the_paper_of_the_return_goes_the_way_back(region: Region) -> None:
    task = await sent(region)
    for action in ("accept", "arrive"):
        task = await region.act("coordinator", task, action)
    task = await region.act("expert", task, "complete", **OUTCOME, nextVisit="2026-12-07")
    async with region.db.reading() as tx:
        kept = (await documents(region, "gp", task))["return"]
        pdf = await handover.paper(tx, region.scope("gp"), kept)
    text = "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    for word in ("双向转诊(回转)单", "云溪市第一人民医院→青石镇卫生院", "复诊时间:2026-12-07"):
        assert word in text, word


async def test_a_down_referral_carries_a_document_of_its_own(region: Region) -> None:
    task = await sent(region)
    for who, action in (("coordinator", "accept"), ("coordinator", "arrive")):
        task = await region.act(who, task, action)
    task = await region.act("expert", task, "complete", **OUTCOME)
    request = await region.read("expert", task["focus"]["reference"])
    _, back = await region.refer("expert", down("p1", "qingshi", request))
    assert set(await documents(region, "gp", back)) == {"transfer", "out"}
    back = await region.act("gp", back, "accept", plan=a_plan())
    assert back["output"]


async def test_sending_costs_a_fraction_more_with_its_documents(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """CPU of this process for five referrals with and without documents: far below a second each."""
    from yilian.referral import letters

    await region.write(*await record(region))
    specialties = iter(f"03.{n:02d}" for n in range(1, 12))

    async def cost(many: int) -> float:
        start = time.process_time()
        for _ in range(many):
            await region.refer("gp", up("p1", specialty=next(specialties), priority="stat", reason="critical-beyond-capability"))
        return (time.process_time() - start) / many

    await cost(1)
    with_them = await cost(5)

    async def nothing(step: Any) -> None:
        return None

    monkeypatch.setattr(letters, "accompany", nothing)
    without = await cost(5)
    assert with_them < 1.0
    assert with_them < 6 * without, "a few reads and two documents more"
