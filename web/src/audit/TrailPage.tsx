import { Tag } from 'antd';
import type { AuditEvent } from 'fhir/r4';
import { useMemo } from 'react';
import { search } from '../client/client';
import { dateTime, day } from '../fhir/dates';
import { ListPage } from '../list/ListPage';
import type { Column, Filter, Source } from '../list/list';
import { useFilters } from '../list/useFilters';
import { type Key, type Translate, useLocale } from '../locale/locale';
import { agentOf, didOf, groundOf, groundText, kindsText, patientOf } from './trail';

const PAGE = 50;
const DAY_MS = 86_400_000;
const SPANS = { '1': 0, '7': 6, '30': 29, '180': 179 } as const;
const ACTIONS = { read: 'R,E', write: 'C,U,D' } as const;

/** `/trail`: what was done for the own institution, newest first, for its privacy officer. */
export default function TrailPage() {
  const { t } = useLocale();
  const [get] = useFilters();
  const who = get('who');
  const span = get('span') || '7';
  const action = get('action');
  const patient = get('patient');
  const source: Source<AuditEvent> = useMemo(
    () => ({
      key: ['trail', who, span, action, patient],
      first: (signal) =>
        search<AuditEvent>(
          'AuditEvent',
          {
            'agent-name:contains': who,
            date: since(span),
            action: ACTIONS[action as keyof typeof ACTIONS],
            patient,
            _count: PAGE,
          },
          signal,
        ),
    }),
    [who, span, action, patient],
  );
  return (
    <>
      <h1 className="unseen">{t('trail.title')}</h1>
      <ListPage
        what={t('trail.what')}
        source={source}
        columns={columns(t)}
        filters={filters(t)}
        linkOf={(event) => `/trail/${event.id ?? ''}`}
        empty={{ title: t('trail.empty'), how: t('trail.empty.how') }}
      />
    </>
  );
}

function since(span: string): string | undefined {
  const days = SPANS[span as keyof typeof SPANS];
  return days === undefined ? undefined : `ge${day(new Date(Date.now() - days * DAY_MS).toISOString())}`;
}

function filters(t: Translate): Filter[] {
  return [
    { kind: 'text', name: 'who', label: t('trail.filter.who') },
    {
      kind: 'choice',
      name: 'span',
      label: t('trail.filter.span'),
      choices: [
        { value: '', label: t('trail.span.7') },
        { value: '1', label: t('trail.span.1') },
        { value: '30', label: t('trail.span.30') },
        { value: '180', label: t('trail.span.180') },
      ],
    },
    {
      kind: 'choice',
      name: 'action',
      label: t('trail.filter.action'),
      choices: [
        { value: '', label: t('trail.action.all') },
        { value: 'read', label: t('trail.action.read') },
        { value: 'write', label: t('trail.action.write') },
      ],
    },
  ];
}

function columns(t: Translate): Column<AuditEvent>[] {
  return [
    {
      key: 'when',
      title: t('trail.when'),
      width: 150,
      whole: true,
      phone: 'aside',
      render: (event) => dateTime(event.recorded),
    },
    {
      key: 'who',
      title: t('trail.who'),
      width: '16%',
      phone: 'heading',
      render: (event) => {
        const { name, account } = agentOf(event);
        return (
          <>
            {name || t('trail.nobody')} {account && <span className="quiet">{account}</span>}
          </>
        );
      },
    },
    { key: 'did', title: t('trail.did'), width: 110, render: (event) => t(`trail.did.${didOf(event)}` as Key) },
    { key: 'patient', title: t('trail.patient'), width: '14%', render: (event) => patientOf(event)?.name || '—' },
    { key: 'what', title: t('trail.about'), render: (event) => kindsText(event, t) || '—' },
    {
      key: 'ground',
      title: t('trail.ground'),
      width: 140,
      render: (event) =>
        groundOf(event) === 'emergency' ? (
          <Tag color="red">{t('trail.ground.emergency')}</Tag>
        ) : (
          groundText(event, t) || '—'
        ),
    },
  ];
}
