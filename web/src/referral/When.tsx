import type { Task } from 'fhir/r4';
import { ago, dateTime } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import { isClosed, stateCode } from './state';
import { Clock } from './Tags';
import styles from './tags.module.css';
import { arrangedOf, dueOf } from './task';
import { useNow } from './useNow';

const AWAITED: readonly string[] = ['accepted', 'held', 'booked'];

/** The clock that runs; where none does, what comes or came: the appointment, the arrival, the end. */
export function When({ task }: { task: Task }) {
  const { t } = useLocale();
  const now = useNow();
  const { start } = arrangedOf(task);
  const state = stateCode(task);
  if (!isClosed(task) && dueOf(task)) return <Clock task={task} />;
  if (AWAITED.includes(state) && start) return <Moment label={t('worklist.comes')} at={start} now={now} />;
  if (state === 'arrived' && task.executionPeriod?.start)
    return <Moment label={t('worklist.came')} at={task.executionPeriod.start} now={now} />;
  return <Moment label={isClosed(task) ? '' : t('worklist.changed')} at={task.lastModified} now={now} />;
}

function Moment({ label, at, now }: { label: string; at: string | undefined; now: Date }) {
  const { t } = useLocale();
  return (
    <span className="quiet" title={dateTime(at)}>
      <span className={styles.whole}>
        {label} {dateTime(at).slice(5)}
      </span>{' '}
      <span className={styles.whole}>{ago(at, now, t)}</span>
    </span>
  );
}
