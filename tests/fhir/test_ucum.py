"""Units of measure: against UCUM's own table, by the laws of arithmetic, and the slips a ward would notice."""

from __future__ import annotations

import gzip
import itertools
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian.fhir.ucum import UnknownUnit, convert, parse, table, unit

AVOGADRO = Fraction("6.0221367e23")
ESSENCE = "{http://unitsofmeasure.org/ucum-essence}"
LABORATORY = """
    mg/dL g/L mmol/L umol/L nmol/mL 10*9/L 10*3/uL /uL % [ppm] 1 mm[Hg] kPa cm[H2O] /min /h Hz mL/min L/h kg/m2 g/cm2 Cel K [degF]
    U/L ukat/L k[iU]/L [IU]/mL a mo wk d kcal kJ meq/L cm [in_i] [lb_av] kg mL [foz_us] mosm/kg dB B ng/mL/h g/(8.h)
    mL/min/{1.73_m2} [diop] ms mV [MET]
    """.split()
units = st.sampled_from(LABORATORY)
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=6, allow_nan=False)


def same(one: str, other: str) -> bool:
    a, b = parse(one), parse(other)
    return (a.factor, a.dimension, a.zero) == (b.factor, b.dimension, b.zero)


# --- against the standard


def official(shared_data: Path) -> ElementTree.Element:
    file = shared_data / "ucum" / "ucum-essence.xml"
    if not file.is_file():
        pytest.skip("no ucum-essence.xml")
    return ElementTree.parse(file).getroot()


def test_every_unit_of_the_standard_is_known_with_its_definition(shared_data: Path) -> None:
    """Each code and what UCUM defines it by come to the same; mol counts there as a number, here not."""
    rows = official(shared_data).findall(f"{ESSENCE}unit")
    for row in rows:
        code, value = row.attrib["Code"], row.find(f"{ESSENCE}value")
        assert value is not None
        mine = parse(code)
        if row.get("isArbitrary") == "yes":
            assert mine.factor == 1, code
            assert mine.dimension == ((code if code != "[IU]" else "[iU]", 1),)
        elif row.get("isSpecial") == "yes":
            assert code in table.SCALES or code in table.TEMPERATURES
        else:
            theirs = parse(value.attrib["Unit"])
            assert as_numbers(mine.factor, mine.dimension) == as_numbers(
                theirs.factor * Fraction(value.attrib["value"]), theirs.dimension
            ), code
        assert (code in table.METRIC) is (row.get("isMetric") == "yes"), code
    assert len(rows) > 300
    mine = {*table.DEFINED, *table.ARBITRARY, *table.SCALES, *table.TEMPERATURES, "mol"}
    assert mine == {row.attrib["Code"] for row in rows}, "no unit of our own making"


def as_numbers(factor: Fraction, dimension: tuple[tuple[str, int], ...]) -> tuple[Fraction, dict[str, int]]:
    powers = dict(dimension)
    return factor * AVOGADRO ** powers.pop("mol", 0), powers


def test_prefixes_and_base_units_are_those_of_the_standard(shared_data: Path) -> None:
    root = official(shared_data)
    theirs = {row.attrib["Code"]: Fraction(row.find(f"{ESSENCE}value").attrib["value"]) for row in root.findall(f"{ESSENCE}prefix")}  # type: ignore[union-attr]
    assert {prefix: Fraction(number) for prefix, number in table.PREFIXES.items()} == theirs
    assert {row.attrib["Code"] for row in root.findall(f"{ESSENCE}base-unit")} == table.BASES - {"mol"}


def test_every_unit_in_real_records_is_understood(shared_data: Path) -> None:
    found: Counter[str] = Counter()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if value.get("system") == "http://unitsofmeasure.org" and isinstance(value.get("code"), str):
                found[value["code"]] += 1
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz", "rt") as bundles:
        for line in itertools.islice(bundles, 20):
            walk(json.loads(line))
    assert [code for code in found if unit(code) is None] == ["(score)"]  # which is no unit indeed
    assert len(found) > 15


# --- what a ward would notice


@pytest.mark.parametrize(
    ("value", "one", "other", "expected"),
    [
        ("1000", "mg", "g", "1"),
        ("98.6", "[degF]", "Cel", "37"),
        ("-40", "Cel", "[degF]", "-40"),
        ("0", "Cel", "K", "273.15"),
        ("37.000", "Cel", "K", "310.15"),
        ("120", "mm[Hg]", "kPa", "15.99864"),
        ("1", "[lb_av]", "g", "453.59237"),
        ("6", "[ft_i]", "cm", "182.88"),
        ("70", "/min", "/h", "4200"),
        ("5", "10*9/L", "10*3/uL", "5"),
        ("140", "mmol/L", "mol/m3", "140"),
        ("1", "a", "mo", "12"),
        ("2", "[IU]/mL", "k[iU]/L", "2"),
        ("20", "dB", "B", "2"),
        ("1", "mg%", "mg/dL", "1"),
        ("1", "U", "nkat", "16.66666666666666666666666666666666666667"),
    ],
)
def test_amounts_convert_as_in_the_handbooks(value: str, one: str, other: str, expected: str) -> None:
    assert convert(Decimal(value), parse(one), parse(other)) == Decimal(expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mg/dL", "mmol/L"),  # what mass a mole has depends on the substance
        ("mmol/L", "10*9/L"),
        ("[iU]/L", "U/L"),
        ("[iU]", "1"),
        ("[arb'U]/mL", "[iU]/mL"),
        ("B", "1"),
        ("[pH]", "mol/L"),
        ("Cel", "[pH]"),
        ("mL/min", "mL"),
    ],
)
def test_what_a_clinician_would_not_compare_is_not_compared(one: str, other: str) -> None:
    assert parse(one).dimension != parse(other).dimension
    with pytest.raises(UnknownUnit, match="measures"):
        convert(Decimal(1), parse(one), parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{score}", "1"), ("mL/min/{1.73_m2}", "mL/min"), ("ug{FEU}/mL", "ug/mL"), ("/{HPF}", "1"), ("{次}/min", "/min"),
        ("g/(8.h)", "g/8/h"), ("/m.s", "/(m/s)"), ("/m.s", "s/m"), ("m/s/s", "m.s-2"), ("10^3", "10*3"), ("10*3", "1000"), ("m+2", "m2"),
        ("kg/(m.s2)", "Pa"),
    ],
)  # fmt: skip
def test_one_unit_may_be_written_in_several_ways(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    "text",
    [
        *"foo mmHg MMOL/L L/ (m m) m2m 2. 0 mm[Hg {a}{b} m{a}2 Cel/min Cel2 2.Cel mg/dl/ 次/分 m² 10*9999 m--2 m- //m {a [iU".split(),
        *"dada kmin Ym999.Ym999 ² ١ 10*999.10*999".split(), "", "m 2", "\0", "(" * 50 + "m" + ")" * 50, "m" * 500,
    ],
)  # fmt: skip
def test_what_is_no_unit_is_told_so(text: str) -> None:
    assert unit(text) is None
    with pytest.raises(UnknownUnit, match="is no unit of UCUM"):
        parse(text)


@given(st.text(alphabet="mgLs/.(){}[]*^+-%'10 iUHdazk次²", max_size=30))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    found = unit(text)
    assert found is None or found.factor > 0


# --- laws


@given(amounts, units, units)
def test_there_and_back_is_where_one_was(value: Decimal, one: str, other: str) -> None:
    a, b = parse(one), parse(other)
    if a.dimension == b.dimension:
        back = convert(convert(value, a, b), b, a)
        assert abs(back - value) <= max(abs(value), Decimal(1000)) * Decimal("1e-30")


@given(amounts, amounts, units, units)
def test_comparing_does_not_depend_on_the_units_compared_in(x: Decimal, y: Decimal, one: str, other: str) -> None:
    """The canonical numbers are in the order of the exact amounts, and equal exactly when those are."""
    a, b = parse(one), parse(other)
    if a.dimension == b.dimension:
        exact = (Fraction(x) * a.factor + a.zero) - (Fraction(y) * b.factor + b.zero)
        stored = a.canonical(x) - b.canonical(y)
        assert (exact > 0, exact == 0) == (stored > 0, stored == 0)


@given(amounts, units, units, units)
def test_by_way_of_a_third_unit_is_the_same(value: Decimal, one: str, other: str, third: str) -> None:
    a, b, c = parse(one), parse(other), parse(third)
    if a.dimension == b.dimension == c.dimension:
        direct, around = convert(value, a, c), convert(convert(value, a, b), b, c)
        assert abs(direct - around) <= max(abs(direct), Decimal(1000)) * Decimal("1e-30")


@given(
    st.lists(
        st.tuples(units.filter(lambda code: code not in ("Cel", "[degF]", "dB", "B")), st.sampled_from(["/", "."])), min_size=1, max_size=4
    )
)
def test_a_product_is_the_product_of_its_parts(parts: list[tuple[str, str]]) -> None:
    text, factor, powers = "1", Fraction(1), Counter[str]()
    for code, sign in parts:
        text += f"{sign}({code})"
        one = parse(code)
        factor = factor * one.factor if sign == "." else factor / one.factor
        for base, power in one.dimension:
            powers[base] += power if sign == "." else -power
    found = parse(text)
    assert found.factor == factor
    assert dict(found.dimension) == {base: power for base, power in powers.items() if power}


def test_numbers_keep_all_their_digits() -> None:
    long = Decimal("1234567890123456789012345678901234567890123456789.000000000000000000000000000000001")
    assert parse("mg").canonical(long) * 1000 == long or convert(parse("mg").canonical(long), parse("g"), parse("mg")) == long
    assert parse("/min").canonical(Decimal(70)) == 100800


def test_nothing_of_it_is_loaded_before_it_is_needed() -> None:
    code = "import sys, yilian.fhir.ucum; print('yilian.fhir.ucum.table' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
