import type { CodeableConcept, Coding, Extension, Reference, ServiceRequest } from 'fhir/r4';
import { clinicalCode, conceptText } from '../fhir/concept';
import type { Lang } from '../locale/locale';
import { DIRECTIONS, type Direction, REASONS } from './codes/reasons';
import { called } from './codes/search';
import { SPECIALTIES } from './codes/specialties';
import { CONSENT, DIRECTION, FORM, REASON, REFERRAL_NO, SENDER, SPECIALTY } from './systems';

/** Ways into the ServiceRequest of a referral, named once. */

export type Urgency = 'routine' | 'urgent' | 'asap' | 'stat';
/** Most urgent first, as people choose. */
export const URGENCIES: readonly Urgency[] = ['stat', 'asap', 'urgent', 'routine'];

const first = (concepts: readonly CodeableConcept[] | undefined, system: string): Coding | undefined =>
  concepts?.flatMap((concept) => concept.coding ?? []).find((coding) => coding.system === system);

export function directionOf(request: ServiceRequest | undefined): Direction | undefined {
  const code = first(request?.category, DIRECTION)?.code;
  return DIRECTIONS.find((direction) => direction === code);
}

export const urgencyOf = (one: { priority?: string } | undefined): Urgency =>
  URGENCIES.find((urgency) => urgency === one?.priority) ?? 'routine';

export const specialtyOf = (request: ServiceRequest | undefined): string =>
  first(request?.locationCode, SPECIALTY)?.code ?? '';

export function specialtyName(request: ServiceRequest | undefined, lang: Lang): string {
  const coding = first(request?.locationCode, SPECIALTY);
  return called(SPECIALTIES, coding?.code, lang) || (coding?.display?.replace(/专业$/, '') ?? '');
}

export const receiverOf = (request: ServiceRequest | undefined): Reference | undefined =>
  request?.performer?.find((one) => one.reference?.startsWith('Organization/'));

export const senderOf = (one: { extension?: Extension[] } | undefined): Reference | undefined =>
  one?.extension?.find((extension) => extension.url === SENDER)?.valueReference;

export const numberOf = (one: ServiceRequest | undefined): string =>
  one?.identifier?.find((identifier) => identifier.system === REFERRAL_NO)?.value ?? '';

const isReason = (concept: CodeableConcept): boolean =>
  concept.coding?.some((coding) => coding.system === REASON) ?? false;

export const reasonCodes = (request: ServiceRequest | undefined): string[] =>
  (request?.reasonCode ?? [])
    .flatMap((concept) => concept.coding ?? [])
    .flatMap((coding) => (coding.system === REASON && coding.code ? [coding.code] : []));

/** Why, in words: the reasons of the code system. */
export function reasonTexts(request: ServiceRequest | undefined, lang: Lang): string[] {
  return (request?.reasonCode ?? [])
    .filter(isReason)
    .map((concept) => {
      const coding = concept.coding?.find((one) => one.system === REASON);
      return called(REASONS.lateral, coding?.code, lang) || conceptText(concept);
    })
    .filter(Boolean);
}

/** What it is about in a line: the diagnosis, else the reason. */
export const matter = (request: ServiceRequest | undefined, lang: Lang): string =>
  impressions(request)[0]?.text || (reasonTexts(request, lang)[0] ?? '—');

export interface Diagnosis {
  readonly text: string;
  /** ICD-10, empty without one. */
  readonly code: string;
  readonly concept: CodeableConcept;
}

/** 初步印象: what among the reasons is no reason of ours but a diagnosis. */
export const impressions = (request: ServiceRequest | undefined): Diagnosis[] =>
  (request?.reasonCode ?? [])
    .filter((concept) => !isReason(concept))
    .map((concept) => ({ text: conceptText(concept), code: clinicalCode(concept), concept }))
    .filter(({ text }) => text !== '');

/** The fields of the paper form that ServiceRequest has no element for. */
export const FORM_PARTS = [
  'present-illness',
  'past-history',
  'treatment',
  'precautions',
  'care-type',
  'transport',
  'escort',
  'infectious',
  'payment',
] as const;
export type FormPart = (typeof FORM_PARTS)[number];

export function formPart(request: ServiceRequest | undefined, part: FormPart): string {
  const form = request?.extension?.find((extension) => extension.url === FORM);
  const found = form?.extension?.find((extension) => extension.url === part);
  if (!found) return '';
  return found.valueString ?? found.valueCode ?? found.valueCoding?.display ?? conceptText(found.valueCodeableConcept);
}

export const CONSENT_WAYS = ['written', 'oral', 'guardian', 'emergency'] as const;
export type ConsentWay = (typeof CONSENT_WAYS)[number];

export function consentOf(
  request: ServiceRequest | undefined,
): { way: ConsentWay | undefined; time: string; by: string } | null {
  const parts = request?.extension?.find((extension) => extension.url === CONSENT)?.extension;
  if (!parts) return null;
  const part = (url: string) => parts.find((extension) => extension.url === url);
  const code = part('way')?.valueCoding?.code;
  return {
    way: CONSENT_WAYS.find((way) => way === code),
    time: part('time')?.valueDateTime ?? '',
    by: part('by')?.valueReference?.display ?? '',
  };
}

/** What the referrer chose as evidence, and what an answer added. */
export const evidenceOf = (request: ServiceRequest | undefined): Reference[] => [
  ...(request?.supportingInfo ?? []),
  ...(request?.reasonReference ?? []),
];
