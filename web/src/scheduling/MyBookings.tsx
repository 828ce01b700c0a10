import { Button, Input, Popconfirm, Tag } from 'antd';
import { useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { dateTime } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import { called } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import styles from './booking.module.css';
import { appeal, type Booking, book, cancel, checkIn, leave, mine, numberIn, type Wait } from './bookings';
import { minutesAndSeconds } from './days';
import { useCountdown } from './Held';
import { SeriesList } from './SeriesList';
import { useDoing } from './useDoing';
import { useWhose, WardChooser, Whom } from './Whose';

const TO_COME = ['held', 'booked', 'checked-in'];
const EARLY_MS = 2 * 60 * 60 * 1000;

/** `/bookings?patient=…`: somebody's appointments: what is to come, what is waited for, and what was. One's own, a ward's, or at a desk anybody's. */
export default function MyBookings() {
  const { t } = useLocale();
  const navigate = useNavigate();
  const [asked, setAsked] = useSearchParams();
  const { patient, atDesk } = useWhose();
  const whose = asked.get('patient') ? `?patient=${asked.get('patient')}` : '';
  const reading = useReading(['booking', 'mine', patient], (signal) => mine(patient, signal), {
    enabled: patient !== '',
    staleTime: 0,
    refetchInterval: 20_000,
  });
  const fresh = (
    <Button type="primary" onClick={() => void navigate(`/book${whose}`)}>
      {t('booking.mine.new')}
    </Button>
  );
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{atDesk ? <Whom patient={patient} words="booking.of" /> : t('booking.mine')}</h1>
        {fresh}
      </header>
      <WardChooser onChoose={(chosen) => setAsked(chosen ? { patient: chosen } : {}, { replace: true })} />
      <Read of={reading} what={t('booking.mine')} rows={8}>
        {({ bookings, waits, barred }) => {
          const next = bookings.filter((one) => TO_COME.includes(one.status)).reverse();
          const past = bookings.filter((one) => !TO_COME.includes(one.status));
          return (
            <>
              {barred.map((one) => (
                <p key={one.institution} className={styles.notice} role="status">
                  {t('booking.barred', { institution: one.institution, until: dateTime(one.until) })}
                </p>
              ))}
              {bookings.length === 0 && waits.length === 0 && (
                <Nothing title={t('booking.mine.none')} how={t('booking.mine.none.how')} />
              )}
              <SeriesList bookings={bookings} />
              {next.length > 0 && (
                <Panel title={t('booking.mine.next')} bare>
                  <ul className={styles.cards}>
                    {next.map((one) => (
                      <ToCome key={one.id} one={one} />
                    ))}
                  </ul>
                </Panel>
              )}
              {waits.length > 0 && (
                <Panel title={t('booking.mine.waits')} bare>
                  <ul className={styles.cards}>
                    {waits.map((one) => (
                      <Waits key={one.id} one={one} />
                    ))}
                  </ul>
                </Panel>
              )}
              {past.length > 0 && (
                <Panel title={t('booking.mine.past')} bare>
                  <ul className={styles.cards}>
                    {past.map((one) => (
                      <Past key={one.id} one={one} />
                    ))}
                  </ul>
                </Panel>
              )}
            </>
          );
        }}
      </Read>
    </div>
  );
}

function Said({ one }: { one: Booking }) {
  const { t, lang } = useLocale();
  const colour = { held: 'orange', booked: 'cyan', 'checked-in': 'green', 'no-show': 'red' }[one.status];
  return (
    <>
      <div className={styles.cardHead}>
        <strong>{dateTime(one.starts)}</strong>
        {one.series && <Tag>{t('booking.series.nth', { n: one.nth, of: one.of })}</Tag>}
        <Tag {...(colour ? { color: colour } : {})}>{t(`booking.state.${one.status}` as Key)}</Tag>
      </div>
      <p>
        {one.organizationName}
        <br />
        {[called(SPECIALTIES, one.specialty, lang), one.actor].filter(Boolean).join(' · ')}
      </p>
    </>
  );
}

function ToCome({ one }: { one: Booking }) {
  const { t } = useLocale();
  const navigate = useNavigate();
  const { busy, run } = useDoing();
  const now = Date.now();
  const inTime = one.lateIsMarked || now <= new Date(one.cancelsUntil).getTime();
  const move = new URLSearchParams({ move: one.id, organization: one.organization.replace('Organization/', '') });
  if (one.specialty) move.set('specialty', one.specialty);
  return (
    <li className={styles.card}>
      <Said one={one} />
      {one.status === 'held' && <Confirm one={one} />}
      {one.status === 'checked-in' && (
        <p className={styles.queue}>
          <span className="quiet">{t('booking.number')}</span> <strong>{one.number}</strong>
          <span>
            {one.queueState === 'called'
              ? t('booking.called')
              : one.queueState === 'passed'
                ? t('booking.passed')
                : t('booking.before', { n: one.before })}
          </span>
        </p>
      )}
      {one.status === 'booked' && (
        <>
          <p className="quiet">
            {!inTime
              ? t('booking.cancels.over')
              : now > new Date(one.cancelsUntil).getTime()
                ? t('booking.cancels.late')
                : t('booking.cancels', { until: dateTime(one.cancelsUntil) })}
          </p>
          <div className={styles.acts}>
            {new Date(one.starts).getTime() - now < EARLY_MS && (
              <Button
                type="primary"
                loading={busy === 'check-in'}
                onClick={() =>
                  void run(
                    'check-in',
                    () => checkIn(one.id).then((told) => t('booking.checked-in', { n: numberIn(told) })),
                    t('booking.check-in.failed'),
                  )
                }
              >
                {t('booking.check-in')}
              </Button>
            )}
            {inTime && (
              <>
                <Button onClick={() => void navigate(`/book?${move.toString()}`)}>{t('booking.move')}</Button>
                <Popconfirm
                  title={t('booking.cancel.sure')}
                  okText={t('booking.cancel')}
                  okButtonProps={{ danger: true }}
                  cancelText={t('do.close')}
                  onConfirm={() =>
                    run(
                      'cancel',
                      () => cancel(one.id, t('booking.cancel.reason')).then(() => t('booking.cancelled')),
                      t('booking.cancel.failed'),
                    )
                  }
                >
                  <Button danger loading={busy === 'cancel'}>
                    {t('booking.cancel')}
                  </Button>
                </Popconfirm>
              </>
            )}
          </div>
        </>
      )}
    </li>
  );
}

function Confirm({ one }: { one: Booking }) {
  const { t } = useLocale();
  const { busy, run } = useDoing();
  const left = useCountdown(one.heldUntil);
  if (left === 0) return <p>{t('booking.held.over')}</p>;
  return (
    <>
      <p className={styles.clock}>{t('booking.held.left', { time: minutesAndSeconds(left) })}</p>
      <div className={styles.acts}>
        <Button
          type="primary"
          loading={busy === 'book'}
          onClick={() => void run('book', () => book(one.id).then(() => t('booking.done')), t('booking.failed'))}
        >
          {t('booking.confirm')}
        </Button>
        <Button
          loading={busy === 'release'}
          onClick={() =>
            void run(
              'release',
              () => cancel(one.id, t('booking.release')).then(() => t('booking.cancelled')),
              t('booking.cancel.failed'),
            )
          }
        >
          {t('booking.release')}
        </Button>
      </div>
    </>
  );
}

function Waits({ one }: { one: Wait }) {
  const { t, lang } = useLocale();
  const { busy, run } = useDoing();
  return (
    <li className={styles.card}>
      <div className={styles.cardHead}>
        <strong>{one.organizationName}</strong>
        <Tag>{t('booking.wait')}</Tag>
      </div>
      <p>
        {called(SPECIALTIES, one.specialty, lang)} · {one.actor || t('booking.wait.anybody')}
        <br />
        <span className="quiet">
          {t('booking.wait.days', { start: one.start, end: one.end })} ·{' '}
          {one.status === 'offered' ? t('booking.wait.offered') : t('booking.wait.before', { n: one.before })}
        </span>
      </p>
      <div className={styles.acts}>
        <Button
          loading={busy === 'leave'}
          onClick={() =>
            void run('leave', () => leave(one.id).then(() => t('booking.left')), t('booking.leave.failed'))
          }
        >
          {t('booking.leave')}
        </Button>
      </div>
    </li>
  );
}

function Past({ one }: { one: Booking }) {
  const { t } = useLocale();
  const { busy, run } = useDoing();
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  return (
    <li className={styles.card}>
      <Said one={one} />
      {one.mark && (
        <p className={styles.cardHead}>
          <span className="quiet">{one.lifted ? t('booking.mark.lifted') : t(`booking.mark.${one.mark}` as Key)}</span>
          {one.appeal && <span>{t(`booking.appeal.state.${one.appeal}` as Key)}</span>}
          {!one.lifted && (!one.appeal || one.appeal === 'withdrawn') && !open && (
            <Button size="small" onClick={() => setOpen(true)}>
              {t('booking.appeal')}
            </Button>
          )}
        </p>
      )}
      {open && (
        <form
          className={styles.appeal}
          onSubmit={(event) => {
            event.preventDefault();
            void run(
              'appeal',
              () => appeal(one.id, reason).then(() => t('booking.appeal.sent')),
              t('booking.appeal.failed'),
            ).then((worked) => worked && setOpen(false));
          }}
        >
          <Input.TextArea
            autoFocus
            rows={3}
            maxLength={500}
            aria-label={t('booking.appeal.reason')}
            placeholder={t('booking.appeal.reason')}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
          <Button type="primary" htmlType="submit" disabled={reason.trim().length < 2} loading={busy === 'appeal'}>
            {t('booking.appeal.send')}
          </Button>
        </form>
      )}
    </li>
  );
}

/** On the first page of a resident: the next appointments, and the way to all of them. */
export function NextBookings({ patient }: { patient: string }) {
  const { t } = useLocale();
  const reading = useReading(['booking', 'mine', patient], (signal) => mine(patient, signal), { staleTime: 30_000 });
  return (
    <Read of={reading} what={t('booking.mine')} rows={2}>
      {({ bookings }) => {
        const next = bookings.filter((one) => TO_COME.includes(one.status)).reverse();
        return (
          <p className={styles.inside}>
            {next.slice(0, 3).map((one) => (
              <span key={one.id}>
                {dateTime(one.starts)} · {one.organizationName} · {t(`booking.state.${one.status}` as Key)}
                <br />
              </span>
            ))}
            <Link to="/book">{t('booking.mine.new')}</Link> · <Link to="/bookings">{t('booking.mine')}</Link>
          </p>
        );
      }}
    </Read>
  );
}
