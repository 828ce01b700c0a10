/** The systems and extensions referrals are written with, as the server names them (`fhir/urls.py`, `referral/resources.py`). */
const BASE = 'https://yilian.example/fhir/';

export const DIRECTION = `${BASE}CodeSystem/referral-direction`;
export const STATE = `${BASE}CodeSystem/referral-state`;
export const REASON = `${BASE}CodeSystem/referral-reason`;
export const ACTION = `${BASE}CodeSystem/referral-action`;
export const DECLINE_REASON = `${BASE}CodeSystem/referral-decline-reason`;
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

export const REFERRAL_NO = `${BASE}NamingSystem/referral-number`;
