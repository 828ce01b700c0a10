"""Messages of other platforms: read as they were written, taken once, refused with reasons; and given out as they came in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.referral.region import HOOKS, Region, opened, state_of
from yilian import validation
from yilian.errors import Conflict, Forbidden, YilianError
from yilian.exchange import bridge
from yilian.exchange.bridge.form import BACK_FIELDS, OUT_FIELDS, STEPS, Back, Message, Out, Person, Refused
from yilian.fhir import urls

Resource = dict[str, Any]
AT = "2026-11-23T09:00:00.000+08:00"
PERSON = Person(((urls.HEALTH_FILE, "51662110010100051"),), "单雄", "male", "2024-05-01")
OUT = Out(
    direction="up", priority="routine", specialty="03.04", reason="needs-higher-test", impression="先天性心脏病?", impression_code="Q24.9",
    present_illness="哭闹后口唇发绀一月。", past_history="足月顺产。", treatment="未用药。", transport="自行前往", consent="guardian",
)  # fmt: skip
BACK = Back(diagnosis="房间隔缺损", diagnosis_code="Q21.1", treatment="心脏彩超。", advice="半年复查。", next_visit="2027-05-20")
APPLY = Message("m-1", "https://other.example/fhir", "apply", PERSON, "LH001", "FH001", out=OUT)


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    async with opened(dsn, HOOKS) as made:
        for id, code in (("liuhe", "LH001"), ("first", "FH001")):
            one = await made.read("system", f"Organization/{id}")
            await made.write({**one, "identifier": [{"system": urls.INSTITUTION_ID, "value": code}]})
        child = await made.read("system", "Patient/p3")
        await made.write({**child, "identifier": [{"system": urls.HEALTH_FILE, "value": PERSON.numbers[0][1]}]})
        yield made


async def take(region: Region, who: str, message: Message) -> Resource:
    async with region.db.transaction() as tx:
        _, task = await bridge.take_in(tx, region.scope(who), bridge.write_message(message, AT))
        return task


async def give(region: Region, who: str, task: Resource, step: str) -> Message:
    async with region.db.reading() as tx:
        return bridge.read_message(await bridge.give_out(tx, region.scope(who), task["id"], step))


TEXT = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x4E80), min_size=0, max_size=8)
WORD = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x4E80), min_size=1, max_size=8)
OUTS = st.builds(Out, **dict.fromkeys(OUT_FIELDS, TEXT))
BACKS = st.builds(Back, **dict.fromkeys(BACK_FIELDS, TEXT))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(step=st.sampled_from(list(STEPS)), out=OUTS, back=BACKS, agreed=st.booleans(), why=WORD, note=TEXT, number=WORD)
def test_what_is_written_is_read_as_the_same(step: str, out: Out, back: Back, agreed: bool, why: str, note: str, number: str) -> None:
    declined = step == "answer" and not agreed
    message = Message(
        "m", "https://other.example", step, PERSON, "A", "B", number=number, agreed=not declined,
        why="other" if declined else "", why_text=why if declined else "", note="" if step == "record" else note,
        out=out if step == "apply" else None, back=back if step == "record" else None,
    )  # fmt: skip
    bundle = bridge.write_message(message, AT)
    assert bridge.read_message(bundle) == message
    assert [i for i in validation.issues(bundle) if i.severity in ("fatal", "error")] == []


async def test_a_referral_goes_the_four_steps_and_comes_out_as_it_came_in(region: Region) -> None:
    task = await take(region, "gp2", APPLY)
    assert state_of(task) == "submitted"
    number = task["identifier"][0]["value"]
    out = (await give(region, "coordinator", task, "apply")).out
    assert out == replace(OUT, doctor="王芳")
    assert (await give(region, "coordinator", task, "apply")).person == PERSON

    def following(step: str, **more: Any) -> Message:
        return Message(f"m-{step}", "https://hospital.example", step, PERSON, "LH001", "FH001", number=number, **more)

    task = await take(region, "coordinator", following("answer"))
    assert state_of(task) == "accepted"
    task = await take(region, "coordinator", following("arrival"))
    assert state_of(task) == "arrived"
    with pytest.raises(Conflict):
        await give(region, "gp2", task, "record")
    task = await take(region, "expert", following("record", back=BACK))
    assert state_of(task) == "completed"
    assert (await give(region, "gp2", task, "record")).back == BACK
    assert (await give(region, "gp2", task, "answer")).agreed


async def test_a_message_is_taken_once_and_the_same_id_with_other_words_is_refused(region: Region) -> None:
    first = await take(region, "gp2", APPLY)
    again = await take(region, "gp2", APPLY)
    assert again["id"] == first["id"]
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from referral") == 1
    with pytest.raises(Conflict, match="other words"):
        await take(region, "gp2", replace(APPLY, out=replace(OUT, impression="别的")))


async def test_an_institutions_own_system_acts_as_its_office(region: Region) -> None:
    region.scopes["system-liuhe"] = replace(region.scope("gp2"), roles=frozenset(), client="his-liuhe")
    assert state_of(await take(region, "system-liuhe", APPLY)) == "submitted"
    with pytest.raises(Forbidden):
        await take(region, "p1", APPLY)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"sender": "FH001"}, "须由转出机构"),
        ({"receiver": "NOBODY"}, "没有该代码"),
        ({"person": replace(PERSON, name="别人")}, "姓名不一致"),
        ({"person": replace(PERSON, numbers=((urls.HEALTH_FILE, "51662110010100099"),))}, "请先建档"),
        ({"out": replace(OUT, specialty="")}, ""),
        ({"step": "answer", "number": "000000-20200101-00001"}, "没有该转诊单号"),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_a_reason_and_nothing_stays(region: Region, changed: dict[str, Any], told: str) -> None:
    with pytest.raises(YilianError) as caught:
        await take(region, "gp2", replace(APPLY, **changed))
    assert told in "".join(issue.zh for issue in caught.value.issues)
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from referral") == 0
        assert await tx.fetchval("select count(*) from bridge_message") == 0


def test_what_is_no_message_is_refused_with_every_reason() -> None:
    bundle = bridge.write_message(replace(APPLY, id="", person=Person((), "")), AT)
    with pytest.raises(Refused) as caught:
        bridge.read_message(bundle)
    assert len(caught.value.issues) == 2
    with pytest.raises(Refused):
        bridge.read_message({"resourceType": "Bundle", "type": "collection"})


def test_the_page_tells_the_steps_and_the_fields() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "bridge.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")]
    assert {row[0].strip("`"): row[1] for row in rows if row[0].startswith("`")} == STEPS
    told = [re.findall(r"`(\w+)`", row[1]) for row in rows if row[0].startswith("双向")]
    assert told == [list(OUT_FIELDS), list(BACK_FIELDS)]
