import { Button, Popconfirm, Tag } from 'antd';
import { Link } from 'react-router';
import { usePerson } from '../access/person';
import { type Key, useLocale } from '../locale/locale';
import styles from './booking.module.css';
import { cancel, checkIn, type Expected, numberIn, step } from './bookings';
import { clock } from './days';
import { useDoing } from './useDoing';

const COLOURS: Partial<Record<Expected['status'], string>> = {
  late: 'orange',
  waiting: 'cyan',
  called: 'blue',
  done: 'green',
  missed: 'red',
};

/** The appointments of a day, and what can be done with each. */
export function DayTable({ rows, label }: { rows: readonly Expected[]; label: string }) {
  const { t } = useLocale();
  return (
    <div className={styles.scroll}>
      <table className={styles.table} aria-label={label}>
        <thead>
          <tr>
            {(['time', 'number', 'patient', 'doctor', 'by', 'state', 'do'] as const).map((column) => (
              <th key={column} scope="col">
                {t(`booking.col.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.id} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row }: { row: Expected }) {
  const { t } = useLocale();
  const person = usePerson();
  const { busy, run } = useDoing();
  const act = (name: string, what: () => Promise<string>) => void run(name, what, t('booking.do.failed'));
  const channel = t(`booking.channel.${row.channel}` as Key);
  const elsewhere = row.bookedBy && row.bookedBy !== person.institution?.name;
  const organization = person.institution?.reference.replace('Organization/', '') ?? '';
  return (
    <tr>
      <td className={styles.time}>
        {clock(row.starts)}–{clock(row.ends)}
      </td>
      <td className={styles.num}>{row.number || ''}</td>
      <th scope="row">
        {row.name} {row.first && <Tag color="gold">{row.why || t('booking.first')}</Tag>}
        <br />
        <span className="quiet">
          {[t(`sex.${row.sex || 'unknown'}` as Key), row.birthDate.slice(0, 4), row.phone].filter(Boolean).join(' · ')}
        </span>
      </th>
      <td>{row.actor}</td>
      <td>{elsewhere ? t('booking.by', { channel, institution: row.bookedBy }) : channel}</td>
      <td>
        <Tag {...(COLOURS[row.status] ? { color: COLOURS[row.status] } : {})}>{t(`booking.group.${row.status}`)}</Tag>
      </td>
      <td>
        <span className={styles.acts}>
          {(row.status === 'expected' || row.status === 'late') && (
            <>
              <Button
                size="small"
                type="primary"
                loading={busy === 'check-in'}
                aria-label={`${t('booking.do.check-in')} ${row.name}`}
                onClick={() =>
                  act('check-in', () => checkIn(row.id).then((told) => t('booking.checked-in', { n: numberIn(told) })))
                }
              >
                {t('booking.do.check-in')}
              </Button>
              <Link to={`/book?move=${row.id}&organization=${organization}`}>
                <Button size="small" tabIndex={-1}>
                  {t('booking.move')}
                </Button>
              </Link>
              <Popconfirm
                title={t('booking.cancel.sure')}
                okText={t('booking.cancel')}
                okButtonProps={{ danger: true }}
                cancelText={t('do.close')}
                onConfirm={() =>
                  act('cancel', () => cancel(row.id, t('booking.cancel.reason')).then(() => t('booking.cancelled')))
                }
              >
                <Button size="small" loading={busy === 'cancel'} aria-label={`${t('booking.cancel')} ${row.name}`}>
                  {t('do.cancel')}
                </Button>
              </Popconfirm>
            </>
          )}
          {(row.status === 'waiting' || row.status === 'called') && (
            <>
              <Button
                size="small"
                loading={busy === 'call'}
                aria-label={`${t('booking.do.call')} ${row.name}`}
                onClick={() =>
                  act('call', () =>
                    step(row.id, 'call').then((told) => t('booking.called.number', { n: numberIn(told) })),
                  )
                }
              >
                {t(row.calls ? 'booking.do.again' : 'booking.do.call')}
              </Button>
              {row.queueState === 'called' && (
                <Button
                  size="small"
                  loading={busy === 'pass'}
                  onClick={() => act('pass', () => step(row.id, 'pass').then(() => t('booking.board.passed')))}
                >
                  {t('booking.do.pass')}
                </Button>
              )}
              <Button
                size="small"
                loading={busy === 'fulfil'}
                aria-label={`${t('booking.do.fulfil')} ${row.name}`}
                onClick={() => act('fulfil', () => step(row.id, 'fulfil').then(() => t('booking.group.done')))}
              >
                {t('booking.do.fulfil')}
              </Button>
            </>
          )}
        </span>
      </td>
    </tr>
  );
}
