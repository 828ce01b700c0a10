"""kill -9 in the midst of writes, once of each kind that is quickly tried; `python -m tests.faults.crash` goes on as long as one likes."""

from __future__ import annotations

from tests.faults.crash import rounds


async def test_nothing_acknowledged_is_missing_after_kill_9() -> None:
    wrong, acknowledged = await rounds(3, seed=3, kinds=("everything", "database", "worker"))
    assert not wrong, "\n".join(wrong)
    assert acknowledged > 20
