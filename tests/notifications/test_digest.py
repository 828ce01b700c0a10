"""每日摘要: what is not urgent in one letter a day, for who wants it or where the region has it so."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notifications.conftest import Region
from tests.notifications.letters import Kept, accepted, proven, states, work
from yilian.notifications import Message, Reader, choices, inbox, tell
from yilian.notifications.digest import DIGEST, next_time, time_of
from yilian.policy import put

GP = Reader.account("Practitioner/gp")
MINE = "13800000009"


@pytest.fixture
async def collected(daytime: Region) -> Region:
    """gp has a number of their own, and wants a digest at eight."""
    async with daytime.db.transaction() as tx:
        gp = await daytime.scope(tx, "gp")
        await proven(tx, gp, "sms", MINE)
        await choices.put_digest(tx, gp, time(8))
    return daytime


async def due(region: Region) -> list[datetime]:
    """When digests are told; from now on they are due."""
    async with region.db.transaction() as tx:
        rows = await tx.fetch("select run_at from job where kind = $1 and state = 'later'", DIGEST)
        await tx.execute("update job set run_at = now(), state = 'waiting' where kind = $1 and state = 'later'", DIGEST)
    return [row["run_at"] for row in rows]


async def told(region: Region, sms: Kept) -> list[str]:
    sms.letters.clear()
    await work(region, sms=sms)
    return [letter.text for letter in sms.letters]


async def test_what_is_not_urgent_is_told_in_one_letter_and_what_is_at_once(collected: Region) -> None:
    sms = Kept()
    for nth in range(3):
        await accepted(collected, GP, about=f"Task/{nth}")
    await accepted(collected, GP, about="Task/9", urgent=True)
    async with collected.db.transaction() as tx:
        overdue = {"patient": "李秀英", "number": "530900-1"}
        await tell(tx, Message("referral.overdue", (GP,), "Task/8", await collected.rid("Patient", "p1"), overdue))
    assert len(await told(collected, sms)) == 2, "what is urgent, and what nobody may switch off"
    assert sorted(await states(collected)) == ["gathered", "gathered", "gathered", "sent", "sent"]
    (at,) = await due(collected)
    assert at.astimezone(ZoneInfo("Asia/Kathmandu")).strftime("%H:%M:%S") == "08:00:00"
    assert at - datetime.now(UTC) <= timedelta(days=1, seconds=1)
    assert await told(collected, sms) == ["您有 3 条新消息（转诊 3 条），请登录平台查看。"]
    assert sms.letters[0].to == MINE
    assert sorted(await states(collected)) == ["digested", "digested", "digested", "sent", "sent", "sent"]
    assert await due(collected) == []
    async with collected.db.transaction() as tx:
        entries = (await inbox.inbox(tx, await collected.scope(tx, "gp"), count=50)).entries
        assert len(entries) == 5, "the digest itself is in no inbox"


async def test_what_was_read_meanwhile_is_left_out_and_nothing_new_is_no_letter(collected: Region) -> None:
    sms = Kept()
    await accepted(collected, GP, about="Task/1")
    await accepted(collected, GP, about="Task/2")
    await told(collected, sms)
    async with collected.db.transaction() as tx:
        gp = await collected.scope(tx, "gp")
        await inbox.mark_read(tx, gp, [(await inbox.inbox(tx, gp)).entries[0].id])
    await due(collected)
    assert await told(collected, sms) == ["您有 1 条新消息（转诊 1 条），请登录平台查看。"]
    await accepted(collected, GP, about="Task/3")
    await told(collected, sms)
    async with collected.db.transaction() as tx:
        await inbox.mark_read(tx, await collected.scope(tx, "gp"), [])
    await due(collected)
    assert await told(collected, sms) == []


async def test_the_region_may_have_it_so_and_everybody_may_choose_otherwise(daytime: Region) -> None:
    async with daytime.db.transaction() as tx:
        gp = await daytime.scope(tx, "gp")
        assert await time_of(tx, "gp") is None
        await put(tx, "notifications.digest_at", "07:30", valid_from=tx.now.date() - timedelta(days=2), source="test")
        assert await time_of(tx, "gp") == time(7, 30)
        assert await time_of(tx, "") is None, "who has no account is told each by itself"
        await choices.put_digest(tx, gp, None)
        assert await time_of(tx, "gp") is None
        found = await choices.choices(tx, gp, ("sms",))
        assert (found.digest, found.digest_is_own) == (None, True)
        await choices.put_digest(tx, gp, None, as_region=True)
        assert await time_of(tx, "gp") == time(7, 30)


@given(
    st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60)),
    st.integers(0, 10 * 365 * 86400).map(lambda second: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=second)),
    st.sampled_from(("Asia/Shanghai", "Asia/Kathmandu", "Pacific/Chatham", "America/Santiago")),
)
def test_the_next_time_is_within_a_day_and_is_that_time(at: time, now: datetime, place: str) -> None:
    zone = ZoneInfo(place)
    found = next_time(at, now, zone)
    assert timedelta() < found.astimezone(UTC) - now <= timedelta(days=1, hours=1)
    back = found.astimezone(UTC).astimezone(zone)
    assert back.time() == at or back.utcoffset() != (back - timedelta(hours=3)).astimezone(UTC).astimezone(zone).utcoffset()
