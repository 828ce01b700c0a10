import { App, Button } from 'antd';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { usePerson } from '../access/person';
import { dateTime } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Read, useReading } from '../page/reading';
import styles from './booking.module.css';
import { bookSeries, type Course, calendar, heldUntil, hold, type Line, move, type Places, wait } from './bookings';
import { CourseField } from './CourseField';
import { clock, plus, weekday } from './days';
import { Held, type Holding } from './Held';
import { useDoing } from './useDoing';

export const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
const WAIT_DAYS = 13;

interface ChooseTimeProps {
  lines: readonly Line[];
  organization: string;
  patient: string;
  moving: string;
  channel: string;
  start: string;
}

/** A strip of days, the doctors of the chosen one, and the times of the chosen doctor. */
export function ChooseTime({ lines, organization, patient, moving, channel, start }: ChooseTimeProps) {
  const { t } = useLocale();
  const person = usePerson();
  const navigate = useNavigate();
  const { modal } = App.useApp();
  const { busy, run } = useDoing();
  const [course, setCourse] = useState<Course | null>(null);
  const days = Array.from({ length: 14 }, (_, nth) => plus(start, nth));
  const freeOn = (day: string) => lines.reduce((sum, line) => sum + (onDay(line, day)?.free ?? 0), 0);
  const [day, setDay] = useState(() => days.find((one) => freeOn(one) > 0) ?? start);
  const [open, setOpen] = useState('');
  const [holding, setHolding] = useState<Holding | null>(null);
  const there = lines.filter((line) => onDay(line, day));
  const whose = patient === person.patient ? '' : `?patient=${patient.replace('Patient/', '')}`;
  const home = person.patient || course ? `/bookings${moving ? '' : whose}` : `/day?date=${day}`;

  async function take(line: Line, place: Places): Promise<void> {
    if (moving) {
      const moved = await run(
        place.slot,
        () => move(moving, place.slot).then(() => t('booking.moved')),
        t('booking.failed'),
      );
      if (moved) void navigate(home);
      return;
    }
    if (course) {
      const words = { n: course.visits, days: course.everyDays, when: dateTime(place.starts) };
      const sure = await modal.confirm({
        title: t('booking.series.sure', words),
        content: t('booking.series.sure.how', words),
        okText: t('booking.series.do', words),
        cancelText: t('do.close'),
      });
      const booked =
        sure &&
        (await run(
          place.slot,
          () =>
            bookSeries(place.slot, patient, channel, course).then((all) => t('booking.series.done', { n: all.length })),
          t('booking.failed'),
        ));
      if (booked) void navigate(home);
      return;
    }
    await run(
      place.slot,
      async () => {
        const held = await hold(place.slot, patient, channel);
        setHolding({ id: held.id ?? '', until: heldUntil(held), starts: place.starts, who: line.actor });
        return '';
      },
      t('booking.failed'),
    );
  }

  if (holding) return <Held holding={holding} onOver={() => setHolding(null)} onBooked={() => void navigate(home)} />;
  return (
    <>
      {!person.patient && !moving && <CourseField course={course} onChange={setCourse} />}
      <fieldset className={styles.strip} aria-label={t('booking.date')}>
        {days.map((one) => {
          const free = freeOn(one);
          const closed = lines.some((line) => onDay(line, one)?.opens);
          const works = lines.some((line) => onDay(line, one));
          return (
            <button
              key={one}
              type="button"
              aria-pressed={one === day}
              className={one === day ? `${styles.stripDay} ${styles.now}` : styles.stripDay}
              onClick={() => setDay(one)}
            >
              <span>
                {one === start ? t('booking.today') : t(`booking.${WEEKDAYS[weekday(one)] ?? 'sunday'}` as Key)}
              </span>
              <strong>{one.slice(5)}</strong>
              <span className={free ? styles.free : 'quiet'}>
                {free
                  ? t('booking.free', { n: free })
                  : t(closed ? 'booking.closed' : works ? 'booking.full' : 'booking.none')}
              </span>
            </button>
          );
        })}
      </fieldset>
      {there.length === 0 && <p className="quiet">{t('booking.none.day')}</p>}
      <ul className={styles.doctors}>
        {there.map((line) => {
          const places = onDay(line, day);
          const key = `${line.schedule} ${day}`;
          return (
            <li key={line.schedule}>
              <div className={styles.doctor}>
                <div>
                  <strong>{line.actor}</strong> <span className="quiet">{line.title}</span>
                  <br />
                  <span className="quiet">{t(`booking.kind.${line.kind}` as Key)}</span>
                </div>
                <span className={places?.free ? styles.free : 'quiet'}>{places ? said(places, t) : ''}</span>
                {places?.free ? (
                  <Button aria-expanded={open === key} onClick={() => setOpen(open === key ? '' : key)}>
                    {t('booking.times')}
                  </Button>
                ) : (
                  !moving && (
                    <Button
                      loading={busy === key}
                      title={t('booking.wait.how')}
                      onClick={() =>
                        void run(
                          key,
                          () =>
                            wait({
                              patient,
                              organization,
                              schedule: line.schedule,
                              start,
                              end: plus(start, WAIT_DAYS),
                              channel,
                            }).then(() => t('booking.wait.done')),
                          t('booking.wait.failed'),
                        )
                      }
                    >
                      {t('booking.wait')}
                    </Button>
                  )
                )}
              </div>
              {open === key && (
                <Slots
                  line={line}
                  organization={organization}
                  patient={moving ? '' : patient}
                  day={day}
                  busy={busy}
                  onTake={(place) => void take(line, place)}
                />
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

const onDay = (line: Line, day: string): Places | undefined => line.days.find((one) => one.date === day);

const said = (places: Places, t: ReturnType<typeof useLocale>['t']): string => {
  if (places.free) return t('booking.free', { n: places.free });
  if (places.stopped === places.places) return t('booking.stopped');
  return places.opens ? t('booking.opens', { when: dateTime(places.opens).slice(5) }) : t('booking.full');
};

interface SlotsProps {
  line: Line;
  organization: string;
  patient: string;
  day: string;
  busy: string;
  onTake: (place: Places) => void;
}

function Slots({ line, organization, patient, day, busy, onTake }: SlotsProps) {
  const { t } = useLocale();
  const reading = useReading(['booking', 'slots', line.schedule, day, patient], (signal) =>
    calendar(
      { organization, start: day, end: day, schedule: line.schedule, slots: true, ...(patient ? { patient } : {}) },
      signal,
    ),
  );
  return (
    <Read of={reading} what={t('booking.what')} rows={2}>
      {(lines) => (
        <fieldset className={styles.slots} aria-label={t('booking.slots', { who: line.actor, day })}>
          {(lines[0]?.days ?? []).map((place) => (
            <Button
              key={place.slot}
              disabled={place.free === 0}
              loading={busy === place.slot}
              aria-label={t('booking.hold', { time: `${clock(place.starts)}–${clock(place.ends)}` })}
              onClick={() => onTake(place)}
            >
              {clock(place.starts)}–{clock(place.ends)}
              <small>{place.free ? t('booking.free', { n: place.free }) : said(place, t)}</small>
            </Button>
          ))}
        </fieldset>
      )}
    </Read>
  );
}
