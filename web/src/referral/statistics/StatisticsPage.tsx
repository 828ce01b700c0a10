import { DownloadOutlined } from '@ant-design/icons';
import { App, Button, DatePicker, Segmented, Select, Table } from 'antd';
import dayjs from 'dayjs';
import type { MeasureReport } from 'fhir/r4';
import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import { usePerson } from '../../access/person';
import { ask, sheet } from '../../client/client';
import { today } from '../../fhir/dates';
import { useAppearance } from '../../layout/appearance';
import { type Translate, useLocale } from '../../locale/locale';
import { Nothing } from '../../page/Nothing';
import { Read, useReading } from '../../page/reading';
import { Bars } from '../../statistics/Bars';
import { DIRECTIONS } from '../codes/reasons';
import { GREEN_STATES } from '../marks';
import { type Asked, behind, linesOf, paramsOf, sidesOf, useAsked } from './asked';
import {
  growthOf,
  type Line,
  numberOf,
  OUTCOMES,
  outcomeOf,
  percent,
  RATES,
  rateOf,
  type Told,
  toldOf,
} from './figures';
import styles from './statistics.module.css';

/** `/referral-statistics`: the referrals of one's own institution in numbers, each of which opens what it counts. */
export default function StatisticsPage() {
  const { t } = useLocale();
  const person = usePerson();
  const [asked, set] = useAsked(person);
  const reading = useReading(
    ['referral-statistics', asked],
    (signal) => ask<MeasureReport>('Task/$referral-statistics', paramsOf(asked), signal).then(toldOf),
    { staleTime: 60_000 },
  );
  return (
    <section>
      <h1>{t('flow.title')}</h1>
      <p className="quiet">{t(asked.side === 'consortium' ? 'flow.how.consortium' : 'flow.how')}</p>
      <Choices asked={asked} sides={sidesOf(person)} set={set} />
      <Read of={reading} what={t('flow.title')} rows={12}>
        {(told) =>
          numberOf(told.whole, 'sent') === 0 ? (
            <Nothing title={t('flow.none')} how={t('flow.none.how')} />
          ) : (
            <>
              <Whole line={told.whole} />
              <Outcomes told={told} />
              <Lines told={told} asked={asked} />
            </>
          )
        }
      </Read>
    </section>
  );
}

interface ChoicesProps {
  asked: Asked;
  sides: Asked['side'][];
  set: (name: string, value: string) => void;
}

function Choices({ asked, sides, set }: ChoicesProps) {
  const { t } = useLocale();
  const { message } = App.useApp();
  const [busy, setBusy] = useState(false);
  const now = dayjs(today(new Date()));
  const presets = [
    { label: t('flow.period.year'), value: [now.startOf('year'), now] as [dayjs.Dayjs, dayjs.Dayjs] },
    {
      label: t('flow.period.last-year'),
      value: [now.subtract(1, 'year').startOf('year'), now.subtract(1, 'year').endOf('year')] as [
        dayjs.Dayjs,
        dayjs.Dayjs,
      ],
    },
    { label: t('flow.period.month'), value: [now.startOf('month'), now] as [dayjs.Dayjs, dayjs.Dayjs] },
    {
      label: t('flow.period.quarter'),
      value: [now.subtract(3, 'month').add(1, 'day'), now] as [dayjs.Dayjs, dayjs.Dayjs],
    },
  ];

  async function take() {
    setBusy(true);
    try {
      const file = await sheet('Task/$referral-statistics', { ...paramsOf(asked), _as: 'xlsx' });
      const place = document.createElement('a');
      place.href = URL.createObjectURL(file);
      place.download = `${t('flow.title')}-${asked.since}-${asked.until}.xlsx`;
      place.click();
      URL.revokeObjectURL(place.href);
    } catch {
      void message.error(t('flow.export.failed'));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className={styles.choices}>
      <Segmented
        aria-label={t('flow.side')}
        options={sides.map((side) => ({ value: side, label: t(`flow.side.${side}`) }))}
        value={asked.side}
        onChange={(side) => set('side', side)}
      />
      <Select
        aria-label={t('flow.by')}
        popupMatchSelectWidth={false}
        options={linesOf(asked.side).map((by) => ({ value: by, label: t(`flow.by.${by}`) }))}
        value={asked.by}
        onChange={(by) => set('by', by)}
      />
      <Select
        aria-label={t('worklist.direction')}
        popupMatchSelectWidth={false}
        options={[
          { value: '', label: t('flow.direction.all') },
          ...DIRECTIONS.map((value) => ({ value, label: t(`referral.direction.${value}`) })),
        ]}
        value={asked.direction}
        onChange={(direction) => set('direction', direction)}
      />
      {asked.side !== 'consortium' && (
        <Select
          aria-label={t('referral.green.open')}
          popupMatchSelectWidth={false}
          options={[
            { value: '', label: t('referral.green.all') },
            ...GREEN_STATES.map((value) => ({ value, label: t(`referral.green.${value}`) })),
          ]}
          value={asked.green}
          onChange={(green) => set('green', green)}
        />
      )}
      <DatePicker.RangePicker
        aria-label={t('flow.period')}
        allowClear={false}
        presets={presets}
        disabledDate={(day) => day.isAfter(now)}
        value={[dayjs(asked.since), dayjs(asked.until)]}
        onChange={(days) => {
          const [since, until] = days ?? [];
          if (!since || !until) return;
          set('since', since.format('YYYY-MM-DD'));
          set('until', until.format('YYYY-MM-DD'));
        }}
      />
      <Button icon={<DownloadOutlined />} loading={busy} onClick={() => void take()}>
        {t('flow.export')}
      </Button>
    </div>
  );
}

const hoursOf = (hours: number | undefined, t: Translate): string =>
  hours === undefined
    ? '—'
    : hours < 1
      ? t('flow.minutes.value', { n: Math.round(hours * 60) })
      : t('flow.hours.value', { n: hours < 10 ? hours.toFixed(1) : Math.round(hours) });

const signed = (growth: number | undefined): string =>
  growth === undefined ? '—' : `${growth > 0 ? '+' : ''}${percent(growth)}`;

function Whole({ line }: { line: Line }) {
  const { t } = useLocale();
  const before = numberOf(line, 'a-year-before');
  return (
    <dl className={styles.whole}>
      <div>
        <dt>{t('flow.figure.sent')}</dt>
        <dd>{t('flow.cases', { n: numberOf(line, 'sent') })}</dd>
        <dd className="quiet">
          {t('flow.growth')} {signed(growthOf(line))} · {t('flow.growth.from', { n: before })}
        </dd>
      </div>
      <div>
        <dt>{t('flow.hours')}</dt>
        <dd>{hoursOf(line.hours, t)}</dd>
        <dd className="quiet">
          {t('flow.figure.answered')} {numberOf(line, 'answered')}
        </dd>
      </div>
      {RATES.map(({ code, of }) => (
        <div key={code}>
          <dt>{t(`flow.rate.${code}`)}</dt>
          <dd>{percent(rateOf(line, code, of))}</dd>
          <dd className="quiet">
            {t('flow.rate.of', {
              part: `${t(`flow.figure.${code}`)} ${numberOf(line, code)}`,
              of: `${t(`flow.figure.${of}`)} ${numberOf(line, of)}`,
            })}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Done, under way, not taken, cancelled, refused by the patient: apart from each other in grey too, light and dark. */
const COLOURS = ['#1F8A7D', '#8CC7BE', '#D9822B', '#9AA5B1', '#5B6770'] as const;

function Outcomes({ told }: { told: Told }) {
  const { t } = useLocale();
  const table = useMemo(
    () => ({
      byRow: '',
      columns: OUTCOMES.map((one) => t(`flow.outcome.${one}`)),
      rows: told.lines.map((line) => ({
        name: line.name,
        figures: OUTCOMES.map((one) => outcomeOf(line, one)),
        total: numberOf(line, 'sent'),
      })),
      least: 1,
      since: '',
      until: '',
    }),
    [told, t],
  );
  return <Bars table={table} colours={COLOURS} />;
}

const PAGE = 50;

function Lines({ told, asked }: { told: Told; asked: Asked }) {
  const { t } = useLocale();
  const { phone } = useAppearance();
  const shown = (line: Line, figure: string, text: string) =>
    numberOf(line, figure) > 0 && asked.side !== 'consortium' ? (
      <Link to={behind(asked, line.code, figure)}>{text}</Link>
    ) : (
      <span className="quiet">{text}</span>
    );
  const columns = [
    {
      key: 'sent',
      title: t('flow.figure.sent'),
      render: (line: Line) => shown(line, 'sent', String(numberOf(line, 'sent'))),
    },
    {
      key: 'growth',
      title: t('flow.growth'),
      render: (line: Line) => (
        <span title={t('flow.growth.from', { n: numberOf(line, 'a-year-before') })}>{signed(growthOf(line))}</span>
      ),
    },
    { key: 'hours', title: t('flow.hours'), render: (line: Line) => hoursOf(line.hours, t) },
    ...RATES.map(({ code, of }) => ({
      key: code,
      title: t(`flow.rate.${code}`),
      render: (line: Line) => shown(line, code, percent(rateOf(line, code, of))),
    })),
    ...(['refused', 'cancelled', 'open', 'overdue'] as const).map((code) => ({
      key: code,
      title: t(`flow.figure.${code}`),
      render: (line: Line) => shown(line, code, String(numberOf(line, code))),
    })),
  ].map((column) => ({ ...column, align: 'right' as const, className: styles.figure ?? '' }));
  return (
    <>
      <Table<Line>
        aria-label={t('flow.title')}
        size="small"
        rowKey="code"
        dataSource={told.lines}
        pagination={told.lines.length > PAGE ? { pageSize: PAGE, showSizeChanger: false } : false}
        scroll={{ x: 'max-content' }}
        columns={[
          {
            title: t(
              asked.side === 'consortium' && asked.by === 'institution' ? 'flow.line.sender' : `flow.line.${asked.by}`,
            ),
            key: 'name',
            fixed: phone ? undefined : ('left' as const),
            rowScope: 'row' as const,
            render: (_: unknown, line: Line) =>
              asked.by === 'disease' && line.code !== 'unknown' ? (
                <>
                  {line.name} <span className="code">{line.code}</span>
                </>
              ) : (
                line.name
              ),
          },
          ...columns.map(({ render, ...column }) => ({ ...column, render: (_: unknown, line: Line) => render(line) })),
        ]}
        summary={() => (
          <Table.Summary.Row>
            <Table.Summary.Cell index={0}>
              <strong>{t('flow.whole')}</strong>
            </Table.Summary.Cell>
            {columns.map((column, place) => (
              <Table.Summary.Cell key={column.key} index={place + 1} align="right" className={styles.figure ?? ''}>
                <strong>{column.render(told.whole)}</strong>
              </Table.Summary.Cell>
            ))}
          </Table.Summary.Row>
        )}
      />
      {told.more > 0 && <p className="quiet">{t('flow.more', { n: told.more })}</p>}
    </>
  );
}
