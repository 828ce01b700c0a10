"""How much memory the embedded PostgreSQL takes: a share of what this machine, or the container it runs in, has.

What lies in PostgreSQL's own buffers is read without asking the system; of a store ten times as large as they are, a search takes a third
more of the processor. Pages nobody asks for take nothing: a store that was just started is as small as before.
PostgreSQL's own advice is a quarter of a machine that does nothing else; here the server, its jobs and DuckDB live beside it.
https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS
"""

from __future__ import annotations

from pathlib import Path

import psutil

MIB = 1024 * 1024
LEAST, MOST = 128 * MIB, 8192 * MIB
SHARE = 8
"""One part in so many for PostgreSQL's buffers."""
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""What a container may take: control groups of version 2, and of version 1."""


def available(total: int | None = None, limits: tuple[Path, ...] = LIMITS) -> int:
    """Bytes of memory of the machine (`total`), or of the container where that has less."""
    found = [psutil.virtual_memory().total if total is None else total]
    for limit in limits:
        try:
            found.append(int(limit.read_text()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return min(found)


def settings(memory: int) -> dict[str, str]:
    """Of PostgreSQL, for so many bytes of memory."""
    buffers = min(max(memory // SHARE, LEAST), MOST)
    return {"shared_buffers": f"{buffers // MIB}MB", "effective_cache_size": f"{max(memory // 2, buffers) // MIB}MB"}
