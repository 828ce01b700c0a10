"""Institution tiers: who is above whom.

Five grades (GOV-1) by function, equipment and staff; the grassroots grade has two levels, the village post and the township or community
centre it belongs to. An institution says its tier in the extension `urls.TIER` (valueCode or valueCoding).
Source: 国务院办公厅 国办发〔2015〕70号 on tiered diagnosis and treatment.
"""

from __future__ import annotations

TIERS: dict[str, tuple[int, str, str]] = {
    # code        rank  中文                        English
    "village": (10, "村卫生室 / 社区卫生服务站", "Village post"),
    "township": (20, "乡镇卫生院 / 社区卫生服务中心", "Township or community health centre"),
    "county": (30, "县级医院(二级)", "County hospital"),
    "city": (40, "市级医院(三级)", "City (prefecture) hospital"),
    "province": (50, "省级医院", "Provincial hospital"),
    "national": (60, "国家级医院", "National hospital"),
}

GRASSROOTS = ("village", "township")

_OTHER_WORDS = {"grassroots": "township", "prefecture": "city", "tertiary": "city", "secondary": "county", "provincial": "province"}
"""What neighbouring systems say for the same tier."""


def tier(code: str) -> str:
    """Our code for a tier, "" for one we do not know."""
    return code if code in TIERS else _OTHER_WORDS.get(code, "")


def rank(code: str) -> int:
    """How high a tier stands; 0 for unknown, so that no rule is met by accident."""
    return TIERS[code][0] if code in TIERS else 0


def compare(sender: str, receiver: str) -> str:
    """Where the receiver stands from the sender: higher | equal | lower, or unknown."""
    here, there = rank(sender), rank(receiver)
    if not here or not there:
        return "unknown"
    return "higher" if there > here else "lower" if there < here else "equal"
