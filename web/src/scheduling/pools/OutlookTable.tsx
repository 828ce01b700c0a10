import { useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { weekdayOf } from '../templates/OutlookTable';
import styles from '../templates/templates.module.css';
import { type Outlook, RULED } from './rules';

/** What other rules would do to the places of two weeks: a row for each day, a column for each kind of slot. */
export function OutlookTable({ rows, since }: { rows: readonly Outlook[]; since: string }) {
  const { t } = useLocale();
  const days = [...new Set(rows.map(({ date }) => date))];
  const kinds = RULED.filter((kind) => rows.some((row) => row.kind === kind));
  const changed = rows.reduce((sum, row) => sum + row.changed, 0);
  return (
    <Panel title={t('pool.outlook', { since })}>
      <div className={styles.inside}>
        {rows.length === 0 ? (
          <p>{t('pool.outlook.none')}</p>
        ) : (
          <>
            <p role="status">{changed ? t('pool.outlook.changed', { n: changed }) : t('pool.outlook.same')}</p>
            <table className={styles.outlook} aria-label={t('pool.outlook', { since })}>
              <thead>
                <tr>
                  <th scope="col">{t('schedule.day')}</th>
                  {kinds.map((kind) => (
                    <th key={kind} scope="col">
                      {t(`schedule.kind.${kind}`)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {days.map((day) => (
                  <tr key={day}>
                    <th scope="row" className={styles.number}>
                      {day.slice(5)} {t(`schedule.${weekdayOf(day)}`)}
                    </th>
                    {kinds.map((kind) => (
                      <td key={kind} className={styles.number}>
                        <Cell of={rows.find((row) => row.date === day && row.kind === kind)} />
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
            <p className={styles.quiet}>{t('pool.outlook.how')}</p>
          </>
        )}
      </div>
    </Panel>
  );
}

function Cell({ of }: { of: Outlook | undefined }) {
  if (!of) return <span className={styles.quiet}>—</span>;
  return (
    <>
      {of.now === of.later ? of.now : <strong>{`${of.now} → ${of.later}`}</strong>} / {of.places}{' '}
      {of.taken > 0 && <span className={styles.quiet}>({of.taken})</span>}
    </>
  );
}
