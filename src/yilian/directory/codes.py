"""The code systems of the directory as FHIR resources: institution tiers, 诊疗科目, forms of consortia, posts, equipment. Seeded at start
where they differ."""

from __future__ import annotations

from typing import Any

from yilian.directory.specialties import SPECIALTIES
from yilian.directory.tiers import TIERS
from yilian.fhir import urls
from yilian.fhir.vocabulary import code_system, concept, value_set

Words = dict[str, tuple[str, str]]
"""Code → 中文, English."""

FORMS: Words = {
    "city-group": ("城市医疗集团", "City hospital group"),
    "county-community": ("县域医疗卫生共同体", "County medical community"),
    "specialty-alliance": ("专科联盟", "Specialty alliance"),
    "telemedicine-network": ("远程医疗协作网", "Telemedicine network"),
    "paired-support": ("对口支援", "Paired support"),
    "shareholding": ("股份合作", "Shareholding"),
}
"""Forms of a consortium. 医疗联合体管理办法(试行) 国卫医发〔2020〕13号 names the first four; the others are GOV-3."""

BONDS: Words = {
    "tight": ("紧密型", "Tight"),
    "loose": ("松散型", "Loose"),
    "trusteeship": ("托管", "Trusteeship"),
    "collaboration": ("协作", "Collaboration"),
    "merger": ("兼并重组", "Merger"),
    "hospital-run": ("院办院管", "Run by the hospital"),
}
"""How closely a member is bound (GOV-3)."""

ROLES: Words = {"lead": ("牵头医院", "Lead hospital"), "member": ("成员单位", "Member")}

POSITIONS: Words = {
    "main": ("主要执业机构", "Main place of practice"),
    "multi-site": ("多点执业", "Further place of practice"),
    "county-managed": ("县管乡用", "Employed by the county, works in the township"),
    "seconded": ("下沉帮扶", "Seconded to the grassroots"),
}
"""Posts of people who work in several places. 医师执业注册管理办法 (2017) 10: one main place, others are put on record (DIR-4)."""

EQUIPMENT: Words = {
    "ct": ("X线计算机断层扫描系统(CT)", "CT"),
    "mr": ("磁共振成像系统(MR)", "MRI"),
    "dsa": ("血管造影系统(DSA)", "Angiography"),
    "pet-ct": ("正电子发射/X线断层成像(PET/CT)", "PET/CT"),
    "pet-mr": ("正电子发射/磁共振成像(PET/MR)", "PET/MR"),
    "spect": ("单光子发射断层成像(SPECT)", "SPECT"),
    "linac": ("医用直线加速器", "Linear accelerator"),
    "surgical-robot": ("腹腔内窥镜手术系统", "Surgical robot"),
    "dr": ("数字化X线摄影系统(DR)", "Digital radiography"),
    "mammography": ("乳腺X线机", "Mammography"),
    "ultrasound": ("彩色多普勒超声诊断仪", "Ultrasound"),
    "endoscope": ("电子内镜系统", "Endoscopy"),
    "holter": ("动态心电/血压监测", "Holter and ambulatory blood pressure"),
    "ventilator": ("有创呼吸机", "Ventilator"),
    "haemodialysis": ("血液透析机", "Haemodialysis"),
}
"""Kinds of large and shared equipment (DIR-3). PET/MR, PET/CT, 手术系统 and 放射治疗 need a licence of configuration:
大型医用设备配置许可管理目录(2023年)."""

ATTACHMENTS: Words = {
    "laboratory": ("近期检验报告", "Recent laboratory report"),
    "imaging": ("影像检查报告", "Imaging report"),
    "ecg": ("心电图", "ECG"),
    "discharge": ("出院小结", "Discharge summary"),
    "medication": ("目前用药清单", "Current medication"),
    "consent": ("知情同意书", "Signed consent"),
}
"""What a service may ask a referral to bring along."""


def definitions() -> list[dict[str, Any]]:
    """CodeSystems and ValueSets of this room, ready to be stored. Chinese is the display."""
    tiers = [concept(code, zh, en) for code, (_, zh, en) in TIERS.items()]
    return [
        code_system(urls.INSTITUTION_TIER, "InstitutionTier", "机构层级", tiers),
        code_system(urls.SPECIALTY, "ClinicalDepartment", "诊疗科目名录", [concept(code, zh) for code, zh in SPECIALTIES.items()]),
        _of(urls.CONSORTIUM_FORM, "ConsortiumForm", "医联体形式", FORMS),
        _of(urls.CONSORTIUM_BOND, "ConsortiumBond", "医联体成员关系", BONDS),
        _of(urls.CONSORTIUM_ROLE, "ConsortiumRole", "医联体成员角色", ROLES),
        _of(urls.POSITION_KIND, "PositionKind", "执业方式", POSITIONS),
        _of(urls.EQUIPMENT_KIND, "EquipmentKind", "设备类别", EQUIPMENT),
        _of(urls.REFERRAL_ATTACHMENT, "ReferralAttachment", "转诊须附资料", ATTACHMENTS),
        value_set("institution-tier", "InstitutionTier", "机构层级", urls.INSTITUTION_TIER),
        value_set("clinical-department", "ClinicalDepartment", "诊疗科目", urls.SPECIALTY),
    ]


def _of(url: str, name: str, title: str, words: Words) -> dict[str, Any]:
    return code_system(url, name, title, [concept(code, zh, en) for code, (zh, en) in words.items()])
