"""What the model found becomes links and questions, and what a person decided stays decided."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.identity.conftest import STEWARD, Region, person
from yilian.errors import BadRequest, NotFound
from yilian.fhir.identifiers import resident_check_digit
from yilian.identity import links, matching, review, worklist

DOCUMENT = "11010519491231002X"
OTHER_DOCUMENT = "11010519560312001" + resident_check_digit("11010519560312001")
PHONE = [{"system": "phone", "value": "16900123456"}]


async def look_up(region: Region, *patients: str) -> None:
    """What the job does for each of them."""
    for one in patients:
        await worklist.look_up(region.db, job(await region.rid(one)))


def job(patient: int) -> Any:
    return SimpleNamespace(payload={"patient": patient})


async def test_a_sure_pair_is_linked_without_asking_and_says_so(region: Region) -> None:
    await region.put(person("a", document=DOCUMENT, telecom=PHONE), person("b", at="liuhe", document=DOCUMENT, telecom=PHONE))
    await look_up(region, "b")
    assert await region.members() == [["a", "b"]]
    assert await region.tasks() == [("a", "b", "asked", "same")]
    row = await region.rows("select decided, account, reason from match_task")
    assert row[0]["decided"] is None
    assert row[0]["account"] == "yilian"
    assert "自动关联标准" in row[0]["reason"]
    assert await region.value("select state from match_candidate") == "linked"


async def test_a_likely_pair_is_asked_about_and_not_linked(region: Region) -> None:
    await region.put(person("a", document=DOCUMENT, telecom=PHONE), person("b", at="liuhe", name="单雄新"))
    await look_up(region, "b", "b")
    assert await region.members() == []
    assert await region.tasks() == [("a", "b", "alike", "open")]


async def test_the_name_alone_links_nobody(region: Region) -> None:
    await region.put(person("a"), person("b", at="liuhe"))
    await look_up(region, "a", "b")
    assert await region.members() == []


async def test_a_contested_pair_is_never_linked_by_itself(region: Region) -> None:
    await region.put(
        person("a", document=DOCUMENT, telecom=PHONE), person("b", at="liuhe", name="单熊信", document=DOCUMENT, telecom=PHONE)
    )
    await look_up(region, "a", "b")
    assert await region.members() == []
    assert await region.tasks() == [("a", "b", "contested", "open")]


async def test_what_was_parted_by_hand_is_not_joined_again(region: Region) -> None:
    await region.put(person("a", document=DOCUMENT, telecom=PHONE), person("b", at="liuhe", document=DOCUMENT, telecom=PHONE))
    await look_up(region, "b")
    await region.unlink("b")
    await look_up(region, "a", "b")
    assert await region.members() == []
    first, second = sorted([await region.rid("a"), await region.rid("b")])
    async with region.db.transaction() as tx:
        await links.undo(tx, STEWARD, first, second, reason="重新核对")
    await look_up(region, "a", "b")
    assert await region.members() == [], "undone is open again, for a person"
    assert await region.tasks() == [("a", "b", "asked", "open")]


async def test_a_link_is_not_carried_over_a_third_record_with_another_document(region: Region) -> None:
    await region.put(person("a", document=DOCUMENT, telecom=PHONE))
    await region.put(person("b", at="liuhe", telecom=PHONE))
    await look_up(region, "b")
    assert await region.members() == [["a", "b"]]
    await region.put(person("c", at="first", document=OTHER_DOCUMENT, telecom=PHONE))
    await look_up(region, "c", "b")
    assert await region.members() == [["a", "b"]], "b is like c, but a has another document"
    assert ("b", "c", "alike", "open") in await region.tasks()


async def test_a_question_that_answers_itself_goes(region: Region) -> None:
    await region.put(person("a", document=DOCUMENT, telecom=PHONE), person("b", at="liuhe", name="单雄新"))
    await look_up(region, "b")
    await region.put(person("b", at="liuhe", name="秦叔宝", born="1990-07-08"))
    await look_up(region, "b")
    assert await region.tasks() == []


async def test_all_pairs_of_a_run_are_fed_at_once(region: Region) -> None:
    await region.put(
        *(
            person(f"p{n}", at=("qingshi", "liuhe")[n % 2], document=DOCUMENT if n < 2 else "", telecom=PHONE if n < 2 else [])
            for n in range(2)
        ),
        person("x", at="first", name="单雄新"),
    )
    for one in ("p0", "p1", "x"):
        await matching.look_up(region.db, job(await region.rid(one)))
    fed = await worklist.feed(region.db)
    assert fed.linked == 1
    assert fed.asked >= 1
    again = await worklist.feed(region.db)
    assert (again.linked, again.asked) == (0, 0)


async def test_pages_follow_each_other_without_gap_or_overlap(region: Region) -> None:
    for n in range(5):
        await region.put(person(f"a{n}"), person(f"b{n}", at="liuhe"))
    pairs = [(await region.rid(f"a{n}"), await region.rid(f"b{n}")) for n in range(5)]
    async with region.db.transaction() as tx:
        await tx.executemany(
            "insert into match_task (first, second, why, score, opened) values ($1, $2, 'alike', $3, now())",
            [(*pair, (0.3, 0.7)[n % 2]) for n, pair in enumerate(pairs)],
        )
    seen: list[str] = []
    cursor = None
    while True:
        async with region.db.reading() as tx:
            page = await review.page(tx, "open", count=2, cursor=cursor)
        assert page.total == 5
        seen += [task["id"] for task in page.tasks]
        cursor = page.next
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5
    async with region.db.reading() as tx:
        with pytest.raises(BadRequest):
            await review.page(tx, "closed", count=2, cursor=None)
        with pytest.raises(NotFound):
            await review.pair(tx, 999)


async def test_of_the_records_only_what_tells_people_apart_is_shown(region: Region) -> None:
    address = [{"state": "四川省", "city": "云溪市", "district": "云溪县", "line": ["柳河镇柳荫村3组12号"]}]
    await region.put(
        person("a", document=DOCUMENT, telecom=PHONE, address=address),
        person("b", at="liuhe", name="程咬金", document=DOCUMENT, telecom=PHONE, address=address),
    )
    task = await region.value("select id from match_task")
    async with region.db.reading() as tx:
        pair = await review.pair(tx, task)
    by_code = {one.code: one for one in pair.fields}
    assert by_code["resident"].first == "*" * 14 + DOCUMENT[-4:]
    assert {code: one.agreement for code, one in by_code.items()} == {
        "name": "different",
        "gender": "same",
        "birthDate": "same",
        "resident": "same",
        "phone": "same",
        "address": "same",
        "organization": "none",
    }
    told = f"{pair.fields}{review.task_of(pair)}"
    assert DOCUMENT not in told
    assert "16900123456" not in told
    assert "柳荫" not in told
    assert by_code["organization"].second == "liuhe"
    assert pair.why is not None
