import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Input, Select, Table } from 'antd';
import type { Parameters } from 'fhir/r4';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { usePerson } from '../../access/person';
import { ask, operate } from '../../client/client';
import { whatHappened } from '../../client/problem';
import { today } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Read, useReading } from '../../page/reading';
import { keepsCalendar } from '.';
import { Field } from './Field';
import { weekdayOf } from './OutlookTable';
import { parametersOf, WEEKDAYS } from './template';
import styles from './templates.module.css';

interface Day {
  date: string;
  works: boolean;
  name: string;
  source: string;
  as: number;
}

interface Year {
  announced: boolean;
  known: boolean;
  days: Day[];
}

function yearOf({ parameter = [] }: Parameters): Year {
  const flag = (name: string) => parameter.find((part) => part.name === name)?.valueBoolean ?? false;
  return {
    announced: flag('announced'),
    known: flag('known'),
    days: parameter
      .filter(({ name }) => name === 'day')
      .map(({ part = [] }) => {
        const of = (name: string) => part.find((one) => one.name === name);
        return {
          date: of('date')?.valueDate ?? '',
          works: of('works')?.valueBoolean ?? false,
          name: of('name')?.valueString ?? '',
          source: of('source')?.valueString ?? '',
          as: of('as-weekday')?.valueInteger ?? 0,
        };
      }),
  };
}

/** `/working-days?year=2027`: holidays and the weekends that are worked for them; administrators keep them. */
export default function WorkingDaysPage() {
  const { t } = useLocale();
  const keeps = keepsCalendar(usePerson());
  const [asked, setAsked] = useSearchParams();
  const now = Number(today(new Date()).slice(0, 4));
  const year = Number(asked.get('year')) || now;
  const reading = useReading(['working-days', year], async (signal) =>
    yearOf(await ask<Parameters>('Schedule/$working-days', { year }, signal)),
  );
  return (
    <section className={styles.page}>
      <div className={styles.head}>
        <h1>{t('days.title')}</h1>
        <Select
          aria-label={t('days.year', { year })}
          value={year}
          onChange={(next: number) => setAsked({ year: String(next) }, { replace: true })}
          options={[now - 1, now, now + 1, now + 2].map((one) => ({
            value: one,
            label: t('days.year', { year: one }),
          }))}
        />
      </div>
      <p className={styles.quiet}>{t('days.how')}</p>
      <Read of={reading} what={t('days.what')} rows={10}>
        {(found) => <Days year={year} found={found} keeps={keeps} />}
      </Read>
    </section>
  );
}

function Days({ year, found, keeps }: { year: number; found: Year; keeps: boolean }) {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const queries = useQueryClient();
  async function send(values: Record<string, string | number | boolean>) {
    try {
      await operate<Parameters>('Schedule/$set-working-day', parametersOf(values));
      message.success(t('days.saved'));
      await queries.invalidateQueries({ queryKey: ['working-days'] });
    } catch (fault) {
      message.error(whatHappened(fault, t, lang));
    }
  }
  const state = found.announced ? 'days.announced' : found.known ? 'days.statutory' : 'days.unknown';
  return (
    <>
      <div className={styles.head}>
        <p>{t(state, { year })}</p>
        {keeps && !found.announced && (
          <Button size="small" onClick={() => void send({ year, announced: true })}>
            {t('days.announce')}
          </Button>
        )}
      </div>
      {keeps && <NewDay onAdd={(values) => void send(values)} />}
      <Table<Day>
        size="small"
        rowKey="date"
        aria-label={t('days.what')}
        dataSource={found.days}
        pagination={false}
        scroll={{ x: 'max-content' }}
        columns={[
          {
            title: t('days.day'),
            className: styles.number ?? '',
            render: (_, one) => `${one.date} ${t(`schedule.${weekdayOf(one.date)}`)}`,
          },
          { title: t('days.name'), dataIndex: 'name' },
          { title: t('days.works'), render: (_, one) => t(one.works ? 'days.works.yes' : 'days.works.no') },
          {
            title: t('days.as'),
            render: (_, one) => (one.as ? t(`schedule.${WEEKDAYS[one.as - 1] ?? 'mon'}`) : ''),
          },
          { title: t('days.source'), dataIndex: 'source', className: styles.quiet ?? '' },
          ...(keeps
            ? [
                {
                  title: '',
                  align: 'right' as const,
                  render: (_: unknown, one: Day) => (
                    <Button size="small" onClick={() => void send({ day: one.date, remove: true })}>
                      {t('days.remove')}
                    </Button>
                  ),
                },
              ]
            : []),
        ]}
      />
    </>
  );
}

function NewDay({ onAdd }: { onAdd: (values: Record<string, string | number | boolean>) => void }) {
  const { t } = useLocale();
  const [date, setDate] = useState('');
  const [name, setName] = useState('');
  const [works, setWorks] = useState(false);
  const [as, setAs] = useState(0);
  const [source, setSource] = useState('');
  const [missing, setMissing] = useState(false);
  function add() {
    setMissing(!date || !name.trim());
    if (!date || !name.trim()) return;
    onAdd({
      day: date,
      name: name.trim(),
      works,
      ...(works && as ? { 'as-weekday': as } : {}),
      ...(source.trim() ? { source: source.trim() } : {}),
    });
    setDate('');
  }
  return (
    <div className={styles.fields}>
      <Field title={t('days.day')}>
        {(id) => <Input id={id} type="date" value={date} onChange={(event) => setDate(event.target.value)} />}
      </Field>
      <Field title={t('days.name')}>
        {(id) => <Input id={id} value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field title={t('days.works')}>
        {(id) => (
          <Select
            id={id}
            style={{ width: 120 }}
            value={works}
            onChange={setWorks}
            options={[
              { value: false, label: t('days.works.no') },
              { value: true, label: t('days.works.yes') },
            ]}
          />
        )}
      </Field>
      {works && (
        <Field title={t('days.as')}>
          {(id) => (
            <Select
              id={id}
              style={{ width: 140 }}
              value={as}
              onChange={setAs}
              options={[
                { value: 0, label: t('days.as.own') },
                ...WEEKDAYS.map((day, nth) => ({ value: nth + 1, label: t(`schedule.${day}`) })),
              ]}
            />
          )}
        </Field>
      )}
      <Field title={t('days.source')}>
        {(id) => <Input id={id} value={source} onChange={(event) => setSource(event.target.value)} />}
      </Field>
      <Button type="primary" onClick={add}>
        {t('days.add')}
      </Button>
      {missing && <span role="alert">{t('days.incomplete')}</span>}
    </div>
  );
}
