"""Starting and idling: seconds until /readyz answers, and the memory of server and database together."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.ground import Ground, Row

SETTLE_S = 5
"""Idle means: nothing asked for so long."""


def measure(ground: Ground) -> Iterator[Row]:
    fresh = ground.new_data()
    with ground.server(fresh) as server:
        yield Row("first start, empty store", server.seconds_to_ready, "s")
    demo = ground.demo_region()
    with ground.server(demo, command="demo") as server:
        yield Row("second start, demo region", server.seconds_to_ready, "s", 8.0, "promised at most")
        time.sleep(SETTLE_S)
        yield Row("idle memory, server and database", server.memory_mib(), "MiB", 400.0, "promised at most")
