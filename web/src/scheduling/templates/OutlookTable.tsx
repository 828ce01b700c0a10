import { Tag } from 'antd';
import { dateTime, day } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { count, type Fate, type Outlook, type Time, WEEKDAYS } from './template';
import styles from './templates.module.css';

const COLOURS: Record<Fate, string> = { make: 'green', resize: 'blue', remove: 'default', stop: 'red', stay: 'orange' };
const MOST_DAYS = 14;

/** What saving a template would change, day by day. */
export function OutlookTable({ outlook }: { outlook: Outlook }) {
  const { t } = useLocale();
  const days = new Map<string, Time[]>();
  for (const time of outlook.times) days.set(day(time.start), [...(days.get(day(time.start)) ?? []), time]);
  const shown = [...days].slice(0, MOST_DAYS);
  const of = (fate: Fate) => count(outlook, fate);
  return (
    <>
      {outlook.unknownYears.map((year) => (
        <p key={year} role="note" className={styles.quiet}>
          {t('schedule.outlook.unknown', { year })}
        </p>
      ))}
      {outlook.times.length === 0 ? (
        <p>{t('schedule.outlook.none', { n: outlook.same })}</p>
      ) : (
        <>
          <p>
            {t('schedule.outlook.sum', {
              make: of('make'),
              resize: of('resize'),
              remove: of('remove'),
              stop: of('stop'),
              stay: of('stay'),
              same: outlook.same,
            })}
          </p>
          <table className={styles.outlook} aria-label={t('schedule.outlook')}>
            <thead>
              <tr>
                <th scope="col">{t('schedule.day')}</th>
                <th scope="col">{t('schedule.times')}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(([of, times]) => (
                <tr key={of}>
                  <th scope="row" className={styles.number}>
                    {of} {t(`schedule.${weekdayOf(of)}`)} <Holiday of={outlook.days.get(of)} />
                  </th>
                  <td>
                    <div className={styles.times}>
                      {times.map((time) => (
                        <Tag key={time.start + time.fate} color={COLOURS[time.fate]}>
                          {time.fate === 'make' ? '' : `${t(`schedule.fate.${time.fate}`)} `}
                          {dateTime(time.start).slice(11)}–{dateTime(time.end).slice(11)} ({time.places})
                        </Tag>
                      ))}
                    </div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {days.size > shown.length && (
            <p className={styles.quiet}>{t('schedule.more-days', { n: days.size - shown.length })}</p>
          )}
        </>
      )}
    </>
  );
}

export const weekdayOf = (date: string) => WEEKDAYS[(new Date(`${date}T12:00:00Z`).getUTCDay() + 6) % 7] ?? 'mon';

function Holiday({ of }: { of: { name: string; works: boolean } | undefined }) {
  const { t } = useLocale();
  if (!of) return null;
  return <Tag>{t(of.works ? 'schedule.work' : 'schedule.rest', { name: of.name.replace(/调休$/, '') })}</Tag>;
}
