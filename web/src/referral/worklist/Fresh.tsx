import { type InfiniteData, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import type { Task } from 'fhir/r4';
import { useEffect, useState } from 'react';
import { usePerson } from '../../access/person';
import { type Page, search } from '../../client/client';
import { useLocale } from '../../locale/locale';
import { useReading } from '../../page/reading';
import { useWorklistCounts } from '../counts';
import type { Worklist } from '../worklists';
import { difference, paramsOf, type WorklistFilters } from './conditions';
import styles from './worklist.module.css';

/** Each look is a read of patients' data and leaves its trace: as often as needed, and at once when the count changes. */
const LOOK_EVERY_MS = 60_000;

interface FreshProps {
  list: Worklist;
  filters: WorklistFilters;
  /** The list's key in the cache. */
  name: readonly unknown[];
}

/** "3 条新转诊": rows never jump under the cursor, the person lets them in. */
export function Fresh({ list, filters, name }: FreshProps) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const counts = useWorklistCounts(usePerson());
  const count = counts.state === 'here' ? counts.value[list] : undefined;
  const [first, setFirst] = useState<number | undefined>(undefined);
  const [due, setDue] = useState(false);
  const key = JSON.stringify(name);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another list or filter begins to count anew.
  useEffect(() => {
    setDue(false);
    const timer = setTimeout(() => setDue(true), LOOK_EVERY_MS);
    return () => clearTimeout(timer);
  }, [key]);
  useEffect(() => {
    if (first === undefined && count !== undefined) setFirst(count);
  }, [first, count]);

  const reading = useReading(
    ['worklist-fresh', list, filters, count],
    (signal) => search<Task>('Task/$worklist', paramsOf(list, filters), signal),
    {
      enabled: due || (first !== undefined && count !== first),
      refetchInterval: LOOK_EVERY_MS,
      staleTime: 0,
      gcTime: 0,
    },
  );
  if (reading.state !== 'here') return null;
  const data = queries.getQueryData<InfiniteData<Page<Task>>>(name);
  if (!data) return null;
  const shown = data.pages.flatMap((page) => page.matches);
  const { added, changed } = difference(shown, reading.value.matches, data.pages.at(-1)?.next === undefined);
  if (added === 0 && !changed) return null;
  return (
    <div className={styles.fresh} role="status">
      <span>{added > 0 ? t('worklist.fresh', { n: added }) : t('worklist.changes')}</span>
      <Button
        size="small"
        type="primary"
        onClick={() => {
          setFirst(count);
          void queries.invalidateQueries({ queryKey: ['worklist', list] });
        }}
      >
        {t('worklist.fresh.show')}
      </Button>
    </div>
  );
}
