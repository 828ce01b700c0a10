import { useQueryClient } from '@tanstack/react-query';
import { Button, Segmented, Table, Tag } from 'antd';
import { useEffect, useState } from 'react';
import { dateTime } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import { type Access, type AccessPage, readAccesses, STATES, type State } from './emergency';
import styles from './emergency.module.css';
import { ReviewForm } from './ReviewForm';

const COLOURS: Record<State, string> = { open: 'orange', justified: 'green', unjustified: 'red' };

/** `/emergency-review`: 紧急查阅复核, the worklist of the privacy officer. */
export default function ReviewPage() {
  const { t } = useLocale();
  const queries = useQueryClient();
  const [state, setState] = useState<State>('open');
  const [cursors, setCursors] = useState<string[]>([]);
  const [chosen, setChosen] = useState<Access | null>(null);
  const cursor = cursors.at(-1);
  const page = useReading(['emergency-review', state, cursor ?? ''], (signal) => readAccesses(state, cursor, signal));
  useEffect(() => {
    document.title = `${t('review.title')} · ${t('app.name')}`;
    return () => {
      document.title = t('app.name');
    };
  }, [t]);
  return (
    <>
      <h1 className={styles.title}>{t('review.title')}</h1>
      <Segmented
        aria-label={t('review.state')}
        className={styles.states ?? ''}
        value={state}
        options={STATES.map((value) => ({ value, label: t(`review.state.${value}`) }))}
        onChange={(next) => {
          setState(next);
          setCursors([]);
        }}
      />
      <Read of={page} what={t('review.what')}>
        {(found) =>
          found.accesses.length ? (
            <Accesses page={found} onReview={setChosen} onMore={(next) => setCursors([...cursors, next])} />
          ) : (
            <Nothing title={t('review.none.title')} how={t('review.none.how')} />
          )
        }
      </Read>
      {chosen && (
        <ReviewForm
          access={chosen}
          onClose={() => setChosen(null)}
          onDone={() => {
            setChosen(null);
            void queries.invalidateQueries({ queryKey: ['emergency-review'] });
          }}
        />
      )}
    </>
  );
}

interface AccessesProps {
  page: AccessPage;
  onReview: (one: Access) => void;
  onMore: (cursor: string) => void;
}

function Accesses({ page, onReview, onMore }: AccessesProps) {
  const { t } = useLocale();
  const { next } = page;
  return (
    <>
      <Table<Access>
        size="small"
        rowKey="task"
        pagination={false}
        scroll={{ x: 900 }}
        dataSource={page.accesses}
        columns={[
          { title: t('review.patient'), dataIndex: 'patient', width: 100 },
          { title: t('review.opener'), dataIndex: 'opener', width: 100 },
          {
            title: t('review.reason'),
            key: 'reason',
            render: (_, one) => (
              <>
                <strong>{t(`emergency.code.${one.code}` as Key)}</strong>{' '}
                {one.sensitive && <Tag color="volcano">{t('review.sensitive')}</Tag>}
                <br />
                {one.reason}
                {one.comment && (
                  <>
                    <br />
                    <span className="quiet">{one.comment}</span>
                  </>
                )}
              </>
            ),
          },
          {
            title: t('review.when'),
            key: 'opened',
            width: 190,
            render: (_, one) => (
              <>
                {dateTime(one.opened)}
                <br />
                <span className="quiet">{t('review.until', { date: dateTime(one.until) })}</span>
              </>
            ),
          },
          { title: t('review.reads'), dataIndex: 'reads', width: 90, align: 'right' },
          {
            title: t('review.state'),
            key: 'state',
            width: 110,
            render: (_, one) =>
              one.state === 'open' ? (
                <Button size="small" type="primary" onClick={() => onReview(one)}>
                  {t('review.do')}
                </Button>
              ) : (
                <Tag color={COLOURS[one.state]}>{t(`review.state.${one.state}`)}</Tag>
              ),
          },
        ]}
      />
      <p className="quiet">
        {t('review.total', { n: page.total })}{' '}
        {next && (
          <Button size="small" onClick={() => onMore(next)}>
            {t('list.more')}
          </Button>
        )}
      </p>
    </>
  );
}
