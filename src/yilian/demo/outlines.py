"""The outlines of the districts of 云溪市, for the map: made up like the region itself, WGS 84.

Corners are shared between neighbours, and every edge is roughened the same way from either side, so that no gap opens between two areas.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Any

import msgspec

from yilian.demo.geography import DISTRICTS
from yilian.fhir import urls

Corner = tuple[float, float]
"""Longitude, latitude."""

CORNERS: dict[str, tuple[Corner, ...]] = {
    "yuncheng": ((106.08, 31.545), (106.16, 31.478), (106.27, 31.44), (106.22, 31.32), (106.08, 31.35), (105.93, 31.34), (105.9, 31.56)),
    "yunxi": (
        (106.08, 31.545), (106.10, 31.68), (106.12, 31.80), (106.24, 31.74), (106.38, 31.66), (106.42, 31.53), (106.37, 31.43),
        (106.27, 31.44), (106.16, 31.478),
    ),
    "songping": (
        (105.9, 31.56), (105.82, 31.66), (105.80, 31.78), (105.86, 31.88), (106.03, 31.89), (106.12, 31.80), (106.10, 31.68),
        (106.08, 31.545),
    ),
    "baichuan": (
        (105.93, 31.34), (106.08, 31.35), (106.22, 31.32), (106.20, 31.20), (106.12, 31.11), (105.98, 31.09), (105.86, 31.15),
        (105.85, 31.27),
    ),
}  # fmt: skip
ROUGH = 0.12
HALVINGS = 3


def resources() -> Iterator[dict[str, Any]]:
    """One Location (jdn: an area of jurisdiction) for each district."""
    for key, district in DISTRICTS.items():
        shape = {"type": "Polygon", "coordinates": [_ring(CORNERS[key])]}
        yield {
            "resourceType": "Location",
            "id": f"area-{key}",
            "extension": [{"url": urls.BOUNDARY, "valueString": msgspec.json.encode(shape).decode()}],
            "status": "active",
            "name": district.name,
            "mode": "instance",
            "physicalType": {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": "jdn", "display": "行政区划"}]
            },
        }


def _ring(corners: tuple[Corner, ...]) -> list[list[float]]:
    points: list[Corner] = []
    for here, there in zip(corners, (*corners[1:], corners[0]), strict=True):
        points += _edge(here, there)[:-1]
    return [[round(x, 4), round(y, 4)] for x, y in (*points, points[0])]


def _edge(here: Corner, there: Corner) -> list[Corner]:
    """From one corner to the other, both included; the same points whichever way one goes."""
    if here > there:
        return _edge(there, here)[::-1]
    rng = Random(f"{here}{there}")
    points = [here, there]
    for halving in range(HALVINGS):
        finer = points[:1]
        for (x, y), (u, v) in pairwise(points):
            off = rng.uniform(-ROUGH, ROUGH) / (1 + halving * 0.3)
            finer += [((x + u) / 2 + (v - y) * off, (y + v) / 2 - (u - x) * off), (u, v)]
        points = finer
    return points
