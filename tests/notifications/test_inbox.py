"""Telling, and who reads what of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.notifications.conftest import Region
from yilian.errors import Conflict, NotFound
from yilian.notifications import Message, Reader, inbox, tell, withdraw

ABOUT = "Patient/p1"
SAYS = {"patient": "李秀英", "number": "530900-1"}


async def told(region: Region, *readers: Reader, event: str = "referral.submit", **more: object) -> None:
    message = Message(event, readers, ABOUT, await region.rid("Patient", "p1"), SAYS)
    async with region.db.transaction() as tx:
        await tell(tx, replace(message, **more))  # type: ignore[arg-type]


async def entries(region: Region, who: str, **asked: object) -> list[inbox.Entry]:
    async with region.db.transaction() as tx:
        page = await inbox.inbox(tx, await region.scope(tx, who), **asked)  # type: ignore[arg-type]
    return list(page.entries)


async def test_an_entry_is_in_the_inbox_of_the_person_the_post_and_the_patient(region: Region) -> None:
    here = await region.rid("Organization", "qingshi")
    await told(region, Reader.account("Practitioner/gp"), Reader.post(here, "head"), Reader.patient(await region.rid("Patient", "p1")))
    (mine,) = await entries(region, "gp")
    assert (mine.title, mine.about, mine.read) == ("新的转诊待接收", ABOUT, False)
    assert "李秀英" in mine.text
    (of_post,) = await entries(region, "head")
    assert of_post.post == "head"
    (own,) = await entries(region, "resident")
    assert own.text == "您的转诊（单号 530900-1）已提交，接收后会通知您。"
    assert await entries(region, "gp-colleague") == await entries(region, "gp2") == []


async def test_who_has_no_ground_is_told_that_there_is_something_and_not_about_whom(region: Region) -> None:
    await told(region, Reader.account("Practitioner/expert"))
    (entry,) = await entries(region, "expert")
    assert (entry.title, entry.text, entry.about) == ("新的转诊待接收", "", "")


async def test_nothing_is_told_that_was_rolled_back(region: Region) -> None:
    async def told_in_vain() -> None:
        async with region.db.transaction() as tx:
            await tell(tx, Message("referral.submit", (Reader.account("Practitioner/gp"),), ABOUT, None, SAYS))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await told_in_vain()
    assert await entries(region, "gp") == []


async def test_one_key_is_told_once(region: Region) -> None:
    for _ in range(3):
        await told(region, Reader.account("Practitioner/gp"), key="overdue 1")
    (entry,) = await entries(region, "gp")
    assert entry.times == 1


async def test_a_storm_of_one_event_is_one_entry_with_a_count_until_somebody_looks(region: Region) -> None:
    for _ in range(20):
        await told(region, Reader.account("Practitioner/gp"))
    (entry,) = await entries(region, "gp")
    assert entry.times == 20
    async with region.db.transaction() as tx:
        assert await inbox.mark_read(tx, await region.scope(tx, "gp"), [entry.id]) == 1
    await told(region, Reader.account("Practitioner/gp"))
    assert [one.times for one in await entries(region, "gp")] == [1, 20]
    assert [one.times for one in await entries(region, "gp", which="unread")] == [1]


async def test_a_reminder_is_there_when_it_is_due_and_can_be_taken_back_before(region: Region) -> None:
    async with region.db.transaction() as tx:
        later = tx.now + timedelta(hours=2)
    await told(region, Reader.account("Practitioner/gp"), at=later, key="remind 1")
    await told(region, Reader.account("Practitioner/gp"), at=later, key="remind 2")
    assert await entries(region, "gp") == []
    async with region.db.transaction() as tx:
        assert await withdraw(tx, "remind 1")
        assert not await withdraw(tx, "remind 3")
        tx.now = later
        page = await inbox.inbox(tx, await region.scope(tx, "gp"))
    assert len(page.entries) == 1


async def test_what_one_of_the_post_has_seen_to_the_others_need_not(region: Region) -> None:
    here = await region.rid("Organization", "qingshi")
    await told(region, Reader.post(here, "gp"))
    (entry,) = await entries(region, "gp")
    async with region.db.transaction() as tx:
        gp, colleague, stranger = [await region.scope(tx, who) for who in ("gp", "gp-colleague", "gp2")]
        assert await inbox.counts(tx, colleague) == {"referral": 1}
        with pytest.raises(NotFound):
            await inbox.handle(tx, stranger, entry.id)
        await inbox.handle(tx, gp, entry.id)
        await inbox.handle(tx, gp, entry.id)
        with pytest.raises(Conflict):
            await inbox.handle(tx, colleague, entry.id)
        assert await inbox.counts(tx, colleague) == {}
    (seen,) = await entries(region, "gp-colleague")
    assert (seen.read, seen.handled_by) == (True, "张伟")
    assert await entries(region, "gp-colleague", which="open") == []


async def test_what_one_has_read_the_other_of_the_post_has_not(region: Region) -> None:
    await told(region, Reader.post(await region.rid("Organization", "qingshi"), "gp"))
    async with region.db.transaction() as tx:
        assert await inbox.mark_read(tx, await region.scope(tx, "gp"), []) == 1
        assert await inbox.mark_read(tx, await region.scope(tx, "gp2"), []) == 0
        assert await inbox.counts(tx, await region.scope(tx, "gp")) == {}
        assert await inbox.counts(tx, await region.scope(tx, "gp-colleague")) == {"referral": 1}


async def test_pages_follow_each_other_without_gaps(region: Region) -> None:
    for n in range(7):
        await told(region, Reader.account("Practitioner/gp"), about=f"Task/{n}", patient=None)
    found: list[int] = []
    cursor: str | None = None
    while True:
        async with region.db.transaction() as tx:
            page = await inbox.inbox(tx, await region.scope(tx, "gp"), count=3, cursor=cursor)
        found += [entry.id for entry in page.entries]
        cursor = page.next
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 7
    assert found == sorted(found, reverse=True)
