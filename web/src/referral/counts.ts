import type { Parameters } from 'fhir/r4';
import type { Person } from '../access/person';
import { ask } from '../client/client';
import { type Reading, useReading } from '../page/reading';
import { worklistsOf } from './worklists';

export type Counts = Readonly<Record<string, number>>;

const LOOK_EVERY_MS = 30_000;

/** How many wait in each worklist, looked up again every half minute. */
export function useWorklistCounts(person: Person): Reading<Counts> {
  return useReading(
    ['worklist-counts'],
    async (signal) => {
      const answer = await ask<Parameters>('Task/$worklist-counts', {}, signal);
      return Object.fromEntries((answer.parameter ?? []).map(({ name, valueInteger }) => [name, valueInteger ?? 0]));
    },
    { enabled: worklistsOf(person).length > 0, refetchInterval: LOOK_EVERY_MS },
  );
}
