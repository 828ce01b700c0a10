"""Every canonical URL and identifier system the house uses, in one place.

Ours start with `https://yilian.example/fhir/`.
National systems are OIDs of the health-information standards (WS/T 364, WS/T 500 templates).
"""

from __future__ import annotations

BASE = "https://yilian.example/fhir/"

# --- our code systems
REFERRAL_DIRECTION = BASE + "CodeSystem/referral-direction"  # up | down | lateral
REFERRAL_STATE = BASE + "CodeSystem/referral-state"
REFERRAL_REASON = BASE + "CodeSystem/referral-reason"
REFERRAL_ACTION = BASE + "CodeSystem/referral-action"
REFERRAL_DECLINE_REASON = BASE + "CodeSystem/referral-decline-reason"
REFERRAL_LEAVE_REASON = BASE + "CodeSystem/referral-leave-reason"  # why a patient did not go, or went by themselves
REFERRAL_CIRCUMSTANCE_KIND = BASE + "CodeSystem/referral-circumstance"  # deceased | admitted
REFERRAL_OUTPUT = BASE + "CodeSystem/referral-output"
REFERRAL_TASK = BASE + "CodeSystem/referral-task"  # referral | approval: what a Task of ours is about
INSTITUTION_TIER = BASE + "CodeSystem/institution-tier"
INSTITUTION_KIND = "urn:oid:2.16.156.10011.2.3.4.2"  # WS 218 卫生机构类别
SPECIALTY = BASE + "CodeSystem/clinical-department"  # 诊疗科目名录, codes as 03.04
ROLE = BASE + "CodeSystem/post"  # the posts of access/policy.toml
MATCH_STATE = BASE + "CodeSystem/match-state"  # open | later | same | different: what was decided of a pair of records
ERROR = BASE + "CodeSystem/error"
EQUIPMENT_KIND = BASE + "CodeSystem/equipment-kind"
CONSORTIUM_FORM = BASE + "CodeSystem/consortium-form"  # on the Organization of a consortium: 城市医疗集团, 县域医共体 …
CONSORTIUM_BOND = BASE + "CodeSystem/consortium-bond"  # on a membership: 紧密型, 托管 …
CONSORTIUM_ROLE = BASE + "CodeSystem/consortium-role"  # on a membership: lead | member
POSITION_KIND = BASE + "CodeSystem/position-kind"  # 主要执业, 多点执业, 县管乡用 …
REFERRAL_ATTACHMENT = BASE + "CodeSystem/referral-attachment"  # what a service asks a referral to bring along
BOOKING_KIND = BASE + "CodeSystem/booking-kind"  # clinic | expert | examination | equipment | day-surgery | bed
BED_KIND = BASE + "CodeSystem/bed-kind"  # general | child | newborn | isolation | intensive | day
CRITERION_TOPIC = BASE + "CodeSystem/criterion-topic"  # which illness a criterion for referral is about
CRITERION_ANSWER = BASE + "CodeSystem/criterion-answer"  # followed | overridden | shown
HANDOVER_DOCUMENT = BASE + "CodeSystem/handover-document"  # transfer | out | in | return: the documents of a referral
FOLLOW_UP = BASE + "CodeSystem/follow-up"  # the words of visits after a down-referral
RATING = BASE + "CodeSystem/referral-rating"  # level | attitude | cost
SUSPICION = BASE + "CodeSystem/referral-suspicion"  # the rules a referral can look wrong by
RECOGNITION = BASE + "CodeSystem/recognition"  # in meta.tag: a result other institutions recognise (互认)
PURPOSE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

DISPOSITION = "urn:oid:2.16.156.10011.2.3.1.265"  # 离院方式, RC019 of the front page of the inpatient record

# --- our extensions
TIER = BASE + "StructureDefinition/institution-tier"
ETHNICITY = BASE + "StructureDefinition/ethnic-group"
OUTSIDE = BASE + "StructureDefinition/outside-the-platform"  # on an Organization: it is not on the platform, see referral/outside
NEEDS_APPROVAL = BASE + "StructureDefinition/referral-needs-approval"
ARRANGED = BASE + "StructureDefinition/referral-arranged"
REFERRAL_BOOKED = BASE + "StructureDefinition/referral-booked"  # on the Task: appointment, bed, held-until
REFERRAL_WISHED = BASE + "StructureDefinition/referral-wished-place"  # on the request: a Slot or bed the sender would like
REFERRAL_ALTERNATIVE = BASE + "StructureDefinition/referral-alternative"  # on the Task: who may be asked next, and whether by itself
REFERRAL_CHOSEN = BASE + "StructureDefinition/referral-chosen"  # on the Task: why this receiver was asked after another one, and by whom
REFERRAL_CIRCUMSTANCE = BASE + "StructureDefinition/referral-circumstance"  # on the Task: what made it void, and when that became known
REFERRAL_IN_PLACE = (
    BASE + "StructureDefinition/referral-in-place"
)  # on the Task: who was informed and called when the patient could not travel
FIRST_VISIT = BASE + "StructureDefinition/referral-first-visit"  # on the Task of a down-referral: due, discharged
GREEN_CHANNEL = BASE + "StructureDefinition/green-channel"  # 绿色通道, on the request: asked | open, reason, time, by
REFERRAL_SENDER = BASE + "StructureDefinition/referral-sender"  # the institution that refers; on the ServiceRequest and its Task
REFERRAL_CONSENT = BASE + "StructureDefinition/referral-consent"  # 知情同意: agreed, way, time, by
REFERRAL_FORM = BASE + "StructureDefinition/referral-form"  # what the paper form asks for and ServiceRequest has no element for
REFERRAL_NOTE = BASE + "StructureDefinition/referral-note"  # which step an annotation was written with
REFERRAL_SETTINGS = BASE + "StructureDefinition/service-referral-settings"  # on a HealthcareService, see directory/offers.py
POSITION = BASE + "StructureDefinition/position"  # on a PractitionerRole: kind, employer, see directory/columns.py
SHARED_EQUIPMENT = BASE + "StructureDefinition/shared-equipment"  # on a Device: open to referrals of others
ENDED = BASE + "StructureDefinition/ended-on"  # on Organization, HealthcareService, Device of the directory: since when it is not used
SERVICE_SCOPE = BASE + "StructureDefinition/service-scope"  # on an Organization: 服务范围, in words
BOUNDARY = BASE + "StructureDefinition/area-boundary"  # on a Location: its outline as GeoJSON, WGS 84
LIAISON = BASE + "StructureDefinition/affiliation-liaison"  # on an OrganizationAffiliation: 联络人
CONSORTIUM_PAPER = BASE + "CodeSystem/consortium-paper"  # on a DocumentReference of a consortium: 协议, 决议, 制度, 年度计划
CONSORTIUM_STEP = BASE + "CodeSystem/consortium-step"  # on a Task: 整改; on a Provenance: 终止成员资格
AGREEMENT = BASE + "StructureDefinition/affiliation-agreement"  # on an OrganizationAffiliation: number or address of the agreement
SLOT_CAPACITY = BASE + "StructureDefinition/slot-capacity"  # on a Slot: how many places it has
SCHEDULE_TEMPLATE = BASE + "StructureDefinition/schedule-template"  # on a Schedule: weekdays, times, length and places of its slots
SCHEDULE_EXCEPTION = BASE + "StructureDefinition/schedule-exception"  # on a Schedule: days of leave, or of extra clinics
SCHEDULE_SHARE = BASE + "StructureDefinition/schedule-share"  # on a Schedule: a pool's share of its own
APPOINTMENT_SERIES = BASE + "StructureDefinition/appointment-series"  # on an Appointment: which series, which of how many
BOOKING_CHANNEL = (
    BASE + "StructureDefinition/booking-channel"
)  # on an Appointment: web | phone | self-service | on-site | referral | system
HELD_UNTIL = BASE + "StructureDefinition/held-until"  # on an Appointment that is only held
CRITERION_FINDING = BASE + "StructureDefinition/criterion-finding"  # on PlanDefinition.action: one thing a criterion looks for
CRITERION_EVIDENCE = BASE + "StructureDefinition/criterion-evidence"  # on a PlanDefinition: how well it is founded
REFERRAL_CRITERIA = BASE + "StructureDefinition/referral-criteria"  # on a ServiceRequest: criteria that were shown, and what was made of it
OPEN_REFERRAL = BASE + "StructureDefinition/open-referral"  # on an OperationOutcome: the referral that is in the way

# --- extensions of HL7
PLANNED_END = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate"  # R5's element in R4: expected discharge

# --- identifier systems (china-facts §8.3)
RESIDENT_ID = "urn:oid:2.16.156.10011.1.3"  # 居民身份证号
HEALTH_FILE = "urn:oid:2.16.156.10011.1.2"  # 居民健康档案编号
HEALTH_CARD = "urn:oid:2.16.156.10011.1.19"  # 居民健康卡号
PRACTITIONER_ID = "urn:oid:2.16.156.10011.1.4"  # 医护人员标识
INSTITUTION_ID = "urn:oid:2.16.156.10011.1.5"  # 医疗卫生机构代码
OUTPATIENT_NO = "urn:oid:2.16.156.10011.1.11"  # 门(急)诊号
INPATIENT_NO = "urn:oid:2.16.156.10011.1.12"  # 住院号
RECORD_NO = "urn:oid:2.16.156.10011.1.13"  # 病案号
ACCOUNT = BASE + "NamingSystem/account"  # who signs in here
USCC = BASE + "NamingSystem/unified-social-credit-code"  # 统一社会信用代码 GB 32100
HK_MACAO_PERMIT = BASE + "NamingSystem/hong-kong-macao-travel-permit"  # 港澳居民来往内地通行证
TAIWAN_PERMIT = BASE + "NamingSystem/taiwan-travel-permit"  # 台湾居民来往大陆通行证
FOREIGN_RESIDENT_ID = BASE + "NamingSystem/foreign-permanent-resident-id"  # 外国人永久居留身份证
MEDICAL_INSURANCE = BASE + "NamingSystem/medical-insurance-number"  # 医保个人编号
PASSPORT = "http://hl7.org/fhir/sid/passport-"  # and the country that gave it: passport-CHN
HANDOVER_NO = BASE + "NamingSystem/handover-document"  # a document of a referral
REFERRAL_NO = BASE + "NamingSystem/referral-number"  # 转诊单号

# --- terminologies of others
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
