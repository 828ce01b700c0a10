"""Loading 200 patients made elsewhere: validated, indexed, scoped and audited, each Bundle one transaction, fsync on."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator

from bench.ground import YILIAN, Ground, Row, environment, shared_data


def measure(ground: Ground) -> Iterator[Row]:
    shared = shared_data()
    if shared is None:
        raise RuntimeError("the collected data sets are not here (YILIAN_SHARED_DATA or ../shared/data)")
    file = shared / "synthea-r4" / "bundles.ndjson.gz"
    data = ground.new_data()
    with ground.server(data):
        started = time.perf_counter()
        done = subprocess.run(
            [*YILIAN, "load", str(file), "--data", str(data)], capture_output=True, text=True, env=environment(), check=True
        )
        whole = time.perf_counter() - started
        found = re.search(r"(\d+) resources stored.* in ([\d.]+) s", done.stderr)
        assert found, done.stderr
        count, seconds = int(found[1]), float(found[2])
        yield Row("resources a second, one process", count / seconds, "/s", 1500.0, "promised at least")
        yield Row("the whole command", whole, "s")
        started = time.perf_counter()
        subprocess.run([*YILIAN, "load", str(file), "--data", str(data)], capture_output=True, env=environment(), check=True)
        yield Row("the same file again, nothing to do", time.perf_counter() - started, "s")
