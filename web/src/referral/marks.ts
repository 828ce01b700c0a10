import type { Extension, ServiceRequest, Task } from 'fhir/r4';
import { CHOSEN, CIRCUMSTANCE, FIRST_VISIT, GREEN, IN_PLACE } from './systems';

/** What the server marks a referral with beside its state (`referral/marks.py`). Pure. */

const partsOf = (extension: Extension | undefined) => {
  const part = (url: string) => extension?.extension?.find((one) => one.url === url);
  return { part, all: (url: string) => (extension?.extension ?? []).filter((one) => one.url === url) };
};

export const GREEN_STATES = ['asked', 'open'] as const;
export interface Green {
  state: (typeof GREEN_STATES)[number];
  reason: string;
  by: string;
  time: string;
}

/** 绿色通道, asked for or open. */
export function greenOf(request: ServiceRequest | undefined): Green | null {
  const { part } = partsOf(request?.extension?.find((one) => one.url === GREEN));
  const state = GREEN_STATES.find((one) => one === part('state')?.valueCode);
  if (!state) return null;
  return {
    state,
    reason: part('reason')?.valueString ?? '',
    by: part('by')?.valueReference?.display ?? '',
    time: part('time')?.valueDateTime ?? '',
  };
}

/** The patient died, or lies elsewhere: `deceased` or `admitted`, and since when that is known; null for neither. */
export function circumstanceOf(task: Task): { kind: 'deceased' | 'admitted'; time: string } | null {
  const { part } = partsOf(task.extension?.find((one) => one.url === CIRCUMSTANCE));
  const kind = part('kind')?.valueCoding?.code;
  if (kind !== 'deceased' && kind !== 'admitted') return null;
  return { kind, time: part('time')?.valueDateTime ?? '' };
}

export interface InPlace {
  informed: string;
  expert: string;
  time: string;
  by: string;
}

/** Who of the family was informed and which expert was called, oldest first. */
export const inPlaceOf = (task: Task): InPlace[] =>
  (task.extension ?? [])
    .filter((one) => one.url === IN_PLACE)
    .map((one) => {
      const { part } = partsOf(one);
      return {
        informed: part('informed')?.valueString ?? '',
        expert: part('expert')?.valueString ?? '',
        time: part('time')?.valueDateTime ?? '',
        by: part('by')?.valueReference?.display ?? '',
      };
    });

/** By when a patient who was sent down is visited first, and the discharge it is counted from; null where nothing was said. */
export function firstVisitOf(task: Task): { due: string; discharged: string } | null {
  const { part } = partsOf(task.extension?.find((one) => one.url === FIRST_VISIT));
  const due = part('due')?.valueDate;
  return due ? { due, discharged: part('discharged')?.valueDate ?? '' } : null;
}

/** Why this receiver was asked after another one, and whether the platform chose it by itself; null for a first receiver. */
export function chosenOf(task: Task): { automatic: boolean; reasons: string[] } | null {
  const found = task.extension?.find((one) => one.url === CHOSEN);
  if (!found) return null;
  const { part, all } = partsOf(found);
  return {
    automatic: part('automatic')?.valueBoolean === true,
    reasons: all('reason').flatMap((one) => one.valueString ?? []),
  };
}
