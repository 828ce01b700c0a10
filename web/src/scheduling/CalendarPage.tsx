import { Button, Drawer, Tag } from 'antd';
import type { Patient } from 'fhir/r4';
import { useId, useState } from 'react';
import { useSearchParams } from 'react-router';
import { usePerson } from '../access/person';
import { PatientField } from '../beds/PatientField';
import { today } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import { called } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import styles from './booking.module.css';
import { calendar, heldUntil, hold, type Line, type Places } from './bookings';
import { WEEKDAYS } from './ChooseTime';
import { clock, monday, plus, weekday } from './days';
import { Held, type Holding } from './Held';
import { useDoing } from './useDoing';

/**
 * `/calendar?week=2026-11-23`: a week of one's institution: who works when, and how many places are free, for which pools. A press on a day
 * opens its times, and there a place is booked for a patient.
 */
export default function CalendarPage() {
  const { t, lang } = useLocale();
  const person = usePerson();
  const [asked, setAsked] = useSearchParams();
  const [open, setOpen] = useState<{ line: Line; day: string } | null>(null);
  const now = today(new Date());
  const week = monday(asked.get('week') ?? now);
  const organization = person.institution?.reference ?? '';
  const days = Array.from({ length: 7 }, (_, nth) => plus(week, nth));
  const reading = useReading(
    ['booking', 'week', organization, week],
    (signal) => calendar({ organization, start: week, end: plus(week, 6) }, signal),
    { refetchInterval: 30_000 },
  );
  return (
    <div className={styles.wide}>
      <header className={styles.head}>
        <h1>{t('booking.calendar')}</h1>
        <span className={styles.acts}>
          <Button onClick={() => setAsked({ week: plus(week, -7) })}>{t('booking.earlier')}</Button>
          <Button onClick={() => setAsked({ week: now })}>{t('booking.today')}</Button>
          <Button onClick={() => setAsked({ week: plus(week, 7) })}>{t('booking.later')}</Button>
        </span>
      </header>
      <p className="quiet">{t('booking.week', { start: week, end: plus(week, 6) })}</p>
      <Read of={reading} what={t('booking.calendar')} rows={12}>
        {(lines) =>
          lines.length === 0 ? (
            <Nothing title={t('booking.calendar.none')} how={t('booking.calendar.none.how')} />
          ) : (
            <div className={styles.scroll}>
              <table className={`${styles.table} ${styles.weekTable}`} aria-label={t('booking.calendar')}>
                <thead>
                  <tr>
                    <th scope="col">{t('booking.col.doctor')}</th>
                    {days.map((day) => (
                      <th key={day} scope="col" className={day === now ? (styles.nowDay ?? '') : ''}>
                        {t(`booking.${WEEKDAYS[weekday(day)] ?? 'sunday'}` as Key)} {day.slice(5)}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {lines.map((line) => (
                    <tr key={line.schedule}>
                      <th scope="row">
                        {line.actor}
                        <br />
                        <span className="quiet">
                          {[called(SPECIALTIES, line.specialty, lang), t(`booking.kind.${line.kind}` as Key)]
                            .filter(Boolean)
                            .join(' · ')}
                        </span>
                      </th>
                      {days.map((day) => {
                        const places = line.days.find((one) => one.date === day);
                        return (
                          <td key={day}>
                            {places && <Cell line={line} places={places} onOpen={() => setOpen({ line, day })} />}
                          </td>
                        );
                      })}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Read>
      <Drawer
        open={open !== null}
        onClose={() => setOpen(null)}
        size={420}
        title={open ? t('booking.slots', { who: open.line.actor, day: open.day }) : ''}
      >
        {open && (
          <DaySlots
            key={`${open.line.schedule} ${open.day}`}
            line={open.line}
            day={open.day}
            organization={organization}
            onBooked={() => setOpen(null)}
          />
        )}
      </Drawer>
    </div>
  );
}

function Cell({ line, places, onOpen }: { line: Line; places: Places; onOpen: () => void }) {
  const { t } = useLocale();
  const stopped = places.stopped === places.places;
  return (
    <button
      type="button"
      className={styles.cell}
      aria-label={t('booking.cell', {
        who: line.actor,
        day: places.date,
        places: places.places,
        free: places.free,
        taken: places.taken,
      })}
      onClick={onOpen}
    >
      {stopped ? (
        <span className="quiet">{t('booking.stopped')}</span>
      ) : (
        <>
          <span className={places.left ? styles.free : 'quiet'}>
            {t('booking.places', { free: places.left, places: places.places })}
          </span>
          <span className={styles.bar} aria-hidden>
            <span style={{ width: `${(100 * places.taken) / places.places}%` }} />
          </span>
          {places.pools.map(([pool, n]) => (
            <small key={pool} className="quiet">
              {t('booking.kept', { pool: t(`booking.pool.${pool}`), n })}
            </small>
          ))}
        </>
      )}
    </button>
  );
}

interface DaySlotsProps {
  line: Line;
  day: string;
  organization: string;
  onBooked: () => void;
}

function DaySlots({ line, day, organization, onBooked }: DaySlotsProps) {
  const { t } = useLocale();
  const id = useId();
  const { busy, run } = useDoing();
  const [patient, setPatient] = useState<Patient | null>(null);
  const [holding, setHolding] = useState<Holding | null>(null);
  const reading = useReading(['booking', 'slots', line.schedule, day, 'own', patient?.id ?? ''], (signal) =>
    calendar(
      {
        organization,
        start: day,
        end: day,
        schedule: line.schedule,
        slots: true,
        ...(patient ? { patient: `Patient/${patient.id}` } : {}),
      },
      signal,
    ),
  );
  const take = (place: Places) =>
    void run(
      place.slot,
      async () => {
        const held = await hold(place.slot, `Patient/${patient?.id}`, 'on-site');
        setHolding({ id: held.id ?? '', until: heldUntil(held), starts: place.starts, who: line.actor });
        return '';
      },
      t('booking.failed'),
    );
  if (holding) return <Held holding={holding} onOver={() => setHolding(null)} onBooked={onBooked} />;
  return (
    <>
      <div className={styles.forWhom}>
        <label htmlFor={id}>{t('booking.col.patient')}</label>
        <PatientField id={id} onChoose={setPatient} />
      </div>
      <Read of={reading} what={t('booking.what')} rows={4}>
        {(lines) => (
          <ul className={styles.slotList}>
            {(lines[0]?.days ?? []).map((one) => (
              <li key={one.slot}>
                <strong>
                  {clock(one.starts)}–{clock(one.ends)}
                </strong>
                <span>
                  {one.stopped ? t('booking.stopped') : t('booking.places', { free: one.left, places: one.places })}
                </span>
                <Button
                  size="small"
                  type="primary"
                  ghost
                  disabled={!patient || one.free === 0}
                  loading={busy === one.slot}
                  aria-label={t('booking.hold', { time: `${clock(one.starts)}–${clock(one.ends)}` })}
                  onClick={() => take(one)}
                >
                  {t('booking.take')}
                </Button>
                <span>
                  {one.taken > 0 && <Tag color="cyan">{t('booking.taken', { n: one.taken })}</Tag>}
                  {one.held > 0 && <Tag color="orange">{t('booking.held.count', { n: one.held })}</Tag>}
                  {one.pools.map(([pool, n]) => (
                    <Tag key={pool}>{t('booking.kept', { pool: t(`booking.pool.${pool}`), n })}</Tag>
                  ))}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Read>
    </>
  );
}
