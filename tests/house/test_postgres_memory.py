"""The embedded PostgreSQL takes its share of the memory there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from yilian.postgres import memory
from yilian.postgres.memory import MIB

GIB = 1024 * MIB


@pytest.mark.parametrize(
    ("memory_bytes", "buffers", "cache"),
    [(512 * MIB, "128MB", "256MB"), (2 * GIB, "256MB", "1024MB"), (16 * GIB, "2048MB", "8192MB"), (512 * GIB, "8192MB", "262144MB")],
)
def test_an_eighth_is_for_its_buffers_within_bounds(memory_bytes: int, buffers: str, cache: str) -> None:
    assert memory.settings(memory_bytes) == {"shared_buffers": buffers, "effective_cache_size": cache}


def test_a_container_has_what_it_is_allowed_not_what_the_machine_has(tmp_path: Path) -> None:
    limit, free, nonsense = tmp_path / "limit", tmp_path / "free", tmp_path / "nonsense"
    limit.write_text(f"{2 * GIB}\n")
    free.write_text("max\n")
    nonsense.write_text("")
    assert memory.available(16 * GIB, (limit,)) == 2 * GIB
    assert memory.available(GIB, (limit,)) == GIB
    assert memory.available(16 * GIB, (free, nonsense, tmp_path / "missing")) == 16 * GIB
    assert memory.available() > 0
