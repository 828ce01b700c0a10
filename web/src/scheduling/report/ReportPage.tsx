import { Button, DatePicker, Table, Tag } from 'antd';
import dayjs from 'dayjs';
import 'dayjs/locale/zh-cn';
import type { Parameters } from 'fhir/r4';
import { useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { ask } from '../../client/client';
import { today } from '../../fhir/dates';
import { type Key, useLocale } from '../../locale/locale';
import { Nothing } from '../../page/Nothing';
import { Read, useReading } from '../../page/reading';
import { Bars } from '../../statistics/Bars';
import type { Table as Drawn } from '../../statistics/table';
import { Field } from '../templates/Field';
import styles from '../templates/templates.module.css';
import { type Line, linesOf, monthOf, type Places, percent, TARGETS, type Target } from './report';

const COLOURS = ['#00645A', '#E0A030', '#B8C4C2'];

/** `/pool-report?start=2026-12-01&end=2026-12-31`: what became of the places, beside what the region asks for. */
export default function ReportPage() {
  const { t } = useLocale();
  const [asked, setAsked] = useSearchParams();
  const month = monthOf(today(new Date()).slice(0, 7));
  const start = asked.get('start') ?? month.start;
  const end = asked.get('end') ?? month.end;
  const choose = (first: string, last: string) => setAsked({ start: first, end: last }, { replace: true });
  const reading = useReading(['pool-report', start, end], async (signal) =>
    linesOf(await ask<Parameters>('Schedule/$pool-report', { start, end }, signal)),
  );
  return (
    <section className={styles.page}>
      <h1>{t('pools.title')}</h1>
      <p className={styles.quiet}>{t('pools.how')}</p>
      <div className={styles.fields}>
        <Field title={t('pools.period')}>
          {(id) => (
            <DatePicker.RangePicker
              id={{ start: id, end: `${id}-end` }}
              aria-label={t('pools.period')}
              allowClear={false}
              value={[dayjs(start), dayjs(end)]}
              onChange={(days) => {
                const [first, last] = days ?? [];
                if (first && last) choose(first.format('YYYY-MM-DD'), last.format('YYYY-MM-DD'));
              }}
            />
          )}
        </Field>
        <Button onClick={() => choose(month.start, month.end)}>{t('pools.month')}</Button>
      </div>
      <Read of={reading} what={t('pools.title')} rows={10}>
        {(lines) =>
          lines.length === 0 ? (
            <Nothing title={t('pools.none')} how={t('pools.none.how')} />
          ) : (
            <Report lines={lines} since={start} until={end} />
          )
        }
      </Read>
    </section>
  );
}

function Report({ lines, since, until }: { lines: Line[]; since: string; until: string }) {
  const { t } = useLocale();
  const drawn: Drawn = useMemo(() => {
    const columns = [t('pools.grassroots'), t('pools.others'), t('pools.left')];
    const figures = ({ all }: Line) => [all.byGrassroots, all.taken - all.byGrassroots, all.places - all.taken];
    const rows = lines.map((line) => ({ name: line.name, figures: figures(line), total: line.all.places }));
    return { byRow: t('pools.institution'), columns, rows, least: 0, since, until };
  }, [lines, since, until, t]);
  return (
    <>
      <Bars table={drawn} colours={COLOURS} />
      <Table<Line>
        size="small"
        rowKey="reference"
        aria-label={t('pools.title')}
        dataSource={lines}
        pagination={lines.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
        scroll={{ x: 'max-content' }}
        expandable={{
          expandedRowRender: (line) => <Kinds line={line} />,
          rowExpandable: ({ kinds }) => kinds.length > 0,
        }}
        columns={[
          { title: t('pools.institution'), dataIndex: 'name', rowScope: 'row' },
          ...numbers(t),
          ...TARGETS.map((name) => ({
            title: t(`pools.${name}`),
            key: name,
            align: 'right' as const,
            render: (_: unknown, line: Line) => <Shown of={line[name]} />,
          })),
        ]}
      />
      <p className={styles.quiet}>{t('pools.meaning')}</p>
    </>
  );
}

const COUNTS: readonly (keyof Places)[] = ['places', 'stopped', 'reserved', 'taken', 'byGrassroots', 'missed'];

const numbers = (t: (key: Key) => string) =>
  COUNTS.map((name) => ({
    title: t(`pools.count.${name}` as Key),
    key: `count-${name}`,
    align: 'right' as const,
    className: styles.number ?? '',
    render: (_: unknown, line: Line) => line.all[name].toLocaleString('zh-CN'),
  }));

function Kinds({ line }: { line: Line }) {
  const { t } = useLocale();
  return (
    <Table
      size="small"
      rowKey="kind"
      dataSource={line.kinds}
      pagination={false}
      columns={[
        { title: t('schedule.kind'), render: (_, { kind }) => t(`schedule.kind.${kind}` as Key), rowScope: 'row' },
        ...COUNTS.map((name) => ({
          title: t(`pools.count.${name}` as Key),
          key: name,
          align: 'right' as const,
          className: styles.number ?? '',
          render: (_: unknown, { of }: { of: Places }) => of[name].toLocaleString('zh-CN'),
        })),
      ]}
    />
  );
}

function Shown({ of: { share, least, reached } }: { of: Target }) {
  const { t } = useLocale();
  if (share === undefined) return <span className={styles.quiet}>—</span>;
  return (
    <span className={styles.number}>
      {percent(share)}{' '}
      {reached !== undefined && least !== undefined && (
        <Tag color={reached ? 'green' : 'red'}>
          {t(reached ? 'pools.reached' : 'pools.short', { least: percent(least) })}
        </Tag>
      )}
    </span>
  );
}
