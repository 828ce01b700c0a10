import type { Extension } from 'fhir/r4';
import type { State } from './verdict';

/** What the referrer made of the criteria that were shown: it travels with the ServiceRequest. Pure. */

export const REFERRAL_CRITERIA = 'https://yilian.example/fhir/StructureDefinition/referral-criteria';

export interface Answered {
  /** Address and version of the criterion. */
  canonical: string;
  state: State;
  answer: 'followed' | 'overridden' | 'shown';
  /** Why it was overridden. */
  reason: string;
  /** "Observation/…": what it rested on. */
  evidence: string[];
}

export const criteriaExtensions = (answers: readonly Answered[]): Extension[] =>
  answers.map((one) => ({
    url: REFERRAL_CRITERIA,
    extension: [
      { url: 'criterion', valueCanonical: one.canonical },
      { url: 'state', valueCode: one.state },
      { url: 'answer', valueCode: one.answer },
      ...(one.reason ? [{ url: 'reason', valueString: one.reason }] : []),
      ...one.evidence.map((reference) => ({ url: 'evidence', valueReference: { reference } })),
    ],
  }));

export const criteriaOf = (extensions: readonly Extension[] | undefined): Answered[] =>
  (extensions ?? [])
    .filter((one) => one.url === REFERRAL_CRITERIA)
    .map(({ extension: parts = [] }) => {
      const part = (url: string) => parts.find((one) => one.url === url);
      return {
        canonical: part('criterion')?.valueCanonical ?? '',
        state: (part('state')?.valueCode ?? 'met') as State,
        answer: (part('answer')?.valueCode ?? 'shown') as Answered['answer'],
        reason: part('reason')?.valueString ?? '',
        evidence: parts.flatMap((one) => (one.url === 'evidence' ? (one.valueReference?.reference ?? []) : [])),
      };
    });
