import { useQueryClient } from '@tanstack/react-query';
import { Button, Table, Tabs, Tag } from 'antd';
import type { Parameters } from 'fhir/r4';
import { useState } from 'react';
import { usePerson } from '../../access/person';
import { ask } from '../../client/client';
import { dateTime, today } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { Read, useReading } from '../../page/reading';
import { plus } from '../days';
import styles from '../templates/templates.module.css';
import { keepsPoolRules } from '.';
import { RulesForm } from './RulesForm';
import { RuleTable } from './RuleTable';
import { type Change, type Told, toldOf } from './rules';

/** `/pool-rules`: what is kept for whom, from when on something else, and who changed it; the office changes it. */
export default function PoolRulesPage() {
  const { t } = useLocale();
  const reading = useReading(['pool-rules'], async (signal) =>
    toldOf(await ask<Parameters>('Schedule/$pool-rules', {}, signal)),
  );
  return (
    <section className={styles.page}>
      <h1>{t('pool.title')}</h1>
      <p className={styles.quiet}>{t('pool.how')}</p>
      <Read of={reading} what={t('pool.title')} rows={10}>
        {(told) => <Held told={told} />}
      </Read>
    </section>
  );
}

function Held({ told }: { told: Told }) {
  const { t } = useLocale();
  const keeps = keepsPoolRules(usePerson());
  const queries = useQueryClient();
  const [edits, setEdits] = useState(false);
  const last = told.holds.at(-1);
  const shown = [
    ...told.holds.map((one, nth) => ({ one, title: nth ? t('pool.holds', { since: one.day }) : t('pool.holds.now') })),
    ...(told.region && told.holds.some(({ own }) => own) ? [{ one: told.region, title: t('pool.region') }] : []),
  ];
  return (
    <>
      <Tabs
        items={shown.map(({ one, title }) => ({
          key: title,
          label: (
            <>
              {title} <Tag color={one.own ? 'cyan' : 'default'}>{t(one.own ? 'pool.own' : 'pool.region')}</Tag>
            </>
          ),
          children: (
            <div className={styles.inside}>
              <RuleTable of={one} label={title} />
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
          begin={last}
          since={plus(today(new Date()), last.releaseDays + 1)}
          onLeave={() => setEdits(false)}
          onSaved={() => {
            setEdits(false);
            void queries.invalidateQueries({ queryKey: ['pool-rules'] });
          }}
        />
      )}
      <History changes={told.changes} />
    </>
  );
}

function History({ changes }: { changes: readonly Change[] }) {
  const { t } = useLocale();
  const said = (change: Change) =>
    change.what === 'release'
      ? t('pool.release.said', { days: change.releaseDays, at: change.releaseAt })
      : change.rules
          .map(({ kind, pool, share }) => `${t(`schedule.kind.${kind}`)} ${t(`booking.pool.${pool}`)} ${share}%`)
          .join('，') || t('pool.none');
  return (
    <Panel title={t('pool.history')} bare>
      {changes.length === 0 ? (
        <p className={styles.inside}>{t('pool.history.none')}</p>
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
                  {row.by} {!row.own && <Tag>{t('pool.region')}</Tag>}
                </>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}
