"""The demo region as it is shown: the default seed and size, on a fixed day."""

from __future__ import annotations

from datetime import date

import pytest

from yilian.demo.region import Region, build

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="session")
def region() -> Region:
    return build(1, 520, TODAY)
