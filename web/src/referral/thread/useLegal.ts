import { useQueryClient } from '@tanstack/react-query';
import type { Parameters, Task } from 'fhir/r4';
import { useEffect, useRef, useState } from 'react';
import { ask } from '../../client/client';
import { type Reading, useReading } from '../../page/reading';
import { type Alarm, alarmsOf, changesIn, type LegalAction, legalActions } from '../actions/legal';
import { versionOf } from '../task';

export interface Legal {
  readonly legal: readonly LegalAction[];
  readonly alarms: readonly Alarm[];
  /** When time alone changes this, by the clock of this browser; undefined where only a step does. */
  readonly changes: number | undefined;
}

export interface Looking {
  reading: Reading<Legal>;
  /** Looks at once, if the moment came while the person was about to press something. */
  catchUp: () => void;
}

/** The server's clock decides. So much later it is asked, lest a browser that is a little fast comes too early and finds nothing new. */
const LATER_MS = 1_000;
/** What a browser's timer can wait; nobody leaves a page open that long. */
const MOST_MS = 2 ** 31 - 1;

/**
 * What this person may do with a referral now. The server says when that changes without anybody doing anything, as a no-show does when the
 * appointment is past; then it is asked once more. While `busy`, nothing moves under the cursor: it is asked by `catchUp`.
 */
export function useLegal(task: Task, busy: () => boolean): Looking {
  const queries = useQueryClient();
  const id = task.id ?? '';
  const [late, setLate] = useState(false);
  const busyNow = useRef(busy);
  busyNow.current = busy;
  const reading = useReading<Legal>(
    ['referral', id, 'actions', versionOf(task)],
    async (signal) => {
      const answer = await ask<Parameters>(`Task/${id}/$actions`, {}, signal);
      const wait = changesIn(answer);
      return {
        legal: legalActions(answer),
        alarms: alarmsOf(answer),
        changes: wait === undefined ? undefined : Date.now() + wait,
      };
    },
    { staleTime: 60_000 },
  );
  const look = () => {
    setLate(false);
    void queries.invalidateQueries({ queryKey: ['referral', id, 'actions'] });
  };
  const lookNow = useRef(look);
  lookNow.current = look;

  const changes = reading.state === 'here' ? reading.value.changes : undefined;
  useEffect(() => {
    setLate(false);
    if (changes === undefined) return;
    const wait = Math.max(0, changes - Date.now()) + LATER_MS;
    if (wait > MOST_MS) return;
    const timer = setTimeout(() => (busyNow.current() ? setLate(true) : lookNow.current()), wait);
    return () => clearTimeout(timer);
  }, [changes]);

  return { reading, catchUp: () => late && look() };
}
