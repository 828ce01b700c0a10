"""The laboratory: what is measured, in which unit, what is normal for whom, and what a healthy person's value looks like.

Reference intervals of adults follow WS/T 405-2012 (blood count), WS/T 404 (biochemistry) and those of children WS/T 779-2021, as far as
known without the texts at hand; limits for critical values are those hospitals usually agree on. Codes are LOINC (china-facts §8.11),
units UCUM.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from yilian.fhir import urls

Resource = dict[str, Any]
Range = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Analyte:
    """One thing measured. `usual` is (mean, standard deviation) of healthy adults where the interval has no middle; `critical` is (below,
    above)."""

    key: str
    code: str
    name: str
    unit: str
    ucum: str
    places: int
    male: Range
    female: Range
    usual: tuple[float, float] | None = None
    critical: Range = (None, None)


def _a(
    key: str,
    code: str,
    name: str,
    unit: str,
    ucum: str,
    places: int,
    male: Range,
    female: Range | None = None,
    usual: tuple[float, float] | None = None,
    critical: Range = (None, None),
) -> Analyte:
    return Analyte(key, code, name, unit, ucum, places, male, female or male, usual, critical)


ANALYTES: dict[str, Analyte] = {
    a.key: a
    for a in (
        _a("wbc", "6690-2", "白细胞计数", "×10⁹/L", "10*9/L", 1, (3.5, 9.5), None, (6.2, 1.2), (1.5, 30)),
        _a("neut", "770-8", "中性粒细胞百分比", "%", "%", 1, (40, 75), None, (58, 6)),
        _a("lymph", "736-9", "淋巴细胞百分比", "%", "%", 1, (20, 50), None, (32, 5)),
        _a("rbc", "789-8", "红细胞计数", "×10¹²/L", "10*12/L", 2, (4.3, 5.8), (3.8, 5.1)),
        _a("hgb", "718-7", "血红蛋白", "g/L", "g/L", 0, (130, 175), (115, 150), None, (60, None)),
        _a("hct", "4544-3", "红细胞压积", "%", "%", 1, (40, 50), (35, 45)),
        _a("plt", "777-3", "血小板计数", "×10⁹/L", "10*9/L", 0, (125, 350), None, (215, 42), (50, 1000)),
        _a("glu", "1558-6", "空腹血糖", "mmol/L", "mmol/L", 1, (3.9, 6.1), None, (5.1, 0.4), (2.8, 22.2)),
        _a("rglu", "2345-7", "随机血糖", "mmol/L", "mmol/L", 1, (3.9, 11.1), None, (6.2, 0.8), (2.8, 22.2)),
        _a("ogtt1", "1501-6", "口服葡萄糖耐量试验 1 小时血糖", "mmol/L", "mmol/L", 1, (None, 10.0), None, (7.6, 1.0)),
        _a("ogtt2", "1518-0", "口服葡萄糖耐量试验 2 小时血糖", "mmol/L", "mmol/L", 1, (None, 7.8), None, (6.2, 0.8)),
        _a("hba1c", "4548-4", "糖化血红蛋白", "%", "%", 1, (4.0, 6.0), None, (5.4, 0.3)),
        _a("cr", "2160-0", "肌酐", "μmol/L", "umol/L", 0, (57, 97), (41, 73), None, (None, 650)),
        _a("bun", "3094-0", "尿素", "mmol/L", "mmol/L", 1, (3.1, 8.0), (2.6, 7.5), (5.2, 1.0), (None, 36)),
        _a("ua", "3084-1", "尿酸", "μmol/L", "umol/L", 0, (208, 428), (155, 357)),
        _a("k", "2823-3", "钾", "mmol/L", "mmol/L", 2, (3.5, 5.3), None, (4.2, 0.28), (2.8, 6.2)),
        _a("na", "2951-2", "钠", "mmol/L", "mmol/L", 0, (137, 147), None, (141, 1.8), (120, 160)),
        _a("cl", "2075-0", "氯", "mmol/L", "mmol/L", 0, (99, 110), None, (104, 1.9)),
        _a("ca", "17861-6", "钙", "mmol/L", "mmol/L", 2, (2.11, 2.52), None, (2.31, 0.07), (1.75, 3.5)),
        _a("alt", "1742-6", "丙氨酸氨基转移酶", "U/L", "U/L", 0, (9, 50), (7, 40), (24, 6.5)),
        _a("ast", "1920-8", "天门冬氨酸氨基转移酶", "U/L", "U/L", 0, (15, 40), (13, 35), (23, 4.5)),
        _a("tbil", "1975-2", "总胆红素", "μmol/L", "umol/L", 1, (None, 26.0), (None, 21.0), (11.5, 3.2)),
        _a("alb", "1751-7", "白蛋白", "g/L", "g/L", 1, (40, 55), None, (44.5, 2.4)),
        _a("tp", "2885-2", "总蛋白", "g/L", "g/L", 1, (65, 85), None, (73, 3.5)),
        _a("tc", "2093-3", "总胆固醇", "mmol/L", "mmol/L", 2, (None, 5.2), None, (4.5, 0.55)),
        _a("tg", "2571-8", "甘油三酯", "mmol/L", "mmol/L", 2, (None, 1.7), None, (1.25, 0.32)),
        _a("hdl", "2085-9", "高密度脂蛋白胆固醇", "mmol/L", "mmol/L", 2, (1.0, None), None, (1.34, 0.2)),
        _a("ldl", "13457-7", "低密度脂蛋白胆固醇", "mmol/L", "mmol/L", 2, (None, 3.4), None, (2.65, 0.42)),
        _a("tsh", "3016-3", "促甲状腺激素", "mIU/L", "m[IU]/L", 2, (0.27, 4.2), None, (2.0, 0.7)),
        _a("crp", "1988-5", "C 反应蛋白", "mg/L", "mg/L", 1, (None, 10.0), None, (3.0, 1.6)),
        _a("inr", "6301-6", "国际标准化比值", "", "{INR}", 2, (0.8, 1.2), None, (1.0, 0.06), (None, 5.0)),
        _a("ddimer", "48065-7", "D-二聚体", "mg/L", "mg/L", 2, (None, 0.5), None, (0.24, 0.08)),
        _a("ctni", "10839-9", "肌钙蛋白 I", "μg/L", "ug/L", 3, (None, 0.04), None, (0.012, 0.005), (None, 0.5)),
        _a("ckmb", "13969-1", "肌酸激酶同工酶", "μg/L", "ug/L", 1, (None, 5.0), None, (1.8, 0.6)),
        _a("bnp", "33762-6", "N 末端 B 型钠尿肽前体", "ng/L", "ng/L", 0, (None, 300), None, (90, 40)),
        _a("uacr", "9318-7", "尿白蛋白与肌酐比值", "mg/g", "mg/g", 1, (None, 30), None, (11, 4)),
        _a("ph", "2744-1", "动脉血酸碱度", "", "[pH]", 2, (7.35, 7.45), None, (7.40, 0.015), (7.20, 7.60)),
        _a("po2", "2703-7", "动脉血氧分压", "mmHg", "mm[Hg]", 0, (80, 100), None, (90, 4), (45, None)),
        _a("pco2", "2019-8", "动脉血二氧化碳分压", "mmHg", "mm[Hg]", 0, (35, 45), None, (40, 2), (20, 70)),
        _a("fev1", "20150-9", "第一秒用力呼气容积", "L", "L", 2, (None, None), None, (2.6, 0.4)),
        _a("fev1fvc", "19926-5", "一秒率(吸入支气管扩张剂后)", "%", "%", 1, (70, None), None, (79, 3)),
    )
}

# Intervals of children by age in months, where they differ from adults: (up to, male, female). WS/T 779-2021, venous blood.
_CHILDREN: dict[str, tuple[tuple[int, Range, Range], ...]] = {
    "wbc": (
        (6, (4.3, 14.2), (4.3, 14.2)),
        (12, (4.8, 14.6), (4.8, 14.6)),
        (24, (5.1, 14.1), (5.1, 14.1)),
        (72, (4.4, 11.9), (4.4, 11.9)),
        (156, (4.3, 11.3), (4.3, 11.3)),
        (216, (4.1, 11.0), (4.1, 11.0)),
    ),
    "hgb": (
        (6, (97, 183), (97, 183)),
        (12, (97, 141), (97, 141)),
        (24, (107, 141), (107, 141)),
        (72, (112, 149), (112, 149)),
        (156, (118, 156), (118, 156)),
        (216, (129, 172), (114, 154)),
    ),
    "rbc": (
        (6, (3.3, 5.2), (3.3, 5.2)),
        (12, (4.0, 5.5), (4.0, 5.5)),
        (24, (4.1, 5.5), (4.1, 5.5)),
        (72, (4.0, 5.5), (4.0, 5.5)),
        (156, (4.2, 5.7), (4.2, 5.7)),
        (216, (4.5, 5.9), (4.1, 5.3)),
    ),
    "hct": (
        (6, (28, 52), (28, 52)),
        (12, (30, 41), (30, 41)),
        (24, (32, 42), (32, 42)),
        (72, (34, 43), (34, 43)),
        (156, (36, 46), (36, 46)),
        (216, (39, 51), (36, 47)),
    ),
    "plt": (
        (6, (183, 614), (183, 614)),
        (12, (190, 579), (190, 579)),
        (24, (190, 524), (190, 524)),
        (72, (188, 472), (188, 472)),
        (144, (167, 453), (167, 453)),
        (216, (150, 407), (150, 407)),
    ),
    "neut": ((24, (13, 55), (13, 55)), (72, (22, 65), (22, 65)), (156, (31, 70), (31, 70)), (216, (37, 77), (37, 77))),
    "lymph": ((24, (33, 77), (33, 77)), (72, (23, 69), (23, 69)), (156, (23, 59), (23, 59)), (216, (17, 54), (17, 54))),
    "cr": ((24, (13, 33), (13, 33)), (72, (19, 44), (19, 44)), (156, (27, 66), (27, 66)), (216, (40, 100), (37, 75))),
    "alt": ((24, (8, 71), (8, 71)), (216, (7, 42), (7, 42))),
    "ast": ((24, (22, 59), (22, 59)), (156, (14, 44), (14, 44)), (216, (12, 37), (10, 31))),
}


def interval(key: str, sex: str, months: int) -> Range:
    """What is normal for a person of this sex and age in months."""
    analyte = ANALYTES[key]
    for until, male, female in _CHILDREN.get(key, ()):
        if months < until:
            return male if sex == "male" else female
    if months >= 720:  # 60 years: WS/T 404.5-2015
        if key == "cr":
            return (57, 111) if sex == "male" else (41, 81)
        if key == "bun":
            return (3.6, 9.5) if sex == "male" else (3.1, 8.8)
        if key == "bnp" and months >= 900:
            return (None, 450)
    return analyte.male if sex == "male" else analyte.female


def usual(key: str, sex: str, months: int) -> tuple[float, float]:
    """Mean and standard deviation of healthy people of this sex and age."""
    analyte = ANALYTES[key]
    child = months < 216 and key in _CHILDREN
    if analyte.usual and not child:
        return analyte.usual
    low, high = interval(key, sex, months)
    assert low is not None and high is not None
    return (low + high) / 2, (high - low) / 6


@cache
def _reference_range(key: str, low: float | None, high: float | None) -> list[Resource]:
    analyte = ANALYTES[key]
    out: Resource = {}
    if low is not None:
        out["low"] = quantity(analyte, low)
    if high is not None:
        out["high"] = quantity(analyte, high)
    shown = (
        f"{_show(low)}–{_show(high)}"
        if low is not None and high is not None
        else f"≤{_show(high)}"
        if high is not None
        else f"≥{_show(low)}"
    )
    out["text"] = f"{shown} {analyte.unit}".strip()
    return [out]


def _show(value: float | None) -> str:
    return f"{value:g}" if value is not None else ""


def quantity(analyte: Analyte, value: float) -> Resource:
    """A FHIR Quantity with as many decimals as the analyser prints."""
    out: Resource = {"value": decimal(value, analyte.places)}
    if analyte.unit:
        out["unit"] = analyte.unit
    out["system"] = urls.UCUM
    out["code"] = analyte.ucum
    return out


def decimal(value: float, places: int) -> Decimal | int:
    """Rounded to so many decimals, trailing zeros kept; a whole number is an int."""
    return Decimal(f"{value:.{places}f}") if places else round(value)


_INTERPRETATION = {
    code: [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": code, "display": display}]}]
    for code, display in {
        "N": "正常",
        "H": "偏高",
        "L": "偏低",
        "HH": "危急偏高",
        "LL": "危急偏低",
        "NEG": "阴性",
        "POS": "阳性",
        "A": "异常",
    }.items()
}


def interpretation(code: str) -> list[Resource]:
    return _INTERPRETATION[code]


def judge(key: str, value: float, sex: str, months: int) -> str:
    """N, H, L, HH or LL."""
    below, above = ANALYTES[key].critical
    low, high = interval(key, sex, months)
    if below is not None and value < below:
        return "LL"
    if above is not None and value > above:
        return "HH"
    if low is not None and value < low:
        return "L"
    if high is not None and value > high:
        return "H"
    return "N"


@cache
def code_of(key: str) -> Resource:
    analyte = ANALYTES[key]
    return {"coding": [{"system": urls.LOINC, "code": analyte.code, "display": analyte.name}], "text": analyte.name}


def measured(key: str, value: float, sex: str, months: int) -> Resource:
    """The part of an Observation that tells value, reference range and interpretation."""
    analyte = ANALYTES[key]
    value = round(value, analyte.places)
    low, high = interval(key, sex, months)
    out: Resource = {"valueQuantity": quantity(analyte, value)}
    if low is not None or high is not None:
        out["interpretation"] = _INTERPRETATION[judge(key, value, sex, months)]
        out["referenceRange"] = _reference_range(key, low, high)
    return out


# Results in words: key -> (LOINC, name, normal word).
QUALITATIVE = {
    "upro": ("20454-5", "尿蛋白", "阴性"),
    "uglu": ("25428-4", "尿葡萄糖", "阴性"),
    "uket": ("2514-8", "尿酮体", "阴性"),
    "ubld": ("5794-3", "尿潜血", "阴性"),
    "uleu": ("5799-2", "尿白细胞酯酶", "阴性"),
    "hbsag": ("5195-3", "乙型肝炎病毒表面抗原", "阴性"),
    "abo": ("883-9", "ABO 血型", ""),
    "rh": ("10331-7", "RhD 血型", ""),
    "fobt": ("2335-8", "粪便隐血", "阴性"),
}


@cache
def qualitative_code(key: str) -> Resource:
    code, name, _ = QUALITATIVE[key]
    return {"coding": [{"system": urls.LOINC, "code": code, "display": name}], "text": name}


def stated(key: str, word: str) -> Resource:
    """Value and interpretation of a result in words."""
    out: Resource = {"valueCodeableConcept": {"text": word}}
    normal = QUALITATIVE[key][2]
    if normal:
        out["interpretation"] = _INTERPRETATION["NEG" if word == normal else "POS"]
        out["referenceRange"] = _negative()
    return out


@cache
def _negative() -> list[Resource]:
    return [{"text": "阴性"}]


# Panels: key -> (LOINC, name, analytes).
PANELS = {
    "cbc": ("58410-2", "血常规", ("wbc", "neut", "lymph", "rbc", "hgb", "hct", "plt")),
    "urine": ("24356-8", "尿常规", ("upro", "uglu", "ubld", "uleu")),
    "liver": ("24325-3", "肝功能", ("alt", "ast", "tbil", "alb", "tp")),
    "renal": ("24362-6", "肾功能", ("bun", "cr", "ua")),
    "liver check": ("24325-3", "肝功能", ("alt", "ast", "tbil")),
    "renal check": ("24362-6", "肾功能", ("bun", "cr")),
    "lipid": ("57698-3", "血脂", ("tc", "tg", "hdl", "ldl")),
    "electrolytes": ("24326-1", "电解质", ("k", "na", "cl", "ca")),
    "glucose": ("1558-6", "空腹血糖", ("glu",)),
    "random": ("2345-7", "随机血糖", ("rglu",)),
    "ogtt": ("1518-0", "口服葡萄糖耐量试验", ("glu", "ogtt1", "ogtt2")),
    "hba1c": ("4548-4", "糖化血红蛋白", ("hba1c",)),
    "heart": ("10839-9", "心肌损伤标志物", ("ctni", "ckmb", "bnp")),
    "clotting": ("6301-6", "凝血功能", ("inr", "ddimer")),
    "crp": ("1988-5", "C 反应蛋白", ("crp",)),
    "thyroid": ("3016-3", "促甲状腺激素", ("tsh",)),
    "gas": ("24336-0", "动脉血气分析", ("ph", "po2", "pco2")),
    "blood group": ("882-1", "血型鉴定", ("abo", "rh")),
    "hepatitis": ("5195-3", "乙肝表面抗原", ("hbsag",)),
    "albuminuria": ("9318-7", "尿白蛋白与肌酐比值", ("uacr",)),
    "spirometry": ("18759-1", "肺功能检查", ("fev1", "fev1fvc")),
    "faeces": ("2335-8", "粪便隐血", ("fobt",)),
}
