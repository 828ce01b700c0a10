"""An address made comparable: by city, county and town, and what is below, however it was written.

Divisions are told by the elements of the FHIR Address where they are filled, else by how the text ends each level (省 市 县 镇 …).
FHIR R4: http://hl7.org/fhir/R4/datatypes.html#Address
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from yilian.search.folding import fold
from yilian.search.pinyin import has_han

LONGEST = 200
_province = re.compile(
    r"^(?:中国|中华人民共和国)?(.{2,3}?省|内蒙古自治区|广西壮族自治区|西藏自治区|宁夏回族自治区|新疆维吾尔自治区|.{2}特别行政区)"
)
_city = re.compile(r"^(.{2,10}?(?:自治州|地区|市|盟))")
_county = re.compile(r"^(.{1,12}?(?:自治县|自治旗|林区|县|区|旗|市))")
_town = re.compile(r"^(.{1,10}?(?:街道办事处|街道|民族乡|镇|乡|苏木))")
_end = re.compile(r"(?<=..)(?:自治州|地区|市|盟)$")
_part = re.compile(r"号楼|号院|单元|号|栋|幢|座|楼|层|室|组|#")
_gap = re.compile(r"[^\w]+|_")


@dataclass(frozen=True, slots=True)
class Place:
    """None where a level is not known. city without its last word (云溪), the others with it; line: what is below the town."""

    city: str | None
    county: str | None
    town: str | None
    line: str | None


NOWHERE = Place(None, None, None, None)


def of(addresses: Any) -> Place:
    """Where somebody lives, by a list of FHIR Address: home before others, no old ones."""
    if type(addresses) is not list:
        return NOWHERE
    some = [one for one in addresses if type(one) is dict and one.get("use") not in ("old", "billing")]
    some.sort(key=lambda one: one.get("use") != "home")
    if not some:
        return NOWHERE
    one = some[0]
    lines = one.get("line")
    written = "".join(str(line) for line in lines) if type(lines) is list else ""
    known = [str(one.get(key) or "")[:LONGEST] for key in ("state", "city", "district")]
    return read(str(one.get("text") or "")[:LONGEST], written[:LONGEST], *known)


@lru_cache(maxsize=4096)
def read(text: str, line: str, state: str, city: str, district: str) -> Place:
    """`text`: the whole; `line`: below the county, "" where only the text is known; the divisions by name, "" where they are not."""
    text, line, state, city, district = (fold(part).replace(" ", "") for part in (text, line, state, city, district))
    rest = line or text
    for division in (state, city, district):
        rest = rest.removeprefix(division) if division else rest
    if has_han(rest) or has_han(city):
        if not state and (found := _province.match(rest)):
            rest = rest[found.end() :]
        if not city and (found := _city.match(rest)):
            city, rest = found[1], rest[found.end() :]
        if not district and (found := _county.match(rest)):
            district, rest = found[1], rest[found.end() :]
    town = None
    if found := _town.match(rest):
        town, rest = found[1].removesuffix("办事处"), rest[found.end() :]
    if not city and state.endswith("市"):
        city = state
    rest = _gap.sub("-", _part.sub("-", rest)).strip("-")
    return Place(_end.sub("", city) or None, district or None, town, rest or None)
