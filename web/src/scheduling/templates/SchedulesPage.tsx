import { Button, Tag } from 'antd';
import type { FhirResource, Practitioner, PractitionerRole, Schedule } from 'fhir/r4';
import { useMemo } from 'react';
import { Link, useNavigate } from 'react-router';
import { search } from '../../client/client';
import { ListPage } from '../../list/ListPage';
import type { Column, Filter, Source } from '../../list/list';
import { useFilters } from '../../list/useFilters';
import { type Translate, useLocale } from '../../locale/locale';
import { BOOKING_KIND, KINDS, kindOf, type Row, rowsOf, WEEKDAYS } from './template';
import styles from './templates.module.css';

const PAGE = 50;

/** `/schedules`: who sees patients when, at this institution. */
export default function SchedulesPage() {
  const { t } = useLocale();
  const navigate = useNavigate();
  const [get] = useFilters();
  const kind = get('kind');
  const state = get('state');
  const source: Source<Schedule> = useMemo(
    () => ({
      key: ['schedules', kind, state],
      first: (signal) =>
        search<Schedule>(
          'Schedule',
          {
            _include: 'Schedule:actor',
            '_include:iterate': 'PractitionerRole:practitioner',
            'service-category': kind ? `${BOOKING_KIND}|${kind}` : '',
            active: state,
            _count: PAGE,
            _total: 'accurate',
          },
          signal,
        ),
    }),
    [kind, state],
  );
  const filters: Filter[] = [
    {
      kind: 'choice',
      name: 'kind',
      label: t('schedule.kind'),
      choices: [
        { value: '', label: t('schedule.kind') },
        ...KINDS.map((one) => ({ value: one, label: t(`schedule.kind.${one}`) })),
      ],
    },
    {
      kind: 'choice',
      name: 'state',
      label: t('schedule.state'),
      choices: [
        { value: '', label: t('schedule.state') },
        { value: 'true', label: t('schedule.state.on') },
        { value: 'false', label: t('schedule.state.off') },
      ],
    },
  ];
  const columns: Column<Schedule>[] = [
    { key: 'who', title: t('schedule.who'), render: (row, came) => whoOf(row, came), width: 180 },
    { key: 'department', title: t('schedule.department'), render: departmentOf, width: 150 },
    { key: 'kind', title: t('schedule.kind'), render: (row) => t(`schedule.kind.${kindOf(row)}`), width: 110 },
    { key: 'rules', title: t('schedule.rules'), render: (row) => <Rules rows={rowsOf(row)} /> },
    {
      key: 'state',
      title: t('schedule.state'),
      width: 90,
      render: (row) =>
        row.active === false ? <Tag>{t('schedule.state.off')}</Tag> : <Tag color="green">{t('schedule.state.on')}</Tag>,
    },
  ];
  return (
    <section className={styles.page}>
      <div className={styles.head}>
        <h1>{t('schedule.title')}</h1>
        <Link to="/working-days">{t('days.title')}</Link>
        <Link to="/schedules/stopped">{t('stopped.title')}</Link>
      </div>
      <ListPage<Schedule>
        what={t('schedule.what')}
        source={source}
        columns={columns}
        filters={filters}
        linkOf={(row) => `/schedules/${row.id ?? ''}`}
        empty={{ title: t('schedule.none'), how: t('schedule.none.how') }}
        actions={
          <Button type="primary" onClick={() => void navigate('/schedules/new')}>
            {t('schedule.new')}
          </Button>
        }
      />
    </section>
  );
}

const departmentOf = (row: Schedule): string =>
  row.specialty?.[0]?.text ?? row.specialty?.[0]?.coding?.[0]?.display ?? '—';

/** The name of the doctor, service or device a schedule is of, as far as it came along. */
export function whoOf(row: Schedule, came: ReadonlyMap<string, FhirResource>): string {
  const actor = row.actor[0];
  if (actor?.display) return actor.display;
  const found = came.get(actor?.reference ?? '') as PractitionerRole | { name?: string } | undefined;
  if (found && 'practitioner' in found && found.practitioner) {
    const person = came.get(found.practitioner.reference ?? '') as Practitioner | undefined;
    return found.practitioner.display ?? person?.name?.[0]?.text ?? '—';
  }
  return (found as { name?: string } | undefined)?.name ?? '—';
}

function Rules({ rows }: { rows: readonly Row[] }) {
  const { t } = useLocale();
  if (rows.length === 0) return <span className="quiet">{t('schedule.rules.none')}</span>;
  return (
    <ul className={styles.rules}>
      {rows.map((row) => (
        <li key={JSON.stringify(row)}>{told(row, t)}</li>
      ))}
    </ul>
  );
}

/** 周一至周五 08:00–12:00,每 60 分钟 5 个号. */
export function told(row: Row, t: Translate): string {
  const { from, to, minutes, places } = row;
  return t('schedule.row', { days: daysTold(row, t), from, to, minutes, places });
}

function daysTold({ weekdays }: Row, t: Translate): string {
  const numbers = weekdays.map((day) => WEEKDAYS.indexOf(day)).sort((a, b) => a - b);
  const [first, last] = [numbers[0], numbers.at(-1)];
  if (first !== undefined && last !== undefined && numbers.length > 2 && last - first === numbers.length - 1) {
    return t('schedule.to-day', {
      from: t(`schedule.${WEEKDAYS[first] ?? 'mon'}`),
      to: t(`schedule.${WEEKDAYS[last] ?? 'mon'}`),
    });
  }
  return numbers.map((number) => t(`schedule.${WEEKDAYS[number] ?? 'mon'}`)).join(t('list.separator'));
}
