import { Drawer, Input, Segmented, Select, Table, Tag } from 'antd';
import type { Parameters } from 'fhir/r4';
import { useEffect, useState } from 'react';
import { has, usePerson } from '../access/person';
import { ask } from '../client/client';
import { day, today } from '../fhir/dates';
import { useAppearance } from '../layout/appearance';
import { useFilters } from '../list/useFilters';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import { DirectionTag, UrgencyTag } from '../referral/Tags';
import { AdjustForm } from './AdjustForm';
import styles from './criteria.module.css';
import { keepsCriteria } from './index';
import { type Entry, entriesOf, matches, type Use, usesOf } from './library';

const PAGE = 20;

/** `/criteria`: the library, what each rule says and rests on; the office sets limits and switches rules off, from a day on. */
export default function CriteriaPage() {
  const { t } = useLocale();
  useEffect(() => {
    document.title = `${t('criteria.title')} · ${t('app.name')}`;
    return () => {
      document.title = t('app.name');
    };
  }, [t]);
  const reading = useReading(['criteria', 'library'], (signal) =>
    ask<Parameters>('PlanDefinition/$in-force', {}, signal).then(entriesOf),
  );
  return (
    <section>
      <h1>{t('criteria.title')}</h1>
      <p className="quiet">{t('criteria.library.how')}</p>
      <Read of={reading} what={t('criteria.title')} rows={12}>
        {(entries) => <Library entries={entries} />}
      </Read>
    </section>
  );
}

function Library({ entries }: { entries: readonly Entry[] }) {
  const { t } = useLocale();
  const person = usePerson();
  const { phone } = useAppearance();
  const [get, set] = useFilters();
  const [open, setOpen] = useState<Entry | null>(null);
  const counted = has(person, 'office', 'head', 'coordinator');
  const year = today(new Date());
  const uses = useReading(
    ['criteria', 'answers', year],
    (signal) =>
      ask<Parameters>(
        'PlanDefinition/$answers',
        { start: `${Number(year.slice(0, 4)) - 1}${year.slice(4)}`.replace('02-29', '02-28'), end: year },
        signal,
      ).then(usesOf),
    { enabled: counted, staleTime: 60_000 },
  );
  const direction = get('direction');
  const topic = get('topic');
  const text = get('q');
  const shown = entries.filter(
    (one) =>
      (!direction || one.direction === direction) &&
      (!topic || one.topic.code === topic) &&
      (!text || matches(one, text)),
  );
  const topics = [...new Map(entries.map((one) => [one.topic.code, one.topic.name]))];
  const answersTo = (one: Entry): Use | undefined => (uses.state === 'here' ? uses.value.get(one.url) : undefined);
  return (
    <>
      <div className={styles.filters}>
        <Segmented
          aria-label={t('criteria.filter.direction')}
          value={direction}
          onChange={(next) => set('direction', next)}
          options={[
            { value: '', label: t('criteria.filter.all') },
            { value: 'up', label: t('referral.direction.up') },
            { value: 'down', label: t('referral.direction.down') },
          ]}
        />
        <Select
          aria-label={t('criteria.filter.topic')}
          style={{ minWidth: 140 }}
          value={topic}
          onChange={(next) => set('topic', next)}
          options={[
            { value: '', label: `${t('criteria.filter.topic')}：${t('criteria.filter.all')}` },
            ...topics.map(([value, label]) => ({ value, label })),
          ]}
        />
        <Input.Search
          allowClear
          aria-label={t('criteria.filter.find')}
          placeholder={t('criteria.filter.find')}
          style={{ width: 260 }}
          defaultValue={text}
          onSearch={(next) => set('q', next.trim())}
        />
      </div>
      <Table<Entry>
        aria-label={t('criteria.title')}
        size="small"
        rowKey="url"
        dataSource={shown}
        pagination={shown.length > PAGE ? { pageSize: PAGE, showSizeChanger: false } : false}
        locale={{ emptyText: <Nothing title={t('criteria.library.none')} how={t('criteria.library.none.how')} /> }}
        rowClassName={(one) => (one.active ? '' : (styles.off ?? ''))}
        columns={[
          {
            title: t('criteria.column.title'),
            key: 'title',
            width: phone ? undefined : 260,
            render: (_, one) => (
              <>
                <button type="button" className="link" onClick={() => setOpen(one)}>
                  {one.title}
                </button>
                <div>
                  <DirectionTag direction={one.direction} /> <span className="quiet">{one.topic.name}</span>{' '}
                  {!one.active && <Tag>{t('criteria.off')}</Tag>}
                  {one.changes > 0 && <Tag color="blue">{t('criteria.adjusted')}</Tag>}
                </div>
              </>
            ),
          },
          { title: t('criteria.column.rule'), dataIndex: 'rule' },
          ...(phone
            ? []
            : [
                {
                  title: t('criteria.column.urgency'),
                  key: 'urgency',
                  width: 96,
                  render: (_: unknown, one: Entry) => <UrgencyTag urgency={one.urgency} />,
                },
                {
                  title: t('criteria.column.source'),
                  key: 'source',
                  width: 300,
                  render: (_: unknown, one: Entry) => (
                    <span className={styles.small}>
                      {one.source} <Tag>{t(`criteria.evidence.${one.evidence}` as Key)}</Tag>
                    </span>
                  ),
                },
              ]),
          ...(counted && !phone
            ? [
                {
                  title: t('criteria.column.use'),
                  key: 'use',
                  width: 110,
                  align: 'right' as const,
                  render: (_: unknown, one: Entry) => {
                    const use = answersTo(one);
                    return `${use?.followed ?? 0} / ${use?.overridden ?? 0}`;
                  },
                },
              ]
            : []),
        ]}
      />
      <Drawer
        open={open !== null}
        onClose={() => setOpen(null)}
        size={phone ? 'default' : 'large'}
        title={open?.title}
        destroyOnHidden
      >
        {open && <Detail entry={open} onChanged={() => setOpen(null)} />}
      </Drawer>
    </>
  );
}

function Detail({ entry, onChanged }: { entry: Entry; onChanged: () => void }) {
  const { t } = useLocale();
  const person = usePerson();
  return (
    <>
      <dl className={styles.detail}>
        <dt>{t('criteria.rule')}</dt>
        <dd>{entry.rule}</dd>
        <dt>{t('criteria.source')}</dt>
        <dd>
          {entry.source} <Tag>{t(`criteria.evidence.${entry.evidence}` as Key)}</Tag>
        </dd>
        <dt>{t('criteria.column.since')}</dt>
        <dd>
          {day(entry.since)} · {t('criteria.version')} {entry.version} ·{' '}
          {t(entry.active ? 'criteria.active' : 'criteria.off')}
        </dd>
        <dt>{t('criteria.findings')}</dt>
        {entry.findings.map((one) => (
          <dd key={one.name}>
            {one.text}
            <div className="quiet">
              {t('criteria.expression')} <code>{one.expression}</code>
            </div>
          </dd>
        ))}
      </dl>
      {keepsCriteria(person) && <AdjustForm entry={entry} onSaved={onChanged} />}
    </>
  );
}
