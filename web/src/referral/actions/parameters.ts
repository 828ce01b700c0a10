import type { CodeableConcept, Parameters, ParametersParameter, Reference } from 'fhir/r4';
import { DECLINE_REASONS, LEAVE_REASONS } from '../codes/reasons';
import type { Choosable } from '../codes/search';
import { DECLINE_REASON, LEAVE_REASON } from '../systems';
import { type Start, startOf } from './fields/days';
import type { LegalAction } from './legal';
import { carePlanOf, EMPTY_PLAN, type PlanForm, planFaults } from './plan';

/** The small form of one action, and its Parameters for `$act`. Fields have the names of the parameters. Pure. */
export interface ActForm {
  note: string;
  /** A code of the decline reasons, or words. */
  reason: string;
  question: string;
  answer: string;
  to: Reference | null;
  practitioner: Reference | null;
  start: Start;
  diagnosis: CodeableConcept[];
  findings: string;
  treatment: string;
  advice: string;
  /** What changes in the medicines. */
  medication: string;
  /** A day (`2026-12-05`), empty while none is chosen. */
  nextVisit: string;
  recordNumber: string;
  /** Who of the family was told that the patient cannot travel, and which expert was called. */
  informed: string;
  expert: string;
  /** Who was there when nothing was signed. */
  witness: string;
  attachment: string[];
  plan: PlanForm;
  /** Slots to be taken together: expert and examination. */
  slot: Reference[];
  /** A ward, for any bed of it that suits; or a bed. */
  bed: Reference | null;
}

export type ActField = keyof ActForm;

export const EMPTY_ACT: ActForm = {
  note: '',
  reason: '',
  question: '',
  answer: '',
  to: null,
  practitioner: null,
  start: { day: '', time: '' },
  diagnosis: [],
  findings: '',
  treatment: '',
  advice: '',
  medication: '',
  nextVisit: '',
  recordNumber: '',
  informed: '',
  expert: '',
  witness: '',
  attachment: [],
  plan: EMPTY_PLAN,
  slot: [],
  bed: null,
};

/** In the order a person fills them in: what happened first, remarks last. */
const ORDER: readonly ActField[] = [
  'question',
  'answer',
  'to',
  'slot',
  'bed',
  'practitioner',
  'start',
  'reason',
  'informed',
  'expert',
  'diagnosis',
  'findings',
  'treatment',
  'medication',
  'advice',
  'nextVisit',
  'recordNumber',
  'plan',
  'attachment',
  'witness',
  'note',
];

/** The fields of an action: those it requires and those it may bring. `request` is written on a page of its own. */
export function fieldsOf(action: LegalAction): { field: ActField; required: boolean }[] {
  const all = new Set([...action.requires, ...action.optional]);
  return ORDER.filter((field) => all.has(field)).map((field) => ({ field, required: action.requires.includes(field) }));
}

export function isGiven(form: ActForm, field: ActField): boolean {
  switch (field) {
    case 'to':
    case 'practitioner':
    case 'bed':
      return form[field] !== null;
    case 'diagnosis':
    case 'slot':
    case 'attachment':
      return form[field].length > 0;
    case 'start':
      return Boolean(form.start.day || form.start.time);
    case 'plan':
      return form.plan.wanted;
    default:
      return form[field].trim() !== '';
  }
}

export type ActFault = { field: ActField; kind: 'missing' | 'one-of' | 'say-which' | 'half' | 'plan' };

export function actFaults(action: LegalAction, form: ActForm): ActFault[] {
  const faults: ActFault[] = fieldsOf(action)
    .filter(({ field, required }) => required && !isGiven(form, field))
    .map(({ field }) => ({ field, kind: 'missing' }));
  const [first] = action.oneOf as ActField[];
  if (first && !action.oneOf.some((field) => isGiven(form, field as ActField))) {
    faults.push({
      field: fieldsOf(action).find(({ field }) => action.oneOf.includes(field))?.field ?? first,
      kind: 'one-of',
    });
  }
  if (action.code === 'decline' && form.reason === 'other' && !form.note.trim())
    faults.push({ field: 'note', kind: 'say-which' });
  if (isGiven(form, 'start') && !startOf(form.start)) faults.push({ field: 'start', kind: 'half' });
  if (isGiven(form, 'plan') && planFaults(form.plan).length > 0) faults.push({ field: 'plan', kind: 'plan' });
  return faults;
}

export function actParameters(action: LegalAction, form: ActForm, patient: Reference, today: string): Parameters {
  const parameter: ParametersParameter[] = [{ name: 'action', valueCode: action.code }];
  for (const { field } of fieldsOf(action)) {
    if (isGiven(form, field)) parameter.push(...parametersOf(action, form, field, patient, today));
  }
  return { resourceType: 'Parameters', parameter };
}

function parametersOf(
  action: LegalAction,
  form: ActForm,
  field: ActField,
  patient: Reference,
  today: string,
): ParametersParameter[] {
  switch (field) {
    case 'reason':
      return [{ name: 'reason', valueCodeableConcept: reasonOf(action, form.reason.trim()) }];
    case 'to':
    case 'practitioner':
    case 'bed':
      return form[field] ? [{ name: field, valueReference: form[field] }] : [];
    case 'nextVisit':
      return [{ name: 'nextVisit', valueDate: form.nextVisit }];
    case 'start':
      return [{ name: 'start', valueDateTime: startOf(form.start) }];
    case 'slot':
      return form.slot.map((reference) => ({ name: 'slot', valueReference: { reference: reference.reference ?? '' } }));
    case 'diagnosis':
      return form.diagnosis.map((concept) => ({ name: 'diagnosis', valueCodeableConcept: concept }));
    case 'attachment':
      return form.attachment.map((reference) => ({ name: 'attachment', valueReference: { reference } }));
    case 'plan':
      return [{ name: 'plan', resource: carePlanOf(form.plan, patient, today) }];
    default:
      return [{ name: field, valueString: form[field].trim() }];
  }
}

/** Actions whose reason is a code of a list. */
export const CODED: Readonly<Record<string, { system: string; codes: readonly Choosable[] }>> = {
  decline: { system: DECLINE_REASON, codes: DECLINE_REASONS },
  leave: { system: LEAVE_REASON, codes: LEAVE_REASONS },
};

/** Declining and leaving take a code of their lists, the other actions take words. */
function reasonOf(action: LegalAction, reason: string): CodeableConcept {
  const list = CODED[action.code];
  if (!list) return { text: reason };
  const display = list.codes.find((one) => one.code === reason)?.zh;
  return { coding: [{ system: list.system, code: reason, ...(display ? { display } : {}) }] };
}

/** The field an expression of the server speaks of: Parameters.parameter.where(name='advice'). */
export function actFieldOf(expression: string): ActField | null {
  const name = /name='(\w+)'/.exec(expression)?.[1];
  return ORDER.find((field) => field === name) ?? null;
}
