import { App, Button, Popconfirm } from 'antd';
import { useState } from 'react';
import { usePerson } from '../access/person';
import { dateTime } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Nothing } from '../page/Nothing';
import { Waiting } from '../page/Waiting';
import { type ShownCard, spaced, withdrawCard } from './card';
import styles from './card.module.css';
import { useAwake } from './useAwake';
import { type CardInHand, useCard } from './useCard';

/** `/card`: the resident's health card, large, for a scanner at a desk. */
export default function CardPage() {
  const { t } = useLocale();
  const person = usePerson();
  return (
    <div className={styles.page}>
      <h1 className={styles.title}>{t('card.title')}</h1>
      {person.patient ? <Card patient={person.patient} name={person.name} /> : <Nothing title={t('card.nobody')} />}
    </div>
  );
}

function Card({ patient, name }: { patient: string; name: string }) {
  const { t } = useLocale();
  const card = useCard(patient);
  const { showing } = card;
  useAwake(showing.state === 'here');
  if (showing.state === 'loading') return <Waiting what={t('card.what')} rows={6} />;
  if (showing.state === 'failed')
    return <Failure error={showing.error} what={t('card.what')} onRetry={() => card.renew()} />;
  if (showing.state === 'none') return <NoCard card={card} problem={showing.problem} />;
  return (
    <>
      <p className={styles.how}>{t('card.show')}</p>
      <Code card={card} shown={showing.card} left={showing.left} over={showing.over} />
      <dl className={styles.facts}>
        <dt>{t('card.holder')}</dt>
        <dd>{name}</dd>
        <dt>{t('card.number')}</dt>
        <dd>{spaced(showing.card.number)}</dd>
        <dt>{t('card.since')}</dt>
        <dd>{dateTime(showing.card.issued)}</dd>
      </dl>
      <ul className={styles.notes}>
        <li>{t('card.once', { s: showing.card.life })}</li>
        <li>{t('card.grant', { hours: showing.card.opens })}</li>
        <li>{t('card.bright')}</li>
      </ul>
      <Withdraw patient={patient} onDone={card.forget} />
    </>
  );
}

function Code({ card, shown, left, over }: { card: CardInHand; shown: ShownCard; left: number; over: boolean }) {
  const { t } = useLocale();
  return (
    <section className={styles.sheet} aria-label={t('card.what')}>
      <img
        className={over ? `${styles.code} ${styles.over}` : styles.code}
        src={shown.picture}
        alt={over ? t('card.over') : t('card.alt')}
      />
      {over ? (
        <p role="alert" className={styles.ended}>
          <strong>{t('card.over')}</strong>
          <br />
          {t('card.over.how')}
        </p>
      ) : (
        <>
          <p className="unseen" role="status">
            {t('card.ready')}
          </p>
          <p className={styles.left} aria-hidden>
            {card.busy || left === 0 ? t('card.renewing') : t('card.renews', { s: left })}
          </p>
        </>
      )}
      <Button onClick={() => card.renew()} loading={card.busy && over}>
        {t('card.again')}
      </Button>
    </section>
  );
}

function NoCard({ card, problem }: { card: CardInHand; problem: unknown }) {
  const { t } = useLocale();
  return (
    <section className={styles.none} aria-label={t('card.what')}>
      <h2>{t('card.none')}</h2>
      <p>{t('card.none.how')}</p>
      {problem !== null && <Failure error={problem} what={t('card.what')} title={t('card.apply.failed')} />}
      <Button type="primary" size="large" block loading={card.busy} onClick={() => card.renew(true)}>
        {t('card.apply')}
      </Button>
      <ul className={styles.notes}>
        <li>{t('card.once.some')}</li>
        <li>{t('card.grant.some')}</li>
      </ul>
    </section>
  );
}

function Withdraw({ patient, onDone }: { patient: string; onDone: () => void }) {
  const { t } = useLocale();
  const { message } = App.useApp();
  const [problem, setProblem] = useState<unknown>(null);
  async function withdraw(): Promise<void> {
    try {
      await withdrawCard(patient);
      void message.success(t('card.withdrawn'));
      onDone();
    } catch (error) {
      setProblem(error);
    }
  }
  return (
    <div className={styles.withdraw}>
      {problem !== null && <Failure error={problem} what={t('card.what')} title={t('card.withdraw.failed')} />}
      <Popconfirm
        title={t('card.withdraw')}
        description={<div className={styles.sure}>{t('card.withdraw.sure')}</div>}
        okText={t('card.withdraw')}
        okButtonProps={{ danger: true }}
        cancelText={t('do.cancel')}
        onConfirm={withdraw}
      >
        <Button type="text" danger>
          {t('card.withdraw')}
        </Button>
      </Popconfirm>
    </div>
  );
}
