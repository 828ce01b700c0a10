import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { App, Button, Table, Tag } from 'antd';
import type { Parameters } from 'fhir/r4';
import { useState } from 'react';
import { ask, operate } from '../../client/client';
import { whatHappened } from '../../client/problem';
import { dateTime } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import { Nothing } from '../../page/Nothing';
import { parametersOf, type Stopped, stoppedOf } from './template';
import styles from './templates.module.css';

/** Who has a place in what was stopped, with where they could go: of one schedule, or of the whole institution. */
export function StoppedList({ schedule }: { schedule?: string }) {
  const { t, lang } = useLocale();
  const { message, modal } = App.useApp();
  const queries = useQueryClient();
  const [busy, setBusy] = useState('');
  const of: Record<string, string> = schedule ? { schedule: `Schedule/${schedule}` } : {};
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } = useInfiniteQuery({
    queryKey: ['stopped', schedule ?? ''],
    queryFn: async ({ pageParam, signal }) =>
      stoppedOf(await ask<Parameters>('Schedule/$stopped', { ...of, _cursor: pageParam }, signal)),
    initialPageParam: '',
    getNextPageParam: (page: { next: string }) => page.next || undefined,
  });
  const rows = data?.pages.flatMap((page) => page.rows) ?? [];

  async function carryOut(name: string, what: () => Promise<string>) {
    setBusy(name);
    try {
      message.success(await what());
    } catch (fault) {
      message.error(whatHappened(fault, t, lang));
    }
    setBusy('');
    await queries.invalidateQueries({ queryKey: ['stopped'] });
  }

  const move = (only?: string) =>
    carryOut(only ?? 'all', async () => {
      const done = await operate<Parameters>(
        'Schedule/$move-stopped',
        parametersOf({ ...of, ...(only ? { appointment: [only] } : {}) }),
      );
      const many = (name: string) => (done.parameter ?? []).filter((part) => part.name === name).length;
      return t('stopped.moved', { moved: many('moved'), left: many('left') });
    });

  const cancel = (row: Stopped) =>
    modal.confirm({
      title: t('stopped.cancel.sure', { name: row.name }),
      okText: t('stopped.cancel'),
      okButtonProps: { danger: true },
      cancelText: t('do.close'),
      onOk: () =>
        carryOut(row.appointment, async () => {
          await operate(`${row.appointment}/$cancel`, parametersOf({ reason: t('stopped.cancel.reason') }));
          return t('stopped.cancelled');
        }),
    });

  if (error) return <Failure error={error} what={t('stopped.what')} onRetry={() => void refetch()} />;
  if (!isPending && rows.length === 0) return <Nothing title={t('stopped.none')} how={t('stopped.none.how')} />;
  return (
    <>
      {rows.length > 0 && (
        <div className={styles.head}>
          <Button type="primary" loading={busy === 'all'} onClick={() => void move()}>
            {t('stopped.move.all')}
          </Button>
        </div>
      )}
      <Table<Stopped>
        size="small"
        rowKey="appointment"
        aria-label={t('stopped.what')}
        loading={isPending}
        dataSource={rows}
        pagination={false}
        scroll={{ x: 'max-content' }}
        columns={[
          { title: t('stopped.patient'), dataIndex: 'name', rowScope: 'row' },
          { title: t('stopped.phone'), dataIndex: 'phone', className: styles.number ?? '' },
          {
            title: t('stopped.was'),
            className: styles.number ?? '',
            render: (_, row) => dateTime(row.start),
          },
          { title: t('stopped.to'), render: (_, row) => <Proposed row={row} /> },
          {
            title: '',
            align: 'right',
            render: (_, row) => (
              <>
                <Button
                  size="small"
                  disabled={!row.proposal || row.status !== 'booked'}
                  loading={busy === row.appointment}
                  onClick={() => void move(row.appointment)}
                >
                  {t('stopped.move')}
                </Button>{' '}
                <Button size="small" onClick={() => cancel(row)}>
                  {t('stopped.cancel')}
                </Button>
              </>
            ),
          },
        ]}
      />
      {hasNextPage && (
        <Button loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t('stopped.more')}
        </Button>
      )}
    </>
  );
}

function Proposed({ row }: { row: Stopped }) {
  const { t } = useLocale();
  if (row.status === 'checked-in') return <>{t('stopped.came')}</>;
  if (!row.proposal) return <span className={styles.quiet}>{t('stopped.to.none')}</span>;
  return (
    <>
      <span className={styles.number}>{dateTime(row.proposal.start)}</span> {row.proposal.with}{' '}
      {row.proposal.same && <Tag>{t('stopped.same')}</Tag>}
    </>
  );
}
