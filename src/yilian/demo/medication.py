"""The region's medicines: generic names as licensed in China, usual strengths and doses, ATC codes.

Doses are those of the usual package leaflet for adults; children's antibiotics are dosed by weight where they are prescribed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from yilian.demo.clinical.codes import ATC, ROUTE, ROUTES, concept

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drug:
    """One medicine as it is prescribed: `dose` in `unit` each time, `times` a day (0: once, at once); `pack` is the unit that is
    dispensed."""

    key: str
    atc: str
    generic: str
    text: str
    dose: float
    unit: str
    ucum: str
    times: float
    route: str
    pack: str
    per_time: float  # packs (tablets, capsules …) each time
    note: str = ""
    family: str = ""  # 青霉素 | 头孢 | 磺胺 | 非甾体 …: what an allergy would forbid


def _d(
    key: str,
    atc: str,
    generic: str,
    text: str,
    dose: float,
    times: float,
    *,
    unit: str = "mg",
    ucum: str = "mg",
    route: str = "1",
    pack: str = "片",
    per_time: float = 1,
    note: str = "",
    family: str = "",
) -> Drug:
    return Drug(key, atc, generic, text, dose, unit, ucum, times, route, pack, per_time, note, family)


DRUGS: dict[str, Drug] = {
    d.key: d
    for d in (
        # blood pressure
        _d("amlodipine", "C08CA01", "氨氯地平", "苯磺酸氨氯地平片 5mg", 5, 1, note="早晨服用"),
        _d("nifedipine", "C08CA05", "硝苯地平", "硝苯地平控释片 30mg", 30, 1, note="整片吞服"),
        _d("valsartan", "C09CA03", "缬沙坦", "缬沙坦胶囊 80mg", 80, 1, pack="粒"),
        _d("irbesartan", "C09CA04", "厄贝沙坦", "厄贝沙坦片 150mg", 150, 1),
        _d("enalapril", "C09AA02", "依那普利", "马来酸依那普利片 10mg", 10, 1),
        _d("perindopril", "C09AA04", "培哚普利", "培哚普利叔丁胺片 4mg", 4, 1, note="早餐前服用"),
        _d("indapamide", "C03BA11", "吲达帕胺", "吲达帕胺缓释片 1.5mg", 1.5, 1, note="早晨服用", family="磺胺"),
        _d("hct", "C03AA03", "氢氯噻嗪", "氢氯噻嗪片 25mg", 12.5, 1, per_time=0.5, family="磺胺"),
        _d("metoprolol", "C07AB02", "美托洛尔", "琥珀酸美托洛尔缓释片 47.5mg", 47.5, 1),
        _d("spironolactone", "C03DA01", "螺内酯", "螺内酯片 20mg", 20, 1),
        # diabetes
        _d("metformin", "A10BA02", "二甲双胍", "盐酸二甲双胍片 500mg", 500, 2, note="随餐服用"),
        _d("metformin3", "A10BA02", "二甲双胍", "盐酸二甲双胍片 500mg", 500, 3, note="随餐服用"),
        _d("gliclazide", "A10BB09", "格列齐特", "格列齐特缓释片 30mg", 60, 1, per_time=2, note="早餐时服用", family="磺胺"),
        _d("acarbose", "A10BF01", "阿卡波糖", "阿卡波糖片 50mg", 50, 3, note="与第一口饭同嚼服"),
        _d("dapagliflozin", "A10BK01", "达格列净", "达格列净片 10mg", 10, 1),
        _d("sitagliptin", "A10BH01", "西格列汀", "磷酸西格列汀片 100mg", 100, 1),
        _d(
            "glargine",
            "A10AE04",
            "甘精胰岛素",
            "甘精胰岛素注射液 300单位:3ml",
            14,
            1,
            unit="单位",
            ucum="[IU]",
            route="401",
            pack="支",
            per_time=0.047,
            note="睡前",
        ),
        # heart and vessels
        _d("aspirin", "B01AC06", "阿司匹林", "阿司匹林肠溶片 100mg", 100, 1, note="餐前服用", family="阿司匹林"),
        _d("aspirin-load", "B01AC06", "阿司匹林", "阿司匹林肠溶片 100mg", 300, 0, per_time=3, note="嚼服", family="阿司匹林"),
        _d("ticagrelor-load", "B01AC24", "替格瑞洛", "替格瑞洛片 90mg", 180, 0, per_time=2, note="嚼服"),
        _d("clopidogrel", "B01AC04", "氯吡格雷", "硫酸氢氯吡格雷片 75mg", 75, 1),
        _d("ticagrelor", "B01AC24", "替格瑞洛", "替格瑞洛片 90mg", 90, 2),
        _d("atorvastatin", "C10AA05", "阿托伐他汀", "阿托伐他汀钙片 20mg", 20, 1, note="睡前服用"),
        _d("rosuvastatin", "C10AA07", "瑞舒伐他汀", "瑞舒伐他汀钙片 10mg", 10, 1),
        _d("isosorbide", "C01DA14", "单硝酸异山梨酯", "单硝酸异山梨酯缓释片 40mg", 40, 1, note="早晨服用"),
        _d("nitroglycerin", "C01DA02", "硝酸甘油", "硝酸甘油片 0.5mg", 0.5, 1, route="3", note="胸痛发作时舌下含服"),
        _d("furosemide", "C03CA01", "呋塞米", "呋塞米片 20mg", 20, 1, family="磺胺"),
        _d(
            "enoxaparin",
            "B01AB05",
            "依诺肝素",
            "依诺肝素钠注射液 4000单位:0.4ml",
            4000,
            2,
            unit="单位",
            ucum="[IU]",
            route="401",
            pack="支",
        ),
        _d("alteplase", "B01AD02", "阿替普酶", "注射用阿替普酶 50mg", 50, 1, route="404", pack="支"),
        _d("butylphthalide", "", "丁苯酞", "丁苯酞软胶囊 0.1g", 0.2, 3, unit="g", ucum="g", pack="粒", per_time=2, note="空腹服用"),
        # lungs
        _d("tiotropium", "R03BB04", "噻托溴铵", "噻托溴铵粉吸入剂 18μg", 18, 1, unit="μg", ucum="ug", route="5", pack="粒"),
        _d(
            "budesonide",
            "R03AK07",
            "布地奈德福莫特罗",
            "布地奈德福莫特罗粉吸入剂 160μg/4.5μg",
            1,
            2,
            unit="吸",
            ucum="{puff}",
            route="5",
            pack="吸",
            note="吸入后漱口",
        ),
        _d(
            "salbutamol",
            "R03AC02",
            "沙丁胺醇",
            "硫酸沙丁胺醇吸入气雾剂 100μg",
            2,
            1,
            unit="喷",
            ucum="{puff}",
            route="5",
            pack="喷",
            per_time=2,
            note="喘息时使用",
        ),
        _d("nebule", "R03AL02", "异丙托溴铵沙丁胺醇", "吸入用复方异丙托溴铵溶液 2.5ml", 2.5, 3, unit="ml", ucum="mL", route="5", pack="支"),
        _d("prednisone", "H02AB07", "泼尼松", "醋酸泼尼松片 5mg", 30, 1, per_time=6, note="早餐后服用"),
        _d("ambroxol", "R05CB06", "氨溴索", "盐酸氨溴索片 30mg", 30, 3),
        # infections and acute complaints
        _d("amoxicillin", "J01CA04", "阿莫西林", "阿莫西林胶囊 0.25g", 0.5, 3, unit="g", ucum="g", pack="粒", per_time=2, family="青霉素"),
        _d("cefuroxime", "J01DC02", "头孢呋辛", "头孢呋辛酯片 0.25g", 0.25, 2, unit="g", ucum="g", family="头孢菌素"),
        _d("cefixime", "J01DD08", "头孢克肟", "头孢克肟颗粒 50mg", 50, 2, pack="袋", family="头孢菌素"),
        _d(
            "ceftriaxone",
            "J01DD04",
            "头孢曲松",
            "注射用头孢曲松钠 1.0g",
            2,
            1,
            unit="g",
            ucum="g",
            route="404",
            pack="支",
            per_time=2,
            family="头孢菌素",
        ),
        _d("azithromycin", "J01FA10", "阿奇霉素", "阿奇霉素片 0.25g", 0.5, 1, unit="g", ucum="g", per_time=2),
        _d("azithromycin-child", "J01FA10", "阿奇霉素", "阿奇霉素干混悬剂 0.1g", 0.15, 1, unit="g", ucum="g", pack="袋", per_time=1.5),
        _d("levofloxacin", "J01MA12", "左氧氟沙星", "左氧氟沙星片 0.5g", 0.5, 1, unit="g", ucum="g", family="喹诺酮"),
        _d("moxifloxacin", "J01MA14", "莫西沙星", "盐酸莫西沙星片 0.4g", 0.4, 1, unit="g", ucum="g", family="喹诺酮"),
        _d("oseltamivir", "J05AH02", "奥司他韦", "磷酸奥司他韦胶囊 75mg", 75, 2, pack="粒"),
        _d("oseltamivir-child", "J05AH02", "奥司他韦", "磷酸奥司他韦颗粒 15mg", 45, 2, pack="袋", per_time=3),
        _d("metronidazole", "P01AB01", "甲硝唑", "甲硝唑片 0.2g", 0.4, 3, unit="g", ucum="g", per_time=2),
        _d("paracetamol", "N02BE01", "对乙酰氨基酚", "对乙酰氨基酚片 0.5g", 0.5, 3, unit="g", ucum="g", note="发热时服用"),
        _d(
            "ibuprofen",
            "M01AE01",
            "布洛芬",
            "布洛芬混悬液 100ml:2g",
            7,
            3,
            unit="ml",
            ucum="mL",
            pack="瓶",
            per_time=0.07,
            note="体温超过 38.5℃ 时服用",
            family="非甾体抗炎药",
        ),
        _d("celecoxib", "M01AH01", "塞来昔布", "塞来昔布胶囊 0.2g", 0.2, 1, unit="g", ucum="g", pack="粒", family="磺胺"),
        _d(
            "diclofenac",
            "M02AA15",
            "双氯芬酸",
            "双氯芬酸二乙胺乳胶剂 20g",
            1,
            3,
            unit="次",
            ucum="1",
            route="6",
            pack="支",
            per_time=0.03,
            note="涂于患处",
            family="非甾体抗炎药",
        ),
        _d("omeprazole", "A02BC01", "奥美拉唑", "奥美拉唑肠溶胶囊 20mg", 20, 1, pack="粒", note="早餐前服用"),
        _d("pantoprazole", "A02BC02", "泮托拉唑", "注射用泮托拉唑钠 40mg", 40, 1, route="404", pack="支"),
        _d("montmorillonite", "A07BC05", "蒙脱石", "蒙脱石散 3g", 3, 3, unit="g", ucum="g", pack="袋"),
        _d("rehydration", "A07CA", "口服补液盐", "口服补液盐散(Ⅲ) 5.125g", 1, 3, unit="袋", ucum="{packet}", pack="袋"),
        _d("cold", "R05X", "复方氨酚烷胺", "复方氨酚烷胺片", 1, 2, unit="片", ucum="{tbl}"),
        _d("lianhua", "", "连花清瘟", "连花清瘟颗粒 6g", 6, 3, unit="g", ucum="g", pack="袋"),
        _d("feining", "", "小儿肺热咳喘", "小儿肺热咳喘口服液 10ml", 10, 3, unit="ml", ucum="mL", pack="支"),
        # mother and child
        _d("folate", "B03BB01", "叶酸", "叶酸片 0.4mg", 0.4, 1),
        _d("iron", "B03AA06", "琥珀酸亚铁", "琥珀酸亚铁片 0.1g", 0.1, 2, unit="g", ucum="g", note="餐后服用"),
        _d("calcium", "A12AX", "碳酸钙维生素D₃", "碳酸钙 D₃ 片 600mg", 600, 1),
        _d("vitamin-d", "A11CC05", "维生素D", "维生素 D 滴剂 400单位", 400, 1, unit="单位", ucum="[IU]", pack="粒"),
        _d("oxytocin", "H01BB02", "缩宫素", "缩宫素注射液 10单位:1ml", 10, 1, unit="单位", ucum="[IU]", route="404", pack="支"),
        # bones and others
        _d("alendronate", "M05BA04", "阿仑膦酸钠", "阿仑膦酸钠片 70mg", 70, 1 / 7, note="每周固定一天,晨起空腹,服后半小时内不卧床"),
    )
}

_FREQUENCY = {0: "立即(单次)", 1: "每日一次", 2: "每日两次", 3: "每日三次", 1 / 7: "每周一次"}


@cache
def concept_of(key: str) -> Resource:
    """The medicine as a CodeableConcept."""
    drug = DRUGS[key]
    return concept(ATC, drug.atc, drug.generic, drug.text) if drug.atc else {"text": drug.text}


@cache
def dosage(key: str, dose: float = 0.0) -> list[Resource]:
    """How it is taken, in words and structured. `dose` replaces the usual one."""
    drug = DRUGS[key]
    amount = dose or drug.dose
    when_needed = key in ("nitroglycerin", "salbutamol", "paracetamol", "ibuprofen")
    frequency = "必要时" if when_needed else _FREQUENCY[drug.times]
    text = f"{ROUTES[drug.route]},每次 {amount:g}{drug.unit},{frequency}" + (f",{drug.note}" if drug.note else "")
    repeat: Resource = {"frequency": int(drug.times), "period": 1, "periodUnit": "d"}
    if not drug.times:
        repeat = {"count": 1}
    elif drug.times < 1:
        repeat = {"frequency": 1, "period": 1, "periodUnit": "wk"}
    out: Resource = {"sequence": 1, "text": text}
    if when_needed:
        out["asNeededBoolean"] = True
    else:
        out["timing"] = {"repeat": repeat, "code": {"text": frequency}}
    out["route"] = concept(ROUTE, drug.route, ROUTES[drug.route])
    quantity: Resource = {
        "value": Decimal(f"{amount:g}") if amount % 1 else int(amount),
        "unit": drug.unit,
        "system": "http://unitsofmeasure.org",
        "code": drug.ucum,
    }
    out["doseAndRate"] = [{"doseQuantity": quantity}]
    return [out]
