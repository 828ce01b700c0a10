import type { OperationOutcomeIssue, Reference } from 'fhir/r4';
import type { Answered } from '../../criteria/answers';
import type { Key } from '../../locale/locale';
import { type Direction, REASONS } from '../codes/reasons';
import type { ConsentWay, Diagnosis, Urgency } from '../request';

/** What the form holds while one writes a referral. Texts as typed; lists in the order chosen. */
export interface ReferForm {
  direction: Direction | '';
  urgency: Urgency;
  specialty: string;
  receiver: Reference | null;
  reasons: string[];
  impressions: Diagnosis[];
  /** A first impression the record has no diagnosis for. */
  otherImpression: string;
  presentIllness: string;
  pastHistory: string;
  treatment: string;
  /** What the receiver is asked: goes into the conversation as the referrer's first words. */
  question: string;
  precautions: string;
  careType: string;
  transport: string;
  escort: string;
  infectious: string;
  consent: ConsentWay | '';
  /** "Observation/…": what travels along. */
  evidence: string[];
  /** Criteria that were shown, and what was made of them. */
  criteria: Answered[];
  /** Who is asked next, in this order, when the receiver declines. */
  alternatives: Reference[];
  /** They are asked without asking back. */
  automatic: boolean;
  /** A place at the receiver that is booked with the referral. */
  slot: Reference | null;
  /** Why the green channel is asked for; empty where it is not. */
  greenChannel: string;
}

export type Field = keyof ReferForm;

export const EMPTY: ReferForm = {
  direction: '',
  urgency: 'routine',
  specialty: '',
  receiver: null,
  reasons: [],
  impressions: [],
  otherImpression: '',
  presentIllness: '',
  pastHistory: '',
  treatment: '',
  question: '',
  precautions: '',
  careType: '',
  transport: '',
  escort: '',
  infectious: '',
  consent: '',
  evidence: [],
  criteria: [],
  alternatives: [],
  automatic: false,
  slot: null,
  greenChannel: '',
};

export interface Fault {
  field: Field;
  key: Key;
}

/** In the order of the page, so that the first one is the one to jump to. */
export function faultsOf(form: ReferForm): Fault[] {
  const faults: Fault[] = [];
  const need = (field: Field, missing: boolean, key: Key) => {
    if (missing) faults.push({ field, key });
  };
  need('direction', form.direction === '', 'refer.fault.direction');
  need('specialty', form.specialty === '', 'refer.fault.specialty');
  need('receiver', form.receiver === null, 'refer.fault.receiver');
  need('reasons', form.reasons.length === 0, 'refer.fault.reasons');
  need(
    'reasons',
    form.reasons.some((code) => !fits(form.direction, code)),
    'refer.fault.reasons.other',
  );
  need('impressions', form.impressions.length === 0 && !form.otherImpression.trim(), 'refer.fault.impressions');
  need('presentIllness', !form.presentIllness.trim(), 'refer.fault.presentIllness');
  need('consent', form.consent === '', 'refer.fault.consent');
  need('consent', form.consent === 'emergency' && form.urgency !== 'stat', 'refer.fault.consent.emergency');
  return faults;
}

/** A draft may be full of holes, but must know where it is to go: the server keeps none without a direction. */
export const draftFaultsOf = (form: ReferForm): Fault[] =>
  form.direction === '' ? [{ field: 'direction', key: 'refer.fault.direction' }] : [];

const fits = (direction: Direction | '', code: string): boolean =>
  direction === '' || REASONS[direction].some((reason) => reason.code === code);

/** The form without what hung on where it was to go. */
export const unplaced = (form: ReferForm): ReferForm => ({
  ...form,
  receiver: null,
  alternatives: [],
  automatic: false,
  slot: null,
});

/** The form with another direction: reasons and receiver that no longer fit are dropped. */
export function turned(form: ReferForm, direction: Direction): ReferForm {
  if (form.direction === direction) return form;
  return { ...unplaced(form), direction, reasons: form.reasons.filter((code) => fits(direction, code)) };
}

/** The field an OperationOutcome's expression speaks of; null for none of ours. */
const PLACES: readonly [RegExp, Field][] = [
  [/ServiceRequest\.category/, 'direction'],
  [/ServiceRequest\.priority/, 'urgency'],
  [/ServiceRequest\.locationCode/, 'specialty'],
  [/ServiceRequest\.performer/, 'receiver'],
  [/ServiceRequest\.reasonCode/, 'reasons'],
  [/ServiceRequest\.(supportingInfo|reasonReference)/, 'evidence'],
  [/ServiceRequest\.note|name='note'/, 'question'],
  [/ServiceRequest\.extension/, 'presentIllness'],
  [/name='consent'/, 'consent'],
  [/name='slot'/, 'slot'],
  [/name='alternatives'/, 'alternatives'],
];

export function fieldOf(issue: OperationOutcomeIssue): Field | null {
  const places = [...(issue.expression ?? []), ...(issue.location ?? [])];
  for (const place of places) {
    const found = PLACES.find(([pattern]) => pattern.test(place));
    if (found) return found[1];
  }
  return null;
}
