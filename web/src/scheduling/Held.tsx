import { Button } from 'antd';
import { useEffect, useState } from 'react';
import { dateTime } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import styles from './booking.module.css';
import { book, cancel } from './bookings';
import { minutesAndSeconds, secondsUntil } from './days';
import { useDoing } from './useDoing';

export interface Holding {
  id: string;
  until: string;
  starts: string;
  who: string;
}

/** A place that is kept for some minutes: how long still, and the two things one can do. */
export function Held({ holding, onBooked, onOver }: { holding: Holding; onBooked: () => void; onOver: () => void }) {
  const { t } = useLocale();
  const { busy, run } = useDoing();
  const left = useCountdown(holding.until);
  return (
    <section className={styles.held} aria-label={t('booking.held')}>
      <h2>{t('booking.held')}</h2>
      <p className={styles.when}>
        <strong>{dateTime(holding.starts)}</strong> · {holding.who}
      </p>
      {left > 0 ? (
        <>
          <p className={styles.clock} aria-live="off">
            {t('booking.held.left', { time: minutesAndSeconds(left) })}
          </p>
          <div className={styles.acts}>
            <Button
              type="primary"
              size="large"
              autoFocus
              loading={busy === 'book'}
              onClick={() =>
                void run('book', () => book(holding.id).then(() => t('booking.done')), t('booking.failed')).then(
                  (worked) => (worked ? onBooked() : onOver()),
                )
              }
            >
              {t('booking.confirm')}
            </Button>
            <Button
              size="large"
              loading={busy === 'release'}
              onClick={() =>
                void run(
                  'release',
                  () => cancel(holding.id, t('booking.release')).then(() => ''),
                  t('booking.cancel.failed'),
                ).then(onOver)
              }
            >
              {t('booking.release')}
            </Button>
          </div>
        </>
      ) : (
        <>
          <p role="alert">{t('booking.held.over')}</p>
          <Button onClick={onOver}>{t('do.close')}</Button>
        </>
      )}
    </section>
  );
}

/** Seconds until then, told every second. */
export function useCountdown(until: string): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return secondsUntil(until, now);
}
