"""`near`: places within a distance: `Location?near=31.23|121.47|5|km`.

Latitude and longitude in degrees, WGS 84; distance in km where no unit is named, 10 km where no distance is. Distances are those on a
sphere of the earth's mean radius, exact to half a per cent. A band of latitudes around the circle is
looked up first, so only what lies in it is measured.
FHIR R4: http://hl7.org/fhir/R4/location.html#search; mean radius: IUGG, GRS 80
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import asin, cos, degrees, pi, radians, sin, sqrt
from typing import Any

from yilian.errors import BadRequest
from yilian.fhir.fhirpath import Branch
from yilian.search.conditions import Args, Condition, Reading, either
from yilian.search.escapes import plain, split
from yilian.search.kinds.number import decimal
from yilian.search.parameters import Parameter
from yilian.search.rows import IndexRows

MODIFIERS: tuple[str, ...] = ()

EARTH_M = 6_371_008.8
FAR_M = 10_000.0
"""What is near when no distance is named: about half an hour on a bus."""

UNITS_M = {"": 1000.0, "km": 1000.0, "m": 1.0, "[mi_i]": 1609.344, "[mi_us]": 1609.347219, "[ft_i]": 0.3048, "[nmi_i]": 1852.0}
"""UCUM code → metres."""

_form = re.compile(r"[+-]?\d{1,4}(\.\d{1,20})?", re.ASCII)
_length = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Circle:
    """Degrees and metres."""

    latitude: float
    longitude: float
    distance_m: float


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Circle:
    found = [plain(part) for part in split(text, "|")]
    if not 2 <= len(found) <= 4 or not all(_form.fullmatch(one) for one in found[:2]):
        raise BadRequest(f"{parameter.code}: {text[:80]!r} is no place; write latitude|longitude|distance|unit, as in 31.23|121.47|5|km.")
    latitude, longitude = float(found[0]), float(found[1])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise BadRequest(f"{parameter.code}: {text[:80]!r} lies outside of -90 to 90 degrees of latitude and -180 to 180 of longitude.")
    distance, unit = (*found[2:], "", "")[:2]
    if unit not in UNITS_M:
        raise BadRequest(
            f"{parameter.code}: {unit[:20]!r} is no unit of distance known here; there are {', '.join(u for u in UNITS_M if u)}."
        )
    if distance and not _length.fullmatch(distance):
        raise BadRequest(f"{parameter.code}: {distance[:20]!r} is no distance; write 5 or 0.5.")
    return Circle(latitude, longitude, float(distance) * UNITS_M[unit] if distance else FAR_M)


def leaf(parameters: Sequence[Parameter], branch: Branch) -> Callable[[Any, IndexRows], None]:
    def take(value: Any, rows: IndexRows) -> None:
        if type(value) is dict:
            latitude, longitude = decimal(value.get("latitude")), decimal(value.get("longitude"))
            if latitude is not None and longitude is not None:
                rows.positions = [*rows.positions, (float(latitude), float(longitude))]

    return take


def conditions(parameter: Parameter, modifier: str, values: Sequence[Circle], args: Args) -> list[Condition]:
    return [Condition("index_position", either([_within(value, args) for value in values]), once=True)]


def _within(circle: Circle, args: Args) -> str:
    latitude, longitude = f"{args.add(circle.latitude)}::float8", f"{args.add(circle.longitude)}::float8"
    reach = degrees(circle.distance_m / EARTH_M) * 1.000001
    low, high = f"{args.add(circle.latitude - reach)}::float8", f"{args.add(circle.latitude + reach)}::float8"
    half_chord = (
        f"power(sind((@.latitude - {latitude}) / 2), 2)"
        f" + cosd({latitude}) * cosd(@.latitude) * power(sind((@.longitude - {longitude}) / 2), 2)"
    )
    angle = f"2 * asin(least(1, sqrt({half_chord})))"
    return f"(@.latitude between {low} and {high} and {angle} <= {args.add(circle.distance_m / EARTH_M)}::float8)"


def holds(circle: Circle, position: tuple[float, float]) -> bool:
    """The same for one position."""
    here, there = radians(circle.latitude), radians(position[0])
    half_chord = sin((there - here) / 2) ** 2 + cos(here) * cos(there) * sin(radians(position[1] - circle.longitude) / 2) ** 2
    return 2 * asin(min(1.0, sqrt(half_chord))) <= min(circle.distance_m / EARTH_M, pi)


def present(parameter: Parameter) -> list[Condition]:
    return [Condition("index_position", "true", once=True)]
