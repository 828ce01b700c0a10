import { Link } from 'react-router';
import type { Person } from '../access/person';
import { useLocale } from '../locale/locale';
import { Read } from '../page/reading';
import { isWork, listTitle, useWorklistCounts, type Worklist, worklistsOf } from '../referral';
import styles from './workbench.module.css';

/** Lists in which a number means that somebody waits for this person. */
const PRESSING: readonly Worklist[] = [
  'overdue',
  'approval',
  'retro',
  'inbox',
  'trouble',
  'answer',
  'declined',
  'returned',
  'expected',
  'here',
];

/** How much waits, list by list; each number opens its list. */
export function Waitings({ person }: { person: Person }) {
  const { t } = useLocale();
  const counts = useWorklistCounts(person);
  const lists = worklistsOf(person).filter(isWork);
  if (lists.length === 0) return null;
  return (
    <section aria-label={t('today.todo')}>
      <Read of={counts} what={t('today.counts.what')} rows={2}>
        {(value) => (
          <ul className={styles.waitings}>
            {lists.map((list) => {
              const count = value[list] ?? 0;
              return (
                <li key={list}>
                  <Link
                    to={`/worklist/${list}`}
                    className={count > 0 && PRESSING.includes(list) ? styles.pressing : undefined}
                  >
                    <strong>{count}</strong>
                    <span>{t(listTitle(list, person))}</span>
                  </Link>
                </li>
              );
            })}
          </ul>
        )}
      </Read>
    </section>
  );
}
