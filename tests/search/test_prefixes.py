"""The prefixes at the edges of days, months and years, in zones and open Periods: the cases the standard names, and those next to them.

FHIR R4: http://hl7.org/fhir/R4/search.html#prefix, #date. The region's zone is Asia/Kathmandu, +05:45.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.search.conftest import World
from tests.search.loader import load

EQ, NE, GT, LT, GE, LE, SA, EB = "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"
ALL = (EQ, NE, GT, LT, GE, LE, SA, EB)

# What stands in the record, what is asked, and the prefixes that find it.
DATES: list[tuple[Any, str, set[str]]] = [
    # a day and a day
    ("2013-01-14", "2013-01-14", {EQ, GE, LE}),
    ("2013-01-14", "2013-01-15", {NE, LT, LE, EB}),
    ("2013-01-14", "2013-01-13", {NE, GT, GE, SA}),
    # the standard's own: an instant within the day, its first and its last
    ("2013-01-14T00:00:00+05:45", "2013-01-14", {EQ, GE, LE}),
    ("2013-01-14T23:59:59.999+05:45", "2013-01-14", {EQ, GE, LE}),
    ("2013-01-15T00:00:00+05:45", "2013-01-14", {NE, GT, GE, SA}),
    ("2013-01-13T23:59:59.999+05:45", "2013-01-14", {NE, LT, LE, EB}),
    # the same moment written elsewhere: midnight in Kathmandu is 18:15 of the day before in Greenwich
    ("2013-01-13T18:15:00Z", "2013-01-14", {EQ, GE, LE}),
    ("2013-01-13T18:14:59Z", "2013-01-14", {NE, LT, LE, EB}),
    ("2013-01-14", "2013-01-13T18:15:00Z", {NE, GT, GE}),
    # a month in the record is no day: it lies around it
    ("2013-01", "2013-01-14", {NE, GT, LT, GE, LE}),
    ("2013-01-14", "2013-01", {EQ, GE, LE}),
    ("2013", "2013", {EQ, GE, LE}),
    ("2013", "2013-01", {NE, GT, GE}),
    ("2013", "2013-12", {NE, LT, LE}),
    ("2013-12-31", "2013", {EQ, GE, LE}),
    ("2014-01-01", "2013", {NE, GT, GE, SA}),
    # leap day, end of February
    ("2020-02-29", "2020-02", {EQ, GE, LE}),
    ("2020-03-01", "2020-02", {NE, GT, GE, SA}),
    # minutes without seconds, fractions
    ("2013-01-14T08:30:30+05:45", "2013-01-14T08:30", {EQ, GE, LE}),
    ("2013-01-14T08:31:00+05:45", "2013-01-14T08:30", {NE, GT, GE, SA}),
    ("2013-01-14T08:30:00.5+05:45", "2013-01-14T08:30:00", {EQ, GE, LE}),
    # Periods: closed, open at either end
    ({"start": "2013-01-10", "end": "2013-01-20"}, "2013-01", {EQ, GE, LE}),
    ({"start": "2013-01-10", "end": "2013-01-20"}, "2013-01-14", {NE, GT, LT, GE, LE}),
    ({"start": "2013-01-10", "end": "2013-01-20"}, "2013-01-20", {NE, LT, LE}),
    ({"start": "2013-01-10", "end": "2013-01-20"}, "2013-01-21", {NE, LT, LE, EB}),
    ({"start": "2013-01-10", "end": "2013-01-20"}, "2013-01-09", {NE, GT, GE, SA}),
    ({"start": "2013-01-21"}, "2013-01-20", {NE, GT, GE, SA}),
    ({"start": "2013-01-21"}, "2013-01-21", {NE, GT, GE}),
    ({"start": "2013-01-21"}, "2099", {NE, GT, LT, GE, LE}),
    ({"end": "2013-01-21"}, "2013-01-21", {NE, LT, LE}),
    ({"end": "2013-01-21"}, "2013-01-22", {NE, LT, LE, EB}),
    ({"end": "2013-01-21"}, "1900", {NE, GT, LT, GE, LE}),
    # Timing: from its first event to its last
    ({"event": ["2013-01-10", "2013-01-20"]}, "2013-01-15", {NE, GT, LT, GE, LE}),
    ({"event": ["2013-01-10", "2013-01-20"]}, "2013-01", {EQ, GE, LE}),
    ({"repeat": {"boundsPeriod": {"start": "2013-01-10"}}}, "2013-01-09", {NE, GT, GE, SA}),
]


@pytest.mark.parametrize(("there", "asked", "finding"), DATES, ids=[f"{there} asked {asked}" for there, asked, _ in DATES])
async def test_dates(connection: asyncpg.Connection, there: Any, asked: str, finding: set[str]) -> None:
    key = "effectiveDateTime" if isinstance(there, str) else "effectivePeriod" if {"start", "end"} & there.keys() else "effectiveTiming"
    world = World(connection, await load(connection, [{"resourceType": "Observation", "id": "o", key: there}]))
    found = {prefix for prefix in ALL if await world.ids("Observation", ("date", prefix + asked))}
    assert found == finding
    assert bool(await world.ids("Observation", ("date", asked))) is (EQ in finding)


NUMBERS: list[tuple[str, str, set[str]]] = [
    ("100", "100", {EQ, GE, LE}),
    ("99.5", "100", {EQ, LT, LE, EB}),
    ("100.5", "100", {NE, GT, GE, SA}),
    ("100.499", "100", {EQ, GT, GE, SA}),
    ("100.004", "100.00", {EQ, GT, GE, SA}),
    ("100.005", "100.00", {NE, GT, GE, SA}),
    ("105", "1e2", {NE, GT, GE, SA}),
    ("95", "1e2", {EQ, LT, LE, EB}),
    ("5.40", "5.4", {EQ, GE, LE}),
    ("0.0054", "5.4e-3", {EQ, GE, LE}),
    ("-3", "-3", {EQ, GE, LE}),
    ("-3.4", "-3", {EQ, LT, LE, EB}),
]


@pytest.mark.parametrize(("there", "asked", "finding"), NUMBERS)
async def test_numbers(connection: asyncpg.Connection, there: str, asked: str, finding: set[str]) -> None:
    risk = {"resourceType": "RiskAssessment", "id": "r", "prediction": [{"probabilityDecimal": Decimal(there)}]}
    observation = {"resourceType": "Observation", "id": "o", "valueQuantity": {"value": Decimal(there)}}
    world = World(connection, await load(connection, [risk, observation]))
    for kind, name in (("RiskAssessment", "probability"), ("Observation", "value-quantity")):
        assert {prefix for prefix in ALL if await world.ids(kind, (name, prefix + asked))} == finding, kind
        assert await world.ids(kind, (name, "ap" + asked))


@pytest.mark.parametrize(("asked", "found"), [("ap100", True), ("ap91", True), ("ap90", False), ("ap111", True), ("ap112", False)])
async def test_about_is_a_tenth_on_either_side(connection: asyncpg.Connection, asked: str, found: bool) -> None:
    world = World(connection, await load(connection, [{"resourceType": "Observation", "id": "o", "valueQuantity": {"value": 100}}]))
    assert bool(await world.ids("Observation", ("value-quantity", asked))) is found
