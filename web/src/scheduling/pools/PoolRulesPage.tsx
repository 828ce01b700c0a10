import { useQueryClient } from '@tanstack/react-query';
import { Button, Segmented, Table, Tabs, Tag } from 'antd';
import type { Parameters } from 'fhir/r4';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { usePerson } from '../../access/person';
import { ask } from '../../client/client';
import { dateTime, today } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { Read, useReading } from '../../page/reading';
import { plus } from '../days';
import styles from '../templates/templates.module.css';
import { keepsPoolRules, poolRuleLevels } from '.';
import { RulesForm } from './RulesForm';
import { RuleTable } from './RuleTable';
import { type Change, type Keeping, type Level, type Rule, type Told, toldOf } from './rules';

/** `/pool-rules`: what is kept for whom, from when on something else, and who changed it; of the own institution, or of the region
 *  (`?level=region`). */
export default function PoolRulesPage() {
  const { t } = useLocale();
  const levels = poolRuleLevels(usePerson());
  const [search, setSearch] = useSearchParams();
  const level = levels.find((one) => one === search.get('level')) ?? levels[0] ?? 'institution';
  const reading = useReading(['pool-rules', level], async (signal) =>
    toldOf(await ask<Parameters>('Schedule/$pool-rules', { level }, signal)),
  );
  return (
    <section className={styles.page}>
      <h1>{t('pool.title')}</h1>
      <p className={styles.quiet}>{t('pool.how')}</p>
      {levels.length > 1 && (
        <Segmented
          aria-label={t('pool.level')}
          value={level}
          options={levels.map((value) => ({ value, label: t(`pool.level.${value}`) }))}
          onChange={(next) => setSearch(next === levels[0] ? {} : { level: next }, { replace: true })}
        />
      )}
      {level === 'region' && <p className={styles.quiet}>{t('pool.level.region.how')}</p>}
      <Read of={reading} what={t('pool.title')} rows={10}>
        {(told) => <Held key={level} told={told} level={level} />}
      </Read>
    </section>
  );
}

function Held({ told, level }: { told: Told; level: Level }) {
  const { t } = useLocale();
  const keeps = keepsPoolRules(usePerson(), level);
  const queries = useQueryClient();
  const [edits, setEdits] = useState(false);
  const last = told.holds.at(-1);
  const shown = [
    ...told.holds.map((one, nth) => ({ one, title: nth ? t('pool.holds', { since: one.day }) : t('pool.holds.now') })),
    ...(level === 'institution' && told.region && told.holds.some(({ own }) => own)
      ? [{ one: told.region, title: t('pool.region') }]
      : []),
  ];
  return (
    <>
      <Tabs
        items={shown.map(({ one, title }) => ({
          key: title,
          label: (
            <>
              {title}{' '}
              {level === 'institution' && one !== told.region && (
                <Tag color={one.own ? 'cyan' : 'default'}>{t(one.own ? 'pool.own' : 'pool.region')}</Tag>
              )}
            </>
          ),
          children: (
            <div className={styles.inside}>
              <RuleTable of={one} label={title} tells={level === 'institution' && one !== told.region} />
            </div>
          ),
        }))}
        tabBarExtraContent={
          keeps &&
          !edits && (
            <Button type="primary" onClick={() => setEdits(true)}>
              {t('pool.edit')}
            </Button>
          )
        }
      />
      {edits && last && (
        <RulesForm
          level={level}
          begin={last}
          since={plus(today(new Date()), last.releaseDays + 1)}
          onLeave={() => setEdits(false)}
          onSaved={() => {
            setEdits(false);
            void queries.invalidateQueries({ queryKey: ['pool-rules'] });
          }}
        />
      )}
      {level === 'region' && <OwnRules of={told.institutions} />}
      <History changes={told.changes} level={level} />
    </>
  );
}

/** Which institutions of the region have rules of their own, and what they say. */
function OwnRules({ of }: { of: readonly Keeping[] }) {
  const { t } = useLocale();
  const inWords = useInWords();
  return (
    <Panel title={t('pool.institutions')} bare>
      {of.length === 0 ? (
        <p className={styles.inside}>{t('pool.institutions.none')}</p>
      ) : (
        <Table<Keeping>
          size="small"
          aria-label={t('pool.institutions')}
          rowKey="id"
          dataSource={[...of]}
          pagination={of.length > 10 ? { pageSize: 10, showSizeChanger: false } : false}
          scroll={{ x: 'max-content' }}
          columns={[
            { title: t('pool.institution'), dataIndex: 'name', rowScope: 'row' },
            { title: t('pool.history.since'), className: styles.number ?? '', render: (_, { rules }) => rules.since },
            {
              title: t('pool.own'),
              render: (_, { rules }) =>
                [
                  ...(rules.rules.some(({ own }) => own) ? [inWords(rules.rules.filter(({ own }) => own))] : []),
                  ...(rules.ownRelease
                    ? [t('pool.release.said', { days: rules.releaseDays, at: rules.releaseAt })]
                    : []),
                ].join('；') || t('pool.own.same'),
            },
            {
              title: t('pool.less.title'),
              render: (_, { rules }) => rules.less && <Tag color="orange">{t('pool.less.tag')}</Tag>,
            },
          ]}
        />
      )}
    </Panel>
  );
}

function useInWords(): (rules: readonly Rule[]) => string {
  const { t } = useLocale();
  return (rules) =>
    rules
      .map(({ kind, pool, share }) => `${t(`schedule.kind.${kind}`)} ${t(`booking.pool.${pool}`)} ${share}%`)
      .join('，') || t('pool.none');
}

function History({ changes, level }: { changes: readonly Change[]; level: Level }) {
  const { t } = useLocale();
  const inWords = useInWords();
  const said = (change: Change) =>
    change.what === 'release'
      ? t('pool.release.said', { days: change.releaseDays, at: change.releaseAt })
      : inWords(change.rules);
  return (
    <Panel title={t('pool.history')} bare>
      {changes.length === 0 ? (
        <p className={styles.inside}>{t(level === 'region' ? 'pool.history.none.region' : 'pool.history.none')}</p>
      ) : (
        <Table<Change>
          size="small"
          aria-label={t('pool.history')}
          rowKey={(row) => `${row.at} ${row.what}`}
          dataSource={[...changes]}
          pagination={changes.length > 10 ? { pageSize: 10, showSizeChanger: false } : false}
          scroll={{ x: 'max-content' }}
          columns={[
            {
              title: t('pool.history.at'),
              className: styles.number ?? '',
              render: (_, row) => dateTime(row.at),
              rowScope: 'row',
            },
            { title: t('pool.history.since'), dataIndex: 'since', className: styles.number ?? '' },
            { title: t('pool.history.what'), render: (_, row) => said(row) },
            { title: t('pool.source'), dataIndex: 'source' },
            {
              title: t('pool.history.by'),
              render: (_, row) => (
                <>
                  {row.by} {level === 'institution' && !row.own && <Tag>{t('pool.region')}</Tag>}
                </>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}
