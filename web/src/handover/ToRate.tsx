import type { Task } from 'fhir/r4';
import { Link } from 'react-router';
import { search } from '../client/client';
import { day } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import styles from './handover.module.css';

const SHOWN = 5;

/** The referrals of a resident that are over, each with the way to say how it was. */
export function ToRate() {
  const { t } = useLocale();
  const reading = useReading(['referrals-short', 'to-rate'], (signal) =>
    search<Task>('Task/$worklist', { list: 'closed', state: 'completed', _count: SHOWN }, signal),
  );
  return (
    <Read of={reading} what={t('rate.open')}>
      {(page) =>
        page.matches.length === 0 ? (
          <Nothing title={t('rate.none')} how={t('rate.none.how')} />
        ) : (
          <ul className={styles.toRate}>
            {page.matches.map((task) => (
              <li key={task.id}>
                <span>
                  <Link to={`/referrals/${task.id ?? ''}`}>{task.description}</Link>
                  <br />
                  <span className="quiet">{day(task.executionPeriod?.end ?? task.lastModified)}</span>
                </span>
                <Link to={`/rate/${task.id ?? ''}`}>{t('rate.go')}</Link>
              </li>
            ))}
          </ul>
        )
      }
    </Read>
  );
}
