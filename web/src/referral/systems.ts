/** The systems and extensions referrals are written with, as the server names them (`fhir/urls.py`, `referral/resources.py`). */
const BASE = 'https://yilian.example/fhir/';

export const DIRECTION = `${BASE}CodeSystem/referral-direction`;
export const STATE = `${BASE}CodeSystem/referral-state`;
export const REASON = `${BASE}CodeSystem/referral-reason`;
export const ACTION = `${BASE}CodeSystem/referral-action`;
export const DECLINE_REASON = `${BASE}CodeSystem/referral-decline-reason`;
export const LEAVE_REASON = `${BASE}CodeSystem/referral-leave-reason`;
export const OUTPUT = `${BASE}CodeSystem/referral-output`;
export const HANDOVER_DOCUMENT = `${BASE}CodeSystem/handover-document`;
export const TASK_KIND = `${BASE}CodeSystem/referral-task`;
export const SPECIALTY = `${BASE}CodeSystem/clinical-department`;

export const TIER = `${BASE}StructureDefinition/institution-tier`;
export const ARRANGED = `${BASE}StructureDefinition/referral-arranged`;
export const BOOKED = `${BASE}StructureDefinition/referral-booked`;
export const SENDER = `${BASE}StructureDefinition/referral-sender`;
export const CONSENT = `${BASE}StructureDefinition/referral-consent`;
export const FORM = `${BASE}StructureDefinition/referral-form`;
export const NOTE = `${BASE}StructureDefinition/referral-note`;

export const GREEN = `${BASE}StructureDefinition/green-channel`;
export const CIRCUMSTANCE = `${BASE}StructureDefinition/referral-circumstance`;
export const IN_PLACE = `${BASE}StructureDefinition/referral-in-place`;
export const FIRST_VISIT = `${BASE}StructureDefinition/referral-first-visit`;
export const CHOSEN = `${BASE}StructureDefinition/referral-chosen`;

export const REFERRAL_NO = `${BASE}NamingSystem/referral-number`;
