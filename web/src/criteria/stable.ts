import type { Encounter, Parameters, ParametersParameter, Patient } from 'fhir/r4';
import { keyOf, referenceOf, textOf } from './verdict';

/** Who can go down, as `Encounter/$can-go-down` tells it. Pure. */

export interface Place {
  readonly reference: string;
  readonly name: string;
  /** The institution that looks after the patient. */
  readonly home: boolean;
  readonly km: number | undefined;
  readonly minutes: number | undefined;
  readonly bedsFree: number | undefined;
  readonly reasons: readonly string[];
}

export interface Stable {
  readonly patient: Patient;
  readonly encounter: Encounter;
  readonly criteria: readonly { readonly key: string; readonly title: string; readonly explanation: string }[];
  readonly places: readonly Place[];
}

export interface Ward {
  readonly looked: number;
  readonly departments: readonly { readonly code: string; readonly name: string }[];
  readonly stable: readonly Stable[];
  readonly next: string;
}

type Parts = readonly ParametersParameter[];
const of = (parts: Parts, name: string): ParametersParameter[] => parts.filter((one) => one.name === name);

export function wardOf(answer: Parameters): Ward {
  const parts = answer.parameter ?? [];
  return {
    looked: of(parts, 'looked')[0]?.valueInteger ?? 0,
    departments: of(parts, 'department').map(({ valueCoding }) => ({
      code: valueCoding?.code ?? '',
      name: valueCoding?.display ?? '',
    })),
    stable: of(parts, 'stable').map(({ part = [] }) => ({
      patient: of(part, 'patient')[0]?.resource as Patient,
      encounter: of(part, 'encounter')[0]?.resource as Encounter,
      criteria: of(part, 'criterion').map(({ part: inside = [] }) => ({
        key: keyOf(textOf(inside, 'criterion')),
        title: textOf(inside, 'title'),
        explanation: textOf(inside, 'explanation'),
      })),
      places: of(part, 'place').map(({ part: inside = [] }) => placeOf(inside)),
    })),
    next: textOf(parts, 'next'),
  };
}

const placeOf = (parts: Parts): Place => ({
  reference: referenceOf(parts, 'institution')?.reference ?? '',
  name: referenceOf(parts, 'institution')?.display ?? '',
  home: of(parts, 'home')[0]?.valueBoolean ?? false,
  km: of(parts, 'km')[0]?.valueDecimal,
  minutes: of(parts, 'minutes')[0]?.valueInteger,
  bedsFree: of(parts, 'bedsFree')[0]?.valueInteger,
  reasons: of(parts, 'reason').map((one) => one.valueString ?? ''),
});

/** The referral form of this patient, with the criterion followed and the receiver chosen. */
export function downAddress(one: Stable, place: Place | undefined): string {
  const query = new URLSearchParams({ criterion: one.criteria[0]?.key ?? '' });
  if (place) {
    query.set('to', place.reference);
    query.set('name', place.name);
  }
  return `/patients/${one.patient.id ?? ''}/refer?${query}`;
}

/** Whole days since admission, the day of admission being the first. */
export const dayOfStay = (encounter: Encounter, now: Date): number => {
  const start = Date.parse(encounter.period?.start ?? '');
  return Number.isNaN(start) ? 0 : Math.floor((now.getTime() - start) / 86_400_000) + 1;
};
