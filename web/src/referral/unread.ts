import { useQueryClient } from '@tanstack/react-query';
import type { Parameters, Task } from 'fhir/r4';
import { ask } from '../client/client';
import { useLive } from '../client/live';
import { useReading } from '../page/reading';

/** How many lines of the conversation somebody has not read, by the id of the Task; nothing for those without any. */
export type Unread = ReadonlyMap<string, number>;

const NONE: Unread = new Map();
const MOST = 200;
const LOOK_EVERY_MS = 60_000;

export function unreadOf(answer: Parameters): Unread {
  return new Map(
    (answer.parameter ?? []).map(({ part }): [string, number] => [
      part?.find((one) => one.name === 'task')?.valueId ?? '',
      part?.find((one) => one.name === 'lines')?.valueInteger ?? 0,
    ]),
  );
}

/** For the rows that are shown, asked for together and again when something is said. */
export function useUnread(tasks: readonly Task[]): Unread {
  const queries = useQueryClient();
  const ids = tasks.slice(0, MOST).flatMap((task) => task.id ?? []);
  const task = ids.join(',');
  const reading = useReading(
    ['unread', task],
    async (signal) => unreadOf(await ask<Parameters>('Task/$unread', { task }, signal)),
    { enabled: ids.length > 0, refetchInterval: LOOK_EVERY_MS },
  );
  useLive(['conversation'], () => void queries.invalidateQueries({ queryKey: ['unread'] }));
  return reading.state === 'here' ? reading.value : NONE;
}
