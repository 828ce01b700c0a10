import { Button, Input, Segmented } from 'antd';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { dateTime } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import styles from './booking.module.css';
import { type Appeal, appeals, decide } from './bookings';
import { useDoing } from './useDoing';

/** `/appeals`: what residents say against what counts against them; the office of the institution decides. */
export default function AppealsPage() {
  const { t } = useLocale();
  const [asked, setAsked] = useSearchParams();
  const all = asked.get('status') === 'all';
  const reading = useReading(['booking', 'appeals', all], (signal) => appeals(all ? '' : 'open', signal), {
    staleTime: 0,
  });
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{t('booking.appeals')}</h1>
        <Segmented
          aria-label={t('booking.col.state')}
          value={all ? 'all' : 'open'}
          onChange={(next) => setAsked(next === 'all' ? { status: 'all' } : {}, { replace: true })}
          options={[
            { value: 'open', label: t('booking.appeals.open') },
            { value: 'all', label: t('booking.appeals.all') },
          ]}
        />
      </header>
      <Read of={reading} what={t('booking.appeals')} rows={6}>
        {(found) =>
          found.length === 0 ? (
            <Nothing title={t('booking.appeals.none')} how={t('booking.appeals.none.how')} />
          ) : (
            <ul className={styles.cards}>
              {found.map((one) => (
                <Case key={one.id} one={one} />
              ))}
            </ul>
          )
        }
      </Read>
    </div>
  );
}

function Case({ one }: { one: Appeal }) {
  const { t } = useLocale();
  const { busy, run } = useDoing();
  const [answer, setAnswer] = useState('');
  const act = (action: 'grant' | 'refuse') =>
    void run(action, () => decide(one.id, action, answer).then(() => t('booking.decided')), t('booking.do.failed'));
  return (
    <li className={styles.card}>
      <div className={styles.cardHead}>
        <strong>{one.name}</strong>
        <span className="quiet">{t('booking.appeals.asked', { when: dateTime(one.asked) })}</span>
      </div>
      <p>
        {t(`booking.mark.${one.mark}` as Key)} · {t('booking.appeals.visit', { when: dateTime(one.starts) })}
        <br />
        {one.reason}
      </p>
      {one.state === 'open' ? (
        <>
          <Input.TextArea
            rows={2}
            maxLength={500}
            aria-label={t('booking.answer')}
            placeholder={t('booking.answer')}
            value={answer}
            onChange={(event) => setAnswer(event.target.value)}
          />
          <div className={styles.acts}>
            <Button type="primary" loading={busy === 'grant'} onClick={() => act('grant')}>
              {t('booking.grant')}
            </Button>
            <Button disabled={!answer.trim()} loading={busy === 'refuse'} onClick={() => act('refuse')}>
              {t('booking.refuse')}
            </Button>
          </div>
        </>
      ) : (
        <p className="quiet">
          {t(`booking.appeal.state.${one.state}` as Key)}
          {one.answer && ` · ${one.answer}`}
        </p>
      )}
    </li>
  );
}
