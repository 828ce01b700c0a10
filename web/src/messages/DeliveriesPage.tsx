import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { App, Button, Popconfirm, Select, Table, Tag } from 'antd';
import { useState } from 'react';
import { whatHappened } from '../client/problem';
import { dateTime } from '../fhir/dates';
import { useAppearance } from '../layout/appearance';
import { useFilters } from '../list/useFilters';
import { type Key, type Translate, useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Nothing } from '../page/Nothing';
import { Waiting } from '../page/Waiting';
import { type Delivery, type DeliveryPage, readDeliveries, sendAgain } from './message';
import styles from './messages.module.css';

const STATES = ['waiting', 'sent', 'failed', 'bounced', 'withheld', 'gathered', 'digested'] as const;
const CHANNELS = ['sms', 'email', 'wechat'] as const;
const COLORS: Record<string, string> = {
  sent: 'green',
  failed: 'red',
  bounced: 'red',
  waiting: 'blue',
  gathered: 'blue',
};

/** `/deliveries`, 发送记录: what was sent outside, how it stands, and sending it again. */
export default function DeliveriesPage() {
  const { t, lang } = useLocale();
  const { phone } = useAppearance();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [get, set] = useFilters();
  const [busy, setBusy] = useState('');
  const filters = { state: get('state'), channel: get('channel') };
  const narrowed = filters.state !== '' || filters.channel !== '';
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useInfiniteQuery({
    queryKey: ['deliveries', filters.state, filters.channel, lang],
    queryFn: ({ pageParam, signal }) => readDeliveries(filters, lang, pageParam, signal),
    initialPageParam: '',
    getNextPageParam: (page: DeliveryPage) => page.next,
  });
  const rows = data?.pages.flatMap((page) => page.deliveries) ?? [];

  async function again(id: string) {
    setBusy(id);
    try {
      await sendAgain(id);
      void message.success(t('deliveries.again.done'));
    } catch (problem) {
      void message.error(whatHappened(problem, t, lang));
    }
    setBusy('');
    void queries.invalidateQueries({ queryKey: ['deliveries'] });
  }

  const button = (one: Delivery) => {
    if (one.state === 'waiting') return null;
    const taken = one.state === 'sent';
    const press = (
      <Button
        size="small"
        loading={busy === one.id}
        aria-label={`${t('deliveries.again')} ${one.title} ${one.address}`}
        {...(taken ? {} : { onClick: () => void again(one.id) })}
      >
        {t('deliveries.again')}
      </Button>
    );
    if (!taken) return press;
    return (
      <Popconfirm
        title={t('deliveries.again.sent')}
        description={`${t(`deliveries.channel.${one.channel}` as Key)} ${whose(one, t)} ${one.address}`}
        okText={t('deliveries.again')}
        onConfirm={() => void again(one.id)}
        placement="left"
      >
        {press}
      </Popconfirm>
    );
  };

  return (
    <section className={styles.deliveries} aria-labelledby="deliveries-title">
      <header>
        <h1 id="deliveries-title">{t('deliveries.title')}</h1>
        <Select
          aria-label={t('deliveries.state')}
          className={styles.kind ?? ''}
          value={filters.state}
          options={[
            { value: '', label: t('deliveries.state.all') },
            ...STATES.map((one) => ({ value: one, label: t(`deliveries.state.${one}`) })),
          ]}
          onChange={(next) => set('state', next)}
        />
        <Select
          aria-label={t('deliveries.channel')}
          className={styles.kind ?? ''}
          value={filters.channel}
          options={[
            { value: '', label: t('deliveries.channel.all') },
            ...CHANNELS.map((one) => ({ value: one, label: t(`deliveries.channel.${one}`) })),
          ]}
          onChange={(next) => set('channel', next)}
        />
      </header>
      <p className="quiet">{t('deliveries.how')}</p>
      {error && !data ? (
        <Failure error={error} what={t('deliveries.title')} onRetry={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('deliveries.title')} rows={6} />
      ) : rows.length === 0 ? (
        <Nothing
          title={t(narrowed ? 'deliveries.none.filtered' : 'deliveries.none')}
          how={t(narrowed ? 'deliveries.none.filtered.how' : 'deliveries.none.how')}
        />
      ) : phone ? (
        <ol className={styles.list}>
          {rows.map((one) => (
            <li key={one.id} className={styles.line}>
              <div className={styles.head}>
                <strong>{one.title}</strong> <State one={one} t={t} />
                <time>{dateTime(one.created)}</time>
              </div>
              <p>{one.text}</p>
              {(one.error || one.nextTry) && (
                <p className="quiet">
                  {one.error} {one.nextTry && t('deliveries.next', { time: dateTime(one.nextTry) })}
                </p>
              )}
              <div className={styles.foot}>
                <span className="quiet">
                  {t(`deliveries.channel.${one.channel}` as Key)} {whose(one, t)} {one.address}
                </span>
                {button(one)}
              </div>
            </li>
          ))}
        </ol>
      ) : (
        <Table<Delivery>
          size="small"
          rowKey="id"
          pagination={false}
          dataSource={[...rows]}
          columns={[
            { title: t('deliveries.when'), width: 130, render: (_, one) => dateTime(one.created) },
            {
              title: t('deliveries.channel'),
              width: 70,
              render: (_, one) => t(`deliveries.channel.${one.channel}` as Key),
            },
            {
              title: t('deliveries.to'),
              width: 180,
              render: (_, one) => (
                <>
                  {whose(one, t)}
                  <div className="quiet">{one.address}</div>
                </>
              ),
            },
            {
              title: t('deliveries.content'),
              render: (_, one) => (
                <>
                  <strong>{one.title}</strong>
                  <div className="quiet">{one.text}</div>
                </>
              ),
            },
            {
              title: t('deliveries.state'),
              width: 200,
              render: (_, one) => (
                <>
                  <State one={one} t={t} />
                  {one.attempts > 1 && <span className="quiet">{t('deliveries.tries', { n: one.attempts })}</span>}
                  {one.nextTry && <div className="quiet">{t('deliveries.next', { time: dateTime(one.nextTry) })}</div>}
                  {one.error && <div className="quiet">{one.error}</div>}
                </>
              ),
            },
            { title: '', width: 100, render: (_, one) => button(one) },
          ]}
        />
      )}
      {data && rows.length > 0 && (
        <p className={styles.more}>
          <span className="quiet">{t('deliveries.count', { n: data.pages[0]?.total ?? 0 })}</span>{' '}
          {hasNextPage && (
            <Button size="small" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              {t('deliveries.more')}
            </Button>
          )}
        </p>
      )}
    </section>
  );
}

/** Who the letter is for; whoever has no account is named by how the address is known. */
const whose = (one: Delivery, t: Translate): string =>
  one.to || t(one.outside ? 'deliveries.to.outside' : 'deliveries.to.record');

function State({ one, t }: { one: Delivery; t: Translate }) {
  return <Tag color={COLORS[one.state] ?? 'default'}>{t(`deliveries.state.${one.state}` as Key)}</Tag>;
}
