import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Input, Tag } from 'antd';
import { useId, useState } from 'react';
import { Link, useParams } from 'react-router';
import { dateTime } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import NotFound from '../page/NotFound';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import styles from './identity.module.css';
import { whyText } from './PairList';
import { type Agreement, type Decision, decide, type Pair, percent, readPair, scoreOf, stateOf } from './pairs';
import { Waterfall } from './Waterfall';

/** `/match/:id`: two records side by side, why they look alike, and the decision with its reason. */
export default function PairPage() {
  const { id = '' } = useParams();
  const { t } = useLocale();
  const reading = useReading(['match', 'pair', id], (signal) => readPair(id, signal), { staleTime: 0 });
  if (!/^\d{1,9}$/.test(id)) return <NotFound />;
  return (
    <>
      <h1 className={styles.title}>
        {t('match.title')} <Link to="/match">{t('match.back')}</Link>
      </h1>
      <Read of={reading} what={t('match.pair')} rows={10}>
        {(pair) => <Review key={`${id}-${stateOf(pair.task)}`} id={id} pair={pair} />}
      </Read>
    </>
  );
}

function Review({ id, pair }: { id: string; pair: Pair }) {
  const { t } = useLocale();
  return (
    <div className={styles.review}>
      <div className={styles.column}>
        <Panel title={t('match.compare')} aside={<span className="quiet">{whyText(pair.task, t)}</span>}>
          <Comparison pair={pair} />
        </Panel>
        <Deciding id={id} pair={pair} />
      </div>
      <Panel
        title={t('match.steps')}
        aside={
          <span className={styles.score}>
            {t('match.score')} {percent(scoreOf(pair.task))}
          </span>
        }
      >
        <div className={styles.inner}>
          {pair.steps.length > 0 && pair.weight !== undefined ? (
            <Waterfall steps={pair.steps} weight={pair.weight} />
          ) : (
            <p className={styles.note}>{t('match.steps.none')}</p>
          )}
        </div>
      </Panel>
    </div>
  );
}

const COLOURS: Record<Agreement, string> = { same: 'success', different: 'error', one: 'default', none: 'default' };

function Comparison({ pair }: { pair: Pair }) {
  const { t } = useLocale();
  const linked = (n: number) => n > 0 && <span className={styles.linked}>{t('match.linked', { n })}</span>;
  return (
    <div className={styles.inner}>
      <table className={styles.compared}>
        <thead>
          <tr>
            <th scope="col">{t('match.field')}</th>
            <th scope="col">
              {t('match.first')} {linked(pair.linked[0])}
            </th>
            <th scope="col">
              {t('match.second')} {linked(pair.linked[1])}
            </th>
            <th scope="col">{t('match.agreement')}</th>
          </tr>
        </thead>
        <tbody>
          {pair.fields.map((field) => (
            <tr key={field.code} className={field.agreement === 'different' ? styles.different : undefined}>
              <th scope="row">{field.title}</th>
              <td>{field.first || '—'}</td>
              <td>{field.second || '—'}</td>
              <td>
                {field.agreement !== 'none' && (
                  <Tag color={COLOURS[field.agreement]}>{t(`match.agreement.${field.agreement}` as Key)}</Tag>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className={styles.note}>{t('match.compare.how')}</p>
    </div>
  );
}

function Deciding({ id, pair }: { id: string; pair: Pair }) {
  const { t } = useLocale();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const field = useId();
  const [reason, setReason] = useState('');
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState<Decision | null>(null);
  const [error, setError] = useState<unknown>(null);
  const state = stateOf(pair.task);
  const missing = reason.trim().length < 2;

  const act = async (decision: Decision) => {
    setAsked(true);
    if (missing) return;
    setBusy(decision);
    setError(null);
    try {
      const now = await decide(id, decision, reason);
      void message.success(t(`match.done.${decision}` as Key));
      queries.setQueryData(['match', 'pair', id], now);
      void queries.invalidateQueries({ queryKey: ['match', 'list'] });
      void queries.invalidateQueries({ queryKey: ['match', 'counts'] });
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(null);
    }
  };
  const decided = state === 'same' || state === 'different';
  return (
    <Panel title={t(`match.state.${state}` as Key)}>
      <div className={styles.inner}>
        {pair.task.statusReason && (
          <p className={styles.said}>
            {pair.task.lastModified
              ? t('match.decided', {
                  name: pair.task.owner?.display ?? '',
                  at: dateTime(pair.task.lastModified),
                  state: t(`match.state.${state}` as Key),
                })
              : t('match.linked-by-itself')}
            <br />
            <span className="quiet">
              {t('match.reason')}：{pair.task.statusReason.text}
            </span>
          </p>
        )}
        <label className={styles.reason} htmlFor={field}>
          <span>{t('match.reason')}</span>
          <Input.TextArea
            id={field}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
            maxLength={500}
            autoSize={{ minRows: 2, maxRows: 5 }}
            status={asked && missing ? 'error' : ''}
            placeholder={t('match.reason.how')}
          />
        </label>
        {asked && missing && (
          <p className={styles.fault} role="alert">
            {t('match.reason.missing')}
          </p>
        )}
        <div className={styles.buttons}>
          {decided ? (
            <Button loading={busy === 'undo'} onClick={() => void act('undo')}>
              {t('match.do.undo')}
            </Button>
          ) : (
            <>
              <Button type="primary" loading={busy === 'same'} onClick={() => void act('same')}>
                {t('match.do.same')}
              </Button>
              <Button loading={busy === 'different'} onClick={() => void act('different')}>
                {t('match.do.different')}
              </Button>
              <Button type="text" loading={busy === 'later'} onClick={() => void act('later')}>
                {t('match.do.later')}
              </Button>
            </>
          )}
        </div>
        {error !== null && <Failure error={error} what={t('match.pair')} title={t('match.not-done')} />}
      </div>
    </Panel>
  );
}
