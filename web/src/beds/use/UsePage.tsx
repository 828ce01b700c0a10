import { DatePicker, Segmented, Table, Tag } from 'antd';
import dayjs from 'dayjs';
import 'dayjs/locale/zh-cn';
import { useSearchParams } from 'react-router';
import { usePerson } from '../../access/person';
import { today } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Nothing } from '../../page/Nothing';
import { Panel } from '../../page/Panel';
import { Read, useReading } from '../../page/reading';
import { plus } from '../../scheduling/days';
import styles from '../beds.module.css';
import { DaysChart } from './DaysChart';
import { BY, type By, bedUse, daySurgery, percent, type Use } from './use';

const USUAL_DAYS = 30;

/** `/bed-use?start=…&end=…&by=ward`: how much of the open beds was used, day by day and by ward, and how much of the surgery was day surgery. */
export default function UsePage() {
  const { t } = useLocale();
  const own = usePerson().institution;
  const [asked, setAsked] = useSearchParams();
  const yesterday = plus(today(new Date()), -1);
  const start = asked.get('start') ?? plus(yesterday, 1 - USUAL_DAYS);
  const end = asked.get('end') ?? yesterday;
  const by: By = own && asked.get('by') !== 'institution' ? 'ward' : 'institution';
  const choose = (values: Record<string, string>) =>
    setAsked({ ...Object.fromEntries(asked), ...values }, { replace: true });
  const period = { start, end };
  const institution = own?.reference ?? '';
  const rows = useReading(['beds', 'use', by, institution, start, end], (signal) =>
    bedUse({ ...period, by, ...(by === 'ward' ? { institution } : {}) }, signal),
  );
  return (
    <section className={styles.page}>
      <header className={styles.title}>
        <h1>{t('use.title')}</h1>
        <p className="quiet">{t('use.how')}</p>
      </header>
      <div className={styles.choices}>
        <DatePicker.RangePicker
          aria-label={t('use.period')}
          allowClear={false}
          value={[dayjs(start), dayjs(end)]}
          disabledDate={(day) => day.format('YYYY-MM-DD') > yesterday}
          onChange={(days) => {
            const [first, last] = days ?? [];
            if (first && last) choose({ start: first.format('YYYY-MM-DD'), end: last.format('YYYY-MM-DD') });
          }}
        />
        {own && (
          <Segmented
            aria-label={t('bed.by')}
            value={by}
            onChange={(value) => choose({ by: value })}
            options={BY.map((value) => ({ value, label: t(`use.by.${value}`) }))}
          />
        )}
      </div>
      {own && by === 'ward' && <Days institution={institution} {...period} />}
      <Panel title={t(by === 'ward' ? 'use.wards' : 'use.institutions')}>
        <Read of={rows} what={t('use.title')} rows={6}>
          {(found) =>
            found.length === 0 ? (
              <Nothing title={t('use.none')} how={t('use.none.how')} />
            ) : (
              <Uses rows={found} by={by} />
            )
          }
        </Read>
      </Panel>
      {own && by === 'ward' && <DaySurgery {...period} />}
    </section>
  );
}

function Days({ institution, start, end }: { institution: string; start: string; end: string }) {
  const { t } = useLocale();
  const reading = useReading(['beds', 'use', 'day', institution, start, end], (signal) =>
    bedUse({ start, end, by: 'day', institution }, signal),
  );
  return (
    <Panel title={t('use.days')}>
      <Read of={reading} what={t('use.days')} rows={5}>
        {(days) => (days.length === 0 ? <p className={styles.inside}>{t('use.none')}</p> : <DaysChart days={days} />)}
      </Read>
    </Panel>
  );
}

function Uses({ rows, by }: { rows: readonly Use[]; by: By }) {
  const { t } = useLocale();
  const numbers = ['beds', 'occupied', 'discharged'] as const;
  return (
    <Table<Use>
      size="small"
      rowKey="key"
      aria-label={t('use.title')}
      dataSource={[...rows]}
      pagination={rows.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
      scroll={{ x: 'max-content' }}
      columns={[
        { title: t(by === 'ward' ? 'use.ward' : 'bed.institution'), dataIndex: 'name', rowScope: 'row' },
        ...numbers.map((name) => ({ title: t(`use.${name}`), dataIndex: name, align: 'right' as const })),
        {
          title: t('use.rate'),
          align: 'right',
          sorter: (a, b) => (a.rate ?? 0) - (b.rate ?? 0),
          render: (_, one) => (
            <span className={styles.rate}>
              <span className={styles.rateBar} aria-hidden="true">
                <span style={{ width: `${Math.min(100, 100 * (one.rate ?? 0))}%` }} />
              </span>
              {percent(one.rate)}
            </span>
          ),
        },
        {
          title: t('use.turnover'),
          align: 'right',
          render: (_, one) => (one.turnover === undefined ? '—' : one.turnover.toFixed(2)),
        },
      ]}
    />
  );
}

function DaySurgery({ start, end }: { start: string; end: string }) {
  const { t } = useLocale();
  const reading = useReading(['beds', 'day-surgery', start, end], (signal) => daySurgery({ start, end }, signal));
  return (
    <Panel title={t('use.surgery')}>
      <Read of={reading} what={t('use.surgery')} rows={2}>
        {({ elective, day, share, target }) => (
          <div className={styles.inside}>
            <p>
              {t('use.surgery.said', { elective, day })} <strong>{percent(share)}</strong>{' '}
              {share !== undefined && (
                <Tag color={share >= target ? 'green' : 'orange'}>
                  {t(share >= target ? 'use.surgery.reached' : 'use.surgery.short', { target: percent(target) })}
                </Tag>
              )}
              {share === undefined && <span className="quiet">{t('use.surgery.none')}</span>}
            </p>
            <p className="quiet">{t('use.surgery.how')}</p>
          </div>
        )}
      </Read>
    </Panel>
  );
}
