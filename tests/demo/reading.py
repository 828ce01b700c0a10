"""How the tests read a chart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from yilian.demo.region import Region
from yilian.demo.residents import Resident

Resource = dict[str, Any]


def charts(region: Region) -> Iterator[tuple[Resident, list[Resource]]]:
    yield from zip(region.residents, region.charts, strict=True)


def everything(region: Region) -> Iterator[Resource]:
    yield from region.directory
    for bundle in region.bundles():
        yield from bundle


def of(chart: list[Resource], *types: str) -> list[Resource]:
    return [one for one in chart if one["resourceType"] in types]


def codes(chart: list[Resource], *prefixes: str) -> list[Resource]:
    """Conditions whose ICD-10 code begins with one of these."""
    return [one for one in of(chart, "Condition") if one["code"]["coding"][0]["code"].startswith(prefixes)]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def day(text: str) -> date:
    """The local day of a dateTime of any precision."""
    return date.fromisoformat(text[:10])


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item, path)
    else:
        yield path, value
