import { Button, Select } from 'antd';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { usePerson } from '../access/person';
import { today } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import styles from './booking.module.css';
import { calendar, callNext, dayList, type Expected, GROUPS, type Group, numberIn } from './bookings';
import { WEEKDAYS } from './ChooseTime';
import { DayTable } from './DayTable';
import { plus, weekday } from './days';
import { useDoing } from './useDoing';

const PAGE = 50;
const EVERYTHING = '';
const [BACK, AHEAD] = [30, 30];

/** The days one may choose without going day by day. */
const around = (now: string): string[] => Array.from({ length: BACK + AHEAD + 1 }, (_, nth) => plus(now, nth - BACK));

/** `/day?date=2026-12-01&schedule=…&status=…`: who is expected at one's institution, has come, was called, is done. */
export default function DayPage() {
  const { t } = useLocale();
  const person = usePerson();
  const [asked, setAsked] = useSearchParams();
  const { busy, run } = useDoing();
  const now = today(new Date());
  const date = asked.get('date') ?? now;
  const schedule = asked.get('schedule') ?? '';
  const status = (GROUPS as readonly string[]).includes(asked.get('status') ?? '')
    ? (asked.get('status') as Group)
    : '';
  const organization = person.institution?.reference ?? '';
  const choose = (name: string, value: string) => {
    const next = new URLSearchParams(asked);
    if (value) next.set(name, value);
    else next.delete(name);
    setAsked(next, { replace: true });
  };
  const doctors = useReading(
    ['booking', 'doctors', organization, date],
    (signal) => calendar({ organization, start: date, end: date }, signal),
    { enabled: organization !== '' },
  );
  const reading = useReading(
    ['booking', 'day', date, schedule, status],
    (signal) =>
      dayList(
        {
          date,
          _count: PAGE,
          ...(schedule ? { schedule: `Schedule/${schedule}` } : {}),
          ...(status ? { status } : {}),
        },
        signal,
      ),
    { staleTime: 0, refetchInterval: 15_000 },
  );
  const lines =
    doctors.state === 'here'
      ? doctors.value.filter((line) => line.days.length > 0 || line.schedule === `Schedule/${schedule}`)
      : [];
  return (
    <div className={styles.wide}>
      <header className={styles.head}>
        <h1>{t('booking.day')}</h1>
        {schedule && date === now && (
          <span className={styles.acts}>
            <Button
              type="primary"
              loading={busy === 'next'}
              onClick={() =>
                void run(
                  'next',
                  () =>
                    callNext(`Schedule/${schedule}`).then((told) =>
                      numberIn(told) ? t('booking.called.number', { n: numberIn(told) }) : t('booking.call.nobody'),
                    ),
                  t('booking.do.failed'),
                )
              }
            >
              {t('booking.call.next')}
            </Button>
            <Link to={`/queue/${schedule}`} target="_blank" rel="noopener">
              <Button tabIndex={-1}>{t('booking.board')}</Button>
            </Link>
          </span>
        )}
      </header>
      <div className={styles.filters}>
        <Button aria-label={plus(date, -1)} onClick={() => choose('date', plus(date, -1))}>
          ‹
        </Button>
        <Select
          showSearch
          aria-label={t('booking.date')}
          style={{ minWidth: 170 }}
          value={date}
          onChange={(next) => choose('date', next === now ? '' : next)}
          options={[...new Set([...around(now), date])].sort().map((one) => ({
            value: one,
            label: `${one} ${t(`booking.${WEEKDAYS[weekday(one)] ?? 'sunday'}` as Key)}`,
          }))}
        />
        <Button aria-label={plus(date, 1)} onClick={() => choose('date', plus(date, 1))}>
          ›
        </Button>
        {date !== now && <Button onClick={() => choose('date', '')}>{t('booking.today')}</Button>}
        <Select
          showSearch={{ optionFilterProp: 'label' }}
          aria-label={t('booking.doctor.of')}
          style={{ minWidth: 220 }}
          value={lines.some((line) => line.schedule === `Schedule/${schedule}`) ? schedule : EVERYTHING}
          onChange={(next) => choose('schedule', next)}
          options={[
            { value: EVERYTHING, label: t('booking.all.doctors') },
            ...lines.map((line) => ({ value: line.schedule.replace('Schedule/', ''), label: line.actor })),
          ]}
        />
      </div>
      <Read of={reading} what={t('booking.day')} rows={10}>
        {(list) => (
          <>
            <fieldset className={styles.groups} aria-label={t('booking.col.state')}>
              {(['', ...GROUPS] as const).map((group) => (
                <button
                  key={group}
                  type="button"
                  aria-pressed={group === status}
                  className={group === status ? `${styles.group} ${styles.now}` : styles.group}
                  onClick={() => choose('status', group)}
                >
                  {group ? t(`booking.group.${group}`) : t('booking.all')}{' '}
                  <b>{group ? list.counts[group] : Object.values(list.counts).reduce((sum, one) => sum + one, 0)}</b>
                </button>
              ))}
            </fieldset>
            {list.rows.length === 0 ? (
              <Nothing title={t('booking.day.none')} how={t('booking.day.none.how')} />
            ) : (
              <Pages
                key={`${date} ${schedule} ${status}`}
                first={list.rows}
                next={list.next}
                more={(cursor) =>
                  dayList({
                    date,
                    _count: PAGE,
                    _cursor: cursor,
                    ...(schedule ? { schedule: `Schedule/${schedule}` } : {}),
                    ...(status ? { status } : {}),
                  })
                }
                label={t('booking.day.of', { date })}
              />
            )}
          </>
        )}
      </Read>
    </div>
  );
}

interface PagesProps {
  first: readonly Expected[];
  next: string;
  more: (cursor: string) => Promise<{ rows: Expected[]; next: string }>;
  label: string;
}

/** The first page, which is read anew again and again, and the further ones somebody asked for. */
function Pages({ first, next, more, label }: PagesProps) {
  const { t } = useLocale();
  const [later, setLater] = useState<{ rows: Expected[]; next: string } | null>(null);
  const following = later ? later.next : next;
  const rows = [...first, ...(later?.rows ?? []).filter((row) => !first.some((one) => one.id === row.id))];
  return (
    <>
      <DayTable rows={rows} label={label} />
      {following && (
        <Button
          block
          onClick={() =>
            void more(following).then((page) =>
              setLater({ rows: [...(later?.rows ?? []), ...page.rows], next: page.next }),
            )
          }
        >
          {t('booking.more')}
        </Button>
      )}
    </>
  );
}
