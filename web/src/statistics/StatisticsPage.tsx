import { Segmented, Select, Table } from 'antd';
import type { MeasureReport } from 'fhir/r4';
import { useSearchParams } from 'react-router';
import { ask } from '../client/client';
import { today } from '../fhir/dates';
import { useAppearance } from '../layout/appearance';
import { type Translate, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import { Bars } from './Bars';
import styles from './statistics.module.css';
import { type Figure, isEmpty, isWithheld, measureOf, type Row, TABLES, type Table as Told, tableOf } from './table';

const YEARS = 5;
const PAGE = 50;
/** Months are counted when they are over: in January there is none of this year yet. */
const latestYear = (day: string): number => Number(day.slice(0, 4)) - (day.slice(5, 7) === '01' ? 1 : 0);

/** `/statistics?table=encounters&year=2026`: the region's numbers, drawn and as a table. */
export default function StatisticsPage() {
  const { t } = useLocale();
  const { phone } = useAppearance();
  const [asked, setAsked] = useSearchParams();
  const chosen = TABLES.find(({ code }) => code === asked.get('table')) ?? TABLES[0];
  const latest = latestYear(today(new Date()));
  const years = Array.from({ length: YEARS }, (_, back) => latest - back);
  const year = years.find((one) => String(one) === asked.get('year')) ?? latest;
  const choose = (table: string, next: number) => setAsked({ table, year: String(next) }, { replace: true });
  const tables = TABLES.map(({ code }) => ({ value: code, label: t(`statistics.table.${code}`) }));

  const reading = useReading(
    ['statistics', chosen.code, chosen.dated ? year : 0],
    (signal) =>
      ask<MeasureReport>(
        'Measure/$evaluate-measure',
        {
          measure: measureOf(chosen.code),
          periodStart: `${year}-01-01`,
          periodEnd: `${year}-12-31`,
          reportType: 'summary',
        },
        signal,
      ).then(tableOf),
    { staleTime: 60_000 },
  );

  return (
    <section>
      <h1>{t('statistics.title')}</h1>
      <p className="quiet">{t('statistics.how')}</p>
      <div className={styles.choices}>
        {phone ? (
          <Select
            aria-label={t('statistics.table')}
            options={tables}
            value={chosen.code}
            onChange={(next) => choose(next, year)}
            style={{ minWidth: 200 }}
          />
        ) : (
          <Segmented
            aria-label={t('statistics.table')}
            options={tables}
            value={chosen.code}
            onChange={(next) => choose(next, year)}
          />
        )}
        {chosen.dated && (
          <Select
            aria-label={t('statistics.year')}
            options={years.map((one) => ({ value: one, label: t('statistics.year.of', { year: one }) }))}
            value={year}
            onChange={(next) => choose(chosen.code, next)}
          />
        )}
      </div>
      <Read of={reading} what={t(`statistics.table.${chosen.code}`)} rows={12}>
        {(table) => (
          <>
            <p className={styles.told}>
              {t(`statistics.counts.${chosen.code}`)} <span className="quiet">{spanOf(table, t)}</span>
            </p>
            {isEmpty(table) ? (
              <Nothing title={t('statistics.none')} how={t('statistics.none.how')} />
            ) : (
              <Figures table={table} name={t(`statistics.table.${chosen.code}`)} />
            )}
          </>
        )}
      </Read>
    </section>
  );
}

const spanOf = ({ since, until }: Told, t: Translate): string =>
  since === until ? t('statistics.asof', { date: until }) : t('statistics.span', { since, until });

function Figures({ table, name }: { table: Told; name: string }) {
  const { t } = useLocale();
  const shown = (figure: Figure | undefined) =>
    figure === null || figure === undefined ? (
      <>
        <span aria-hidden="true">{t('statistics.withheld')}</span>
        <span className="unseen">{t('statistics.withheld.name')}</span>
      </>
    ) : (
      figure.toLocaleString('zh-CN')
    );
  const totals = table.totals;
  return (
    <>
      <Bars table={table} />
      <Table<Row>
        aria-label={name}
        size="small"
        rowKey="name"
        dataSource={table.rows}
        pagination={table.rows.length > PAGE ? { pageSize: PAGE, showSizeChanger: false } : false}
        scroll={{ x: 'max-content' }}
        columns={[
          { title: table.byRow, dataIndex: 'name', fixed: 'left', rowScope: 'row' },
          ...table.columns.map((title, place) => ({
            title,
            key: title,
            align: 'right' as const,
            className: styles.figure ?? '',
            render: (_: unknown, row: Row) => shown(row.figures[place]),
          })),
          {
            title: t('statistics.total'),
            key: 'total',
            align: 'right' as const,
            className: styles.figure ?? '',
            render: (_: unknown, row: Row) => <strong>{shown(row.total)}</strong>,
          },
        ]}
        {...(totals
          ? {
              summary: () => (
                <Table.Summary.Row>
                  <Table.Summary.Cell index={0}>
                    <strong>{t('statistics.total')}</strong>
                  </Table.Summary.Cell>
                  {table.columns.map((title, place) => (
                    <Table.Summary.Cell key={title} index={place + 1} className={styles.figure ?? ''}>
                      <strong>{shown(totals[place])}</strong>
                    </Table.Summary.Cell>
                  ))}
                  <Table.Summary.Cell index={table.columns.length + 1} className={styles.figure ?? ''}>
                    <strong>{shown(table.total)}</strong>
                  </Table.Summary.Cell>
                </Table.Summary.Row>
              ),
            }
          : {})}
      />
      {isWithheld(table) && (
        <p className={`quiet ${styles.why ?? ''}`}>{t('statistics.withheld.why', { least: table.least })}</p>
      )}
    </>
  );
}
