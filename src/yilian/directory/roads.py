"""How far it is, and how long one drives, without a map: the straight line on a sphere, times what roads are longer, at a usual speed.

Hospital intranets have no route service; an estimate that is the same for every candidate ranks them well enough, and says that it is
one. In 25 Chinese cities roads were 1.324 times as long as the straight line on average, more for short ways (Annals of GIS 27 (2021) 351,
https://doi.org/10.1080/19475683.2021.1966503); the region sets its own by the policy `directory.road`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Any

from yilian.errors import BadRequest

EARTH_KM = 6371.0088
"""Mean radius (IUGG, GRS 80)."""


@dataclass(frozen=True, slots=True)
class Point:
    """Degrees, WGS 84."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Road:
    """detour: road kilometres for one of the straight line, at least 1; kmh: usual speed; start_minutes: to set out and to park."""

    detour: float
    kmh: float
    start_minutes: float


@dataclass(frozen=True, slots=True)
class Way:
    """An estimate. km: along the straight line; road_km, minutes: by road."""

    km: float
    road_km: float
    minutes: float


def road_of(value: Mapping[str, Any]) -> Road:
    """The policy `directory.road`. ValueError for what makes no sense."""
    road = Road(float(value["detour"]), float(value["kmh"]), float(value["start_minutes"]))
    if road.detour < 1 or road.kmh <= 0 or road.start_minutes < 0:
        raise ValueError("directory.road: detour is at least 1, kmh above 0, start_minutes not below 0")
    return road


def point(text: str) -> Point:
    """ "31.42,106.11": latitude, longitude. BadRequest for anything else."""
    parts = text.split(",")
    try:
        found = Point(float(parts[0]), float(parts[1]))
    except (ValueError, IndexError):
        found = Point(999, 999)
    if len(parts) != 2 or not (-90 <= found.latitude <= 90 and -180 <= found.longitude <= 180):
        raise BadRequest(
            f"near: {text[:40]!r} is no place; write latitude,longitude in degrees, as in 31.42,106.11.",
            expression="near",
            zh="位置格式不正确,应为“纬度,经度”。",
        )
    return found


def straight_km(a: Point, b: Point) -> float:
    half_chord = (
        sin(radians(b.latitude - a.latitude) / 2) ** 2
        + cos(radians(a.latitude)) * cos(radians(b.latitude)) * sin(radians(b.longitude - a.longitude) / 2) ** 2
    )
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half_chord)))


def way(a: Point, b: Point, road: Road) -> Way:
    """From one to the other."""
    km = straight_km(a, b)
    road_km = km * road.detour
    return Way(km, road_km, road.start_minutes + road_km / road.kmh * 60)
