import type { ServiceRequest, Task } from 'fhir/r4';
import { search } from '../client/client';
import { mapReading, type Reading, useReading } from '../page/reading';
import { specialtyOf } from './request';
import { isLive, stateCode } from './state';
import { TASK_KIND } from './systems';

/** A referral as a pair: how far it is, and what it asks for. */
export interface Referral {
  readonly task: Task;
  readonly request: ServiceRequest | undefined;
}

const SHOWN = 50;
const key = (patient: string) => ['patient', patient, 'referrals'] as const;

/** The referrals of one patient that this person may see, newest first. */
export function usePatientReferrals(patient: string, enabled = true): Reading<readonly Referral[]> {
  const reading = useReading(
    key(patient),
    (signal) =>
      search<Task>(
        'Task',
        { patient, code: `${TASK_KIND}|referral`, _sort: '-authored-on', _count: SHOWN, _include: 'Task:focus' },
        signal,
      ),
    { enabled: enabled && patient !== '', staleTime: 5_000 },
  );
  return mapReading(reading, (page) =>
    page.matches.map((task) => ({
      task,
      request: page.included.get(task.focus?.reference ?? '') as ServiceRequest | undefined,
    })),
  );
}

/** The one under way for a specialty: there can be one. */
export const liveFor = (referrals: readonly Referral[], specialty: string): Referral | undefined =>
  specialty === ''
    ? undefined
    : referrals.find(({ task, request }) => isLive(task) && specialtyOf(request) === specialty);

export const live = (referrals: readonly Referral[]): Referral[] => referrals.filter(({ task }) => isLive(task));

export const drafts = (referrals: readonly Referral[]): Referral[] =>
  referrals.filter(({ task }) => stateCode(task) === 'draft');
