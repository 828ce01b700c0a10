import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { App, Button, Segmented, Select, Tag } from 'antd';
import { useCallback } from 'react';
import { Link } from 'react-router';
import { whatHappened } from '../client/problem';
import { ago, dateTime } from '../fhir/dates';
import { useFilters } from '../list/useFilters';
import { type Key, useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Nothing } from '../page/Nothing';
import { Waiting } from '../page/Waiting';
import { useNow } from '../referral/useNow';
import { type Message, type MessagePage, markHandled, markRead, readMessages } from './message';
import styles from './messages.module.css';

const KINDS = ['referral', 'conversation', 'booking', 'waitlist', 'bed', 'followup', 'consortium', 'account'] as const;
const WHICH = ['all', 'unread', 'open'] as const;

/** `/messages`: what one was told, newest first. */
export default function InboxPage() {
  const { t, lang } = useLocale();
  const queries = useQueryClient();
  const { message: toast } = App.useApp();
  const [get, set] = useFilters();
  const kind = get('kind');
  const which = WHICH.find((one) => one === get('which')) ?? 'all';
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useInfiniteQuery({
    queryKey: ['messages', kind, which, lang],
    queryFn: ({ pageParam, signal }) => readMessages({ kind, which }, lang, pageParam, signal),
    initialPageParam: '',
    getNextPageParam: (page: MessagePage) => page.next,
  });
  const all = data?.pages.flatMap((page) => page.messages) ?? [];

  const renew = useCallback(() => {
    void queries.invalidateQueries({ queryKey: ['messages'] });
    void queries.invalidateQueries({ queryKey: ['messages-counts'] });
  }, [queries]);
  const does = useCallback(
    async (what: Promise<unknown>) => {
      try {
        await what;
      } catch (problem) {
        void toast.error(whatHappened(problem, t, lang));
      }
      renew();
    },
    [renew, toast, t, lang],
  );

  return (
    <section className={styles.inbox} aria-labelledby="messages-title">
      <header>
        <h1 id="messages-title">{t('messages.title')}</h1>
        <Segmented
          aria-label={t('messages.which')}
          value={which}
          options={WHICH.map((one) => ({ value: one, label: t(`messages.${one}`) }))}
          onChange={(next) => set('which', next === 'all' ? '' : next)}
        />
        <Select
          aria-label={t('messages.kind')}
          className={styles.kind ?? ''}
          value={kind}
          options={[
            { value: '', label: t('messages.kind.all') },
            ...KINDS.map((one) => ({ value: one, label: t(`messages.kind.${one}`) })),
          ]}
          onChange={(next) => set('kind', next)}
        />
        <Button
          className={styles.all ?? ''}
          disabled={!all.some((one) => one.unread)}
          onClick={() => void does(markRead([]))}
        >
          {t('messages.read.all')}
        </Button>
      </header>
      {error && !data ? (
        <Failure error={error} what={t('messages.title')} onRetry={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('messages.title')} rows={6} />
      ) : all.length === 0 ? (
        kind || which !== 'all' ? (
          <Nothing title={t('messages.none.filtered')} />
        ) : (
          <Nothing title={t('messages.none')} how={t('messages.none.how')} />
        )
      ) : (
        <ol className={styles.list}>
          {all.map((one) => (
            <Line
              key={one.id}
              message={one}
              onRead={() => one.unread && void does(markRead([one.id]))}
              onHandle={() => void does(markHandled(one.id))}
            />
          ))}
        </ol>
      )}
      {hasNextPage && (
        <p className={styles.more}>
          <Button loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t('messages.more')}
          </Button>
        </p>
      )}
    </section>
  );
}

function Line({ message, onRead, onHandle }: { message: Message; onRead: () => void; onHandle: () => void }) {
  const { t } = useLocale();
  const now = useNow();
  const { title, text, to, sent, unread, times, post, handled, handledBy, urgent } = message;
  return (
    <li className={unread ? `${styles.line} ${styles.unread}` : styles.line} data-event={message.event}>
      <div className={styles.head}>
        {unread && <span className={styles.dot} role="img" aria-label={t('messages.new')} />}
        {to ? (
          <Link to={to} onClick={onRead}>
            {title}
          </Link>
        ) : (
          <button type="button" className={styles.title} onClick={onRead}>
            {title}
          </button>
        )}
        {urgent && <Tag color="red">{t('messages.urgent')}</Tag>}
        {times > 1 && <Tag>{t('messages.times', { n: times })}</Tag>}
        <time dateTime={sent} title={dateTime(sent)}>
          {ago(sent, now, t)}
        </time>
      </div>
      <p>{text || t('messages.withheld')}</p>
      {post && (
        <div className={styles.foot}>
          <span className="quiet">{t('messages.post', { post: t(`post.${post}` as Key) })}</span>
          {handled ? (
            <span className="quiet">{t('messages.handled', { who: handledBy })}</span>
          ) : (
            <Button size="small" aria-label={`${t('messages.handle')} ${title}`} onClick={onHandle}>
              {t('messages.handle')}
            </Button>
          )}
        </div>
      )}
    </li>
  );
}
