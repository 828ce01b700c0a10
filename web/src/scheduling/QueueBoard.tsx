import { useParams } from 'react-router';
import { useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import styles from './booking.module.css';
import { type Queued, queue } from './bookings';
import { clock } from './days';

/** `/queue/:id`: what hangs in a waiting room: who is called, who waits; numbers and masked names alone. */
export default function QueueBoard() {
  const { t } = useLocale();
  const { id = '' } = useParams();
  const reading = useReading(['booking', 'queue', id], (signal) => queue(`Schedule/${id}`, signal), {
    staleTime: 0,
    refetchInterval: 5_000,
  });
  return (
    <div className={styles.board}>
      <h1>{t('booking.board.title')}</h1>
      <Read of={reading} what={t('booking.board.title')} rows={6}>
        {(all) =>
          all.length === 0 ? (
            <Nothing title={t('booking.board.none')} />
          ) : (
            <div aria-live="polite">
              <Group title={t('booking.board.now')} of={all.filter((one) => one.state === 'called')} large />
              <Group title={t('booking.board.waiting')} of={all.filter((one) => one.state === 'waiting')} />
              <Group title={t('booking.board.passed')} of={all.filter((one) => one.state === 'passed')} />
            </div>
          )
        }
      </Read>
    </div>
  );
}

function Group({ title, of, large = false }: { title: string; of: readonly Queued[]; large?: boolean }) {
  const { t } = useLocale();
  if (of.length === 0) return null;
  return (
    <section className={large ? `${styles.boardGroup} ${styles.large}` : styles.boardGroup}>
      <h2>{title}</h2>
      <ol>
        {of.map((one) => (
          <li key={`${one.session} ${one.number}`}>
            <strong>{t('booking.board.number', { n: one.number })}</strong>
            <span>{one.name}</span>
            <span className="quiet">{clock(one.starts)}</span>
            {one.first && <span className={styles.first}>{t('booking.first')}</span>}
          </li>
        ))}
      </ol>
    </section>
  );
}
