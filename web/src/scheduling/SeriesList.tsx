import { Button, Popconfirm, Tag } from 'antd';
import { dateTime } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { called } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import styles from './booking.module.css';
import { type Booking, cancelSeries } from './bookings';
import { useDoing } from './useDoing';

/** The visits of a course, the first first. */
export function seriesOf(bookings: readonly Booking[]): Booking[][] {
  const by = new Map<string, Booking[]>();
  for (const one of bookings) if (one.series) by.set(one.series, [...(by.get(one.series) ?? []), one]);
  return [...by.values()].map((some) => [...some].sort((a, b) => a.starts.localeCompare(b.starts)));
}

/** 疗程: each with its visits, and the way to cancel those to come in one act. Nothing where there is none with visits to come. */
export function SeriesList({ bookings }: { bookings: readonly Booking[] }) {
  const { t } = useLocale();
  const open = seriesOf(bookings).filter((some) => some.some(isToCome));
  if (open.length === 0) return null;
  return (
    <Panel title={t('booking.series')} bare>
      <ul className={styles.cards}>
        {open.map((some) => (
          <Course key={some[0]?.series} visits={some} />
        ))}
      </ul>
    </Panel>
  );
}

const isToCome = (one: Booking): boolean => one.status === 'booked' || one.status === 'held';

function Course({ visits }: { visits: readonly Booking[] }) {
  const { t, lang } = useLocale();
  const { busy, run } = useDoing();
  const left = visits.filter(isToCome);
  const [next] = left;
  if (!next) return null;
  return (
    <li className={styles.card}>
      <div className={styles.cardHead}>
        <strong>{t('booking.series.sum', { n: visits.length, left: left.length })}</strong>
        <span className="quiet">
          {[next.organizationName, called(SPECIALTIES, next.specialty, lang), next.actor].filter(Boolean).join(' · ')}
        </span>
      </div>
      <p className={styles.visits}>
        {visits.map((one) => (
          <Tag key={one.id} color={isToCome(one) ? 'cyan' : 'default'}>
            {dateTime(one.starts).slice(5)} {isToCome(one) ? '' : t(`booking.state.${one.status}` as Key)}
          </Tag>
        ))}
      </p>
      <div className={styles.acts}>
        <Popconfirm
          title={t('booking.series.cancel.sure', { n: left.length })}
          okText={t('booking.series.cancel', { n: left.length })}
          okButtonProps={{ danger: true }}
          cancelText={t('do.close')}
          onConfirm={() =>
            void run(
              'cancel',
              () => cancelSeries(next.id, t('booking.cancel.reason')).then((n) => t('booking.series.cancelled', { n })),
              t('booking.cancel.failed'),
            )
          }
        >
          <Button danger loading={busy === 'cancel'}>
            {t('booking.series.cancel', { n: left.length })}
          </Button>
        </Popconfirm>
      </div>
    </li>
  );
}
