"""Some thousand requests made up from the CapabilityStatement, others each day.

`python -m tests.properties.flood` sends as many as one likes.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tests.http.house import Server
from tests.properties.flood import flood

REQUESTS = 3000
SECONDS = 40


async def test_whatever_is_asked_the_answer_is_sound(server: Server, record_property: object) -> None:
    seed = int(datetime.now(UTC).strftime("%Y%m%d"))
    told = await flood(server, REQUESTS, seed, seconds=SECONDS)
    assert not told.broken, f"seed {seed}: " + "\n".join(told.broken)
    assert told.compared > 20, "hardly a search was held to the oracle"
    assert {200, 201, 400, 404, 422} <= told.statuses.keys(), told.statuses
    record_property("compared", told.compared)  # type: ignore[operator]
