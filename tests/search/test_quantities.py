"""Quantities and numbers found by what they are, in whatever unit: against a reading of the standard of this file's own, and by the case.

The reading here knows five families of units by hand and compares intervals of fractions.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import asyncpg
import pytest

from tests.search.conftest import World
from tests.search.loader import Resource, load
from yilian.search import statement

UCUM, YUAN, LOINC = "http://unitsofmeasure.org", "urn:iso:std:iso:4217", "http://loinc.org"
INFINITE = Fraction(10**30)
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
FAMILIES: dict[str, tuple[str, Fraction, Fraction]] = {
    "g": ("mass", Fraction(1), Fraction(0)),
    "mg": ("mass", Fraction(1, 1000), Fraction(0)),
    "kg": ("mass", Fraction(1000), Fraction(0)),
    "Cel": ("heat", Fraction(1), Fraction(0)),
    "[degF]": ("heat", Fraction(5, 9), Fraction(-160, 9)),
    "/min": ("rate", Fraction(1), Fraction(0)),
    "/h": ("rate", Fraction(1, 60), Fraction(0)),
    "mmol/L": ("molar", Fraction(1), Fraction(0)),
    "umol/L": ("molar", Fraction(1, 1000), Fraction(0)),
    "[iU]/L": ("iU", Fraction(1), Fraction(0)),
    "{beats}/min": ("rate", Fraction(1), Fraction(0)),
}
VALUES = ["0", "1", "1.0", "1000", "999.5", "1e3", "37", "37.0", "98.6", "60", "70", "4200", "0.01", "-40", "5.4", "5.35", "5.45", "5400"]
UNITS: list[tuple[str | None, str | None, str | None]] = [
    *((UCUM, code, code) for code in FAMILIES),
    (UCUM, "/min", "次/分"),
    (UCUM, "mg", None),
    (UCUM, "not a unit", None),
    (UCUM, None, "mg"),
    ("urn:other", "mg", "mg"),
    (None, None, "mg"),
    (None, None, None),
]  # fmt: skip


def given(random: Random) -> Resource:
    system, code, unit = random.choice(UNITS)
    quantity = {"value": Decimal(random.choice(VALUES)), "unit": unit, "system": system, "code": code}
    return {key: value for key, value in quantity.items() if value is not None}


def observation(random: Random, n: int) -> Resource:
    found: Resource = {
        "resourceType": "Observation",
        "id": f"v{n}",
        "status": "final",
        "code": {
            "coding": [{"system": LOINC, "code": code} for code in random.choice([["a"], ["b"], ["a", "c"], []])] or [{"display": "x"}]
        },
    }
    shape = random.choice(["plain"] * 6 + ["compared", "compared", "samples", "none"])
    if shape == "samples":
        found["valueSampledData"] = {
            "origin": {key: value for key, value in given(random).items() if key != "comparator"},
            "period": Decimal(1),
            "dimensions": 1,
            "factor": Decimal("0.1"),
            "data": random.choice(["0 5 E -5", "7", "1 2 3 U"]),
        }
    elif shape != "none":
        found["valueQuantity"] = given(random)
        if shape == "compared":
            found["valueQuantity"]["comparator"] = random.choice(["<", "<=", ">", ">="])
    return found


def condition(random: Random, n: int) -> Resource:
    low, high = given(random), given(random)
    ends = random.choice(
        [{"low": low}, {"high": high}, {"low": low, "high": {**low, "value": low["value"] + 3}}, {"low": low, "high": high}]
    )
    return {
        "resourceType": "Condition",
        "id": f"c{n}",
        "subject": {"reference": "Patient/p0"},
        **random.choice([{"onsetRange": ends}, {"onsetAge": given(random)}]),
    }


# --- the reading of the standard


Interval = tuple[Fraction, bool, Fraction, bool]
"""low, whether it belongs to it, high, whether it belongs to it"""


def interval_of(quantity: Resource) -> Interval:
    value = Fraction(quantity["value"])
    return {
        "<": (-INFINITE, True, value, False),
        "<=": (-INFINITE, True, value, True),
        ">": (value, False, INFINITE, True),
        ">=": (value, True, INFINITE, True),
    }.get(quantity.get("comparator", ""), (value, True, value, True))


def intervals(resource: Resource) -> list[tuple[Resource, Interval]]:
    """Each with the quantity its unit is taken from."""
    if "valueQuantity" in resource:
        return [(resource["valueQuantity"], interval_of(resource["valueQuantity"]))]
    if "valueSampledData" in resource:
        samples = resource["valueSampledData"]
        points = [
            Fraction(word) * Fraction(samples["factor"]) + Fraction(samples["origin"]["value"])
            for word in samples["data"].split()
            if word not in "ELU"
        ]
        return [(samples["origin"], (min(points), True, max(points), True))]
    if "onsetAge" in resource:
        return [(resource["onsetAge"], interval_of(resource["onsetAge"]))]
    if "onsetRange" not in resource:
        return []
    low, high = resource["onsetRange"].get("low"), resource["onsetRange"].get("high")
    if low and high:
        if {**low, "value": 0} != {**high, "value": 0} or low["value"] > high["value"]:
            return [(low, interval_of(low)), (high, interval_of(high))]
        return [(low, (Fraction(low["value"]), True, Fraction(high["value"]), True))]
    return [(low or high, (Fraction(low["value"]) if low else -INFINITE, True, Fraction(high["value"]) if high else INFINITE, True))]


def based(value: Fraction, code: str) -> Fraction:
    _, factor, zero = FAMILIES[code]
    return value if abs(value) == INFINITE else value * factor + zero


def holds(resource: Resource, text: str) -> bool:
    amount, *unit = text.split("|")
    prefix = amount[:2] if amount[:2] in PREFIXES else "eq"
    digits = amount.removeprefix(prefix)
    value, exponent = Fraction(digits), Decimal(digits).as_tuple().exponent
    assert isinstance(exponent, int)
    half = Fraction(10) ** exponent / 2 if "e" not in digits else Fraction(10) ** (exponent - 1) / 2
    reach = max(abs(value) / 10, half)
    asked = [value, value - half, value + half, value - reach, value + reach]
    for quantity, interval in intervals(resource):
        found = seen(quantity, interval, asked, unit)
        if found is not None and compares(prefix, *found):
            return True
    return False


def seen(quantity: Resource, interval: Interval, asked: list[Fraction], unit: list[str]) -> tuple[Interval, list[Fraction]] | None:
    """The interval and what is asked for, both in the scale they are compared in; None where the units are not comparable."""
    if not unit or unit == ["", ""]:
        return interval, asked
    system, code = unit
    if not system:
        return (interval, asked) if code in (quantity.get("code"), quantity.get("unit")) else None
    if quantity.get("system") != system:
        return None
    own = quantity.get("code", quantity.get("unit"))
    if system == UCUM and code in FAMILIES:
        own = quantity.get("code")
        if own not in FAMILIES or FAMILIES[own][0] != FAMILIES[code][0]:
            return None
        low, in_low, high, in_high = interval
        return (based(low, own), in_low, based(high, own), in_high), [based(one, code) for one in asked]
    return (interval, asked) if own == code else None


def compares(prefix: str, interval: Interval, asked: list[Fraction]) -> bool:
    """R4, search, "Prefixes", for the range of the target and the number (or what its digits leave open) of the question."""
    low, in_low, high, in_high = interval
    value, least, most, about_least, about_most = asked
    inside = least <= low and high < most
    reaches = high > value or (high == value and in_high)
    begins = low < value or (low == value and in_low)
    return {
        "eq": inside,
        "ne": not inside,
        "gt": high > value,
        "lt": low < value,
        "ge": reaches,
        "le": begins,
        "sa": not begins,
        "eb": not reaches,
        "ap": low <= about_most and high >= about_least,
    }[prefix]


# --- tests


@pytest.fixture
async def measured(connection: asyncpg.Connection) -> World:
    random = Random(11)
    resources = [observation(random, n) for n in range(500)] + [condition(random, n) for n in range(120)]
    resources.append({"resourceType": "Patient", "id": "p0"})
    return World(connection, await load(connection, resources))


def questions() -> list[str]:
    units = [f"|{UCUM}|{code}" for code in FAMILIES]
    units += ["", "||mg", "||次/分", "||/min", "||nothing", f"|{UCUM}|次/分", f"|{UCUM}|not a unit", "|urn:other|mg", f"|{UCUM}|s"]
    return [prefix + value + unit for prefix in ("", *PREFIXES) for value in VALUES for unit in units]


async def test_every_prefix_finds_what_the_standard_says_in_every_unit(measured: World, record_property: Any) -> None:
    random, nothing = Random(5), 0
    asked = random.sample(questions(), 200)
    for text in asked:
        for kind, name in (("Observation", "value-quantity"), ("Condition", "onset-age")):
            expected = {kept.resource["id"] for kept in measured.shelf.of(kind) if holds(kept.resource, text)}
            found = await measured.ids(kind, (name, text))
            assert set(found) == expected, (name, text)
            assert len(found) == len(expected), ("twice", name, text)
            nothing += not expected
    assert nothing < len(asked), "most questions should find something"
    record_property("compared", 2 * len(asked))


@pytest.mark.parametrize("few", [2, 2000], ids=["walked by date", "sorted"])
async def test_with_a_code_the_same_is_found(measured: World, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """Whichever way newest first is reached."""
    monkeypatch.setattr(statement, "FEW", few)
    random = Random(6)
    for text in random.sample(questions(), 12):
        for code in (f"{LOINC}|a", "a", f"{LOINC}|a,{LOINC}|b", "c"):
            codes = {part.rpartition("|")[2] for part in code.split(",")}
            expected = {
                kept.resource["id"]
                for kept in measured.shelf.of("Observation")
                if holds(kept.resource, text) and codes & {one.get("code") for one in kept.resource["code"]["coding"]}
            }
            pairs = [("code", code), ("value-quantity", text)]
            assert set(await measured.ids("Observation", *pairs)) == expected, (code, text)
            assert await measured.total("Observation", *pairs) == len(expected)
            assert sorted(await measured.walk("Observation", pairs, 3)) == sorted(expected), (code, text)
            newest = await measured.walk("Observation", [*pairs, ("_sort", "-date")], 7)
            assert sorted(newest) == sorted(expected), (code, text)
            days = {kept.resource["id"]: kept.resource.get("effectiveDateTime", "") for kept in measured.shelf.of("Observation")}
            assert [days[one] for one in newest] == sorted((days[one] for one in newest), reverse=True)


async def test_several_values_find_what_any_of_them_finds(measured: World) -> None:
    for values in (f"1|{UCUM}|g,gt60|{UCUM}|/min", "5.4,1000", f"37.0|{UCUM}|Cel,lt1||mg", "lt0,ge4200"):
        expected = {k.resource["id"] for k in measured.shelf.of("Observation") if any(holds(k.resource, one) for one in values.split(","))}
        found = await measured.ids("Observation", ("value-quantity", values))
        assert sorted(found) == sorted(expected), values


async def test_sorting_goes_by_the_amount_and_not_by_the_number(connection: asyncpg.Connection) -> None:
    amounts = [("a", "2", "g"), ("b", "1500", "mg"), ("c", "0.001", "kg")]
    world = World(
        connection,
        await load(
            connection,
            [
                {"resourceType": "Observation", "id": id_, "valueQuantity": {"value": Decimal(value), "system": UCUM, "code": code}}
                for id_, value, code in amounts
            ],
        ),
    )
    assert await world.ids("Observation", ("_sort", "value-quantity")) == ["c", "b", "a"]
    assert await world.ids("Observation", ("_sort", "-value-quantity")) == ["a", "b", "c"]


CASES: list[tuple[str, dict[str, Any], str, bool]] = [
    ("1000 mg is 1 g", {"value": Decimal(1000), "system": UCUM, "code": "mg"}, f"1|{UCUM}|g", True),
    ("1000 mg is 1.000 g", {"value": Decimal(1000), "system": UCUM, "code": "mg"}, f"1.000|{UCUM}|g", True),
    ("1001 mg is about 1 g to the digit", {"value": Decimal(1001), "system": UCUM, "code": "mg"}, f"1|{UCUM}|g", True),
    ("but not 1.000 g", {"value": Decimal(1001), "system": UCUM, "code": "mg"}, f"1.000|{UCUM}|g", False),
    ("the range of 1 g ends before 1.5 g", {"value": Decimal(1500), "system": UCUM, "code": "mg"}, f"1|{UCUM}|g", False),
    ("and begins with 0.5 g", {"value": Decimal(500), "system": UCUM, "code": "mg"}, f"1|{UCUM}|g", True),
    ("98.6 °F is 37.0 °C", {"value": Decimal("98.6"), "system": UCUM, "code": "[degF]"}, f"37.0|{UCUM}|Cel", True),
    ("glucose in mg/dL is not looked for in mmol/L", {"value": Decimal(110), "system": UCUM, "code": "mg/dL"}, f"gt0|{UCUM}|mmol/L", False),
    ("units are not compared by letters", {"value": Decimal(1), "system": UCUM, "code": "IU"}, f"1|{UCUM}|[iU]", False),
    ("< 0.01 lies below 5", {"value": Decimal("0.01"), "comparator": "<", "system": UCUM, "code": "ng/mL"}, f"lt5|{UCUM}|ug/L", True),
    ("and is not 0.01", {"value": Decimal("0.01"), "comparator": "<", "system": UCUM, "code": "ng/mL"}, f"0.01|{UCUM}|ng/mL", False),
    ("> 1000 may be 5000", {"value": Decimal(1000), "comparator": ">", "system": UCUM, "code": "U/L"}, f"gt5000|{UCUM}|U/L", True),
    ("> 1000 begins after 1000", {"value": Decimal(1000), "comparator": ">", "system": UCUM, "code": "U/L"}, f"sa1000|{UCUM}|U/L", True),
    (">= 1000 does not", {"value": Decimal(1000), "comparator": ">=", "system": UCUM, "code": "U/L"}, f"sa1000|{UCUM}|U/L", False),
    ("40 digits are told apart", {"value": Decimal("1." + "0" * 37 + "1")}, "gt1." + "0" * 37, True),
    ("a number of 1e2 means 95 to 105", {"value": Decimal(104)}, "1e2", True),
    ("and not 106", {"value": Decimal(106)}, "1e2", False),
]  # fmt: skip


@pytest.mark.parametrize(("what", "quantity", "text", "expected"), CASES, ids=[case[0] for case in CASES])
async def test_the_cases_people_ask_about(
    connection: asyncpg.Connection, what: str, quantity: dict[str, Any], text: str, expected: bool
) -> None:
    world = World(connection, await load(connection, [{"resourceType": "Observation", "id": "o", "valueQuantity": quantity}]))
    assert (await world.ids("Observation", ("value-quantity", text)) == ["o"]) is expected
    assert (await world.ids("Observation", ("combo-value-quantity", text)) == ["o"]) is expected
