import { Tag } from 'antd';
import type { Parameters, Patient, Task } from 'fhir/r4';
import { useState } from 'react';
import { Link } from 'react-router';
import { usePerson } from '../access/person';
import { ask, search } from '../client/client';
import { day, today as todayOf } from '../fhir/dates';
import { patientLine, phone } from '../fhir/patient';
import { ListPage } from '../list/ListPage';
import type { Column } from '../list/list';
import { useFilters } from '../list/useFilters';
import { useLocale } from '../locale/locale';
import { useReading } from '../page/reading';
import { daysLeft, dueOn } from './visit';

const LISTS = ['overdue', 'due', 'done', 'sent'] as const;
type List = (typeof LISTS)[number];

/** `/follow-ups?list=due`: visits after down-referrals, by day; and those of the patients one sent down. */
export default function FollowUpsPage() {
  const { t } = useLocale();
  const person = usePerson();
  const [get] = useFilters();
  const [today] = useState(() => todayOf(new Date()));
  const list: List = LISTS.find((one) => one === get('list')) ?? 'due';
  const counts = useReading(['follow-ups', 'counts'], (signal) =>
    ask<Parameters>('Task/$follow-up-counts', {}, signal),
  );
  const countOf = (name: List) =>
    counts.state === 'here' ? counts.value.parameter?.find((one) => one.name === name)?.valueInteger : undefined;
  const now = new Date();

  const columns: Column<Task>[] = [
    {
      key: 'patient',
      title: t('followup.patient'),
      phone: 'heading',
      render: (task, included) => {
        const patient = included.get(task.for?.reference ?? '') as Patient | undefined;
        return patient ? patientLine(patient, now, t) : (task.for?.display ?? '');
      },
    },
    {
      key: 'visit',
      title: t('followup.visit'),
      phone: 'aside',
      render: (task) => <VisitName task={task} sent={list === 'sent'} />,
    },
    {
      key: 'phone',
      title: t('followup.phone'),
      whole: true,
      render: (task, included) => {
        const patient = included.get(task.for?.reference ?? '') as Patient | undefined;
        return patient ? phone(patient) : '';
      },
    },
    {
      key: 'day',
      title: t(list === 'done' ? 'followup.done.on' : 'followup.due.on'),
      whole: true,
      render: (task) =>
        task.status === 'completed' ? (
          <>
            {day(task.executionPeriod?.end)} <Tag color="green">{t('followup.done')}</Tag>
          </>
        ) : (
          <Due due={dueOn(task)} today={today} />
        ),
    },
  ];

  return (
    <section>
      <h1>{t('followup.title')}</h1>
      <ListPage<Task>
        what={t('followup.title')}
        source={{ key: ['follow-ups', list], first: (signal) => search<Task>('Task/$follow-ups', { list }, signal) }}
        columns={columns}
        filters={[
          {
            kind: 'tabs',
            name: 'list',
            label: t('followup.lists'),
            choices: LISTS.map((one) => ({
              value: one === 'due' ? '' : one,
              label: t(`followup.list.${one}`),
              count: countOf(one),
            })),
          },
        ]}
        linkOf={(task) => `/follow-ups/${task.id ?? ''}`}
        empty={{ title: t(`followup.none.${list}`), how: t('followup.none.how') }}
        actions={person.patient ? null : <Link to="/lost-patients">{t('lost.title')}</Link>}
      />
    </section>
  );
}

/** Which visit, and for a hospital who makes it, for a centre who sent the patient. */
function VisitName({ task, sent }: { task: Task; sent: boolean }) {
  const { t } = useLocale();
  const other = (sent ? task.owner : task.requester)?.display ?? '';
  return (
    <>
      {task.code?.text} <span className="quiet">{t(sent ? 'followup.by' : 'followup.from', { name: other })}</span>
    </>
  );
}

function Due({ due, today }: { due: string; today: string }) {
  const { t } = useLocale();
  const left = daysLeft(due, today);
  const words =
    left < 0 ? t('followup.late', { n: -left }) : left === 0 ? t('followup.today') : t('followup.left', { n: left });
  return (
    <>
      {due} <Tag color={left < 0 ? 'red' : left <= 2 ? 'orange' : 'default'}>{words}</Tag>
    </>
  );
}
