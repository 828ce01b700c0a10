import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { Patient, Provenance, ServiceRequest, Task } from 'fhir/r4';
import { useCallback, useEffect, useRef, useState } from 'react';
import { address, request as ask, type Page, search } from '../../client/client';
import { tagOf, useLive } from '../../client/live';
import { Problem } from '../../client/problem';
import { type Reading, useReading } from '../../page/reading';
import { isApproval, versionOf } from '../task';

/** One referral with everything the page shows of its road, read in one request. */
export interface Thread {
  readonly task: Task;
  readonly request: ServiceRequest | undefined;
  readonly patient: Patient | undefined;
  readonly steps: readonly Provenance[];
  /** Tasks of the approvers; only the sending institution sees them. */
  readonly approvals: readonly Task[];
}

const LOOK_EVERY_MS = 20_000;
const keyOf = (id: string) => ['referral', id, 'thread'] as const;
/** The patient's referrals: which one this was sent on as, which one answers it. */
const bondsKey = ({ task }: Thread) => ['patient', task.for?.reference?.slice(8), 'referrals'] as const;

function threadOf(page: Page<Task>, id: string): Thread {
  const task = page.matches.find((one) => one.id === id);
  if (!task) throw new Problem('missing', 404, [], '');
  const beside = [...page.included.values()];
  return {
    task,
    request: page.included.get(task.focus?.reference ?? '') as ServiceRequest | undefined,
    patient: page.included.get(task.for?.reference ?? '') as Patient | undefined,
    steps: beside.filter((one): one is Provenance => one.resourceType === 'Provenance'),
    approvals: beside.filter((one): one is Task => one.resourceType === 'Task' && isApproval(one)),
  };
}

export async function readThread(id: string, signal?: AbortSignal): Promise<Thread> {
  const page = await search<Task>(
    'Task',
    {
      _id: id,
      _include: ['Task:focus', 'Task:patient'],
      _revinclude: ['Provenance:target', 'Task:part-of'],
    },
    signal,
  );
  return threadOf(page, id);
}

/** The version on the server, asked with the one we have: an answer without a body as long as nothing happened. */
async function currentVersion(id: string, known: string, signal: AbortSignal): Promise<string> {
  try {
    const answer = await ask(address(`Task/${id}`), { signal, headers: { 'If-None-Match': `W/"${known}"` } });
    return versionOf((await answer.json()) as Task);
  } catch (error) {
    if (error instanceof Problem && error.status === 304) return known;
    throw error;
  }
}

export interface Following {
  reading: Reading<Thread>;
  /** Read and not shown yet, because the person is in the middle of something. */
  newer: Thread | null;
  show: () => void;
  /** Reads everything anew and shows it: after a step of one's own, or when the server says the version is stale. */
  renew: () => Promise<Thread>;
}

/**
 * A referral that keeps itself up to date while somebody looks at it. What others did is shown at once, unless `busy` says that the person is
 * writing or about to press something: then it waits in `newer`, and nothing moves under the cursor.
 */
export function useThread(id: string, busy: () => boolean): Following {
  const queries = useQueryClient();
  const reading = useReading(keyOf(id), (signal) => readThread(id, signal), { staleTime: 10_000 });
  const [newer, setNewer] = useState<Thread | null>(null);
  const shown = reading.state === 'here' ? versionOf(reading.value.task) : '';
  const busyNow = useRef(busy);
  busyNow.current = busy;

  const { data: version } = useQuery({
    // What is on the screen is where the watch begins: nothing is asked again that was read just now.
    queryKey: ['referral', id, 'version', shown],
    initialData: shown,
    queryFn: ({ signal }) => currentVersion(id, shown, signal),
    enabled: shown !== '',
    refetchInterval: LOOK_EVERY_MS,
    staleTime: LOOK_EVERY_MS,
    refetchOnWindowFocus: 'always',
  });

  useLive(['referrals'], ({ tag }) => {
    if (tag === 0 || tag === tagOf(`Task/${id}`))
      void queries.invalidateQueries({ queryKey: ['referral', id, 'version', shown] });
  });

  useEffect(() => {
    if (!version || !shown || Number(version) <= Number(shown)) return;
    let away = false;
    void readThread(id).then((fresh) => {
      if (away) return;
      if (busyNow.current()) setNewer(fresh);
      else queries.setQueryData(keyOf(id), fresh);
      void queries.invalidateQueries({ queryKey: bondsKey(fresh) });
    }, ignoreUntilNextTime);
    return () => {
      away = true;
    };
  }, [version, shown, id, queries]);

  const show = useCallback(() => {
    if (newer) queries.setQueryData(keyOf(id), newer);
    setNewer(null);
  }, [newer, id, queries]);

  const renew = useCallback(async () => {
    const fresh = await readThread(id);
    setNewer(null);
    queries.setQueryData(keyOf(id), fresh);
    for (const key of [['worklist'], ['worklist-counts'], ['referrals-short'], bondsKey(fresh)])
      void queries.invalidateQueries({ queryKey: key });
    return fresh;
  }, [id, queries]);

  const pending = newer && Number(versionOf(newer.task)) > Number(shown) ? newer : null;
  return { reading, newer: pending, show, renew };
}

/** The next look tells; the bar of the frame says when the connection is lost. */
const ignoreUntilNextTime = (): void => undefined;
