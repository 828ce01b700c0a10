import { Button, Select } from 'antd';
import { useEffect, useRef } from 'react';
import { useSearchParams } from 'react-router';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { turned } from '../referral/refer/form';
import type { PartProps } from '../referral/refer/part';
import refer from '../referral/refer/refer.module.css';
import { DirectionTag, UrgencyTag } from '../referral/Tags';
import type { Answered } from './answers';
import styles from './criteria.module.css';
import { FindingList } from './FindingList';
import { useVerdicts } from './useVerdicts';
import { holds, keyOf, moreUrgent, type Verdict } from './verdict';

const WHYS = ['managed-here', 'patient-declines', 'not-clinical', 'already-referred', 'other'] as const;

type Form = PartProps['form'];

const answered = (form: Form, verdict: Verdict): Answered | undefined =>
  (form.criteria ?? []).find((one) => one.canonical === verdict.canonical);

const entry = (verdict: Verdict, answer: Answered['answer'], reason = ''): Answered => ({
  canonical: verdict.canonical,
  state: verdict.state,
  answer,
  reason,
  evidence: [
    ...new Set(
      verdict.findings
        .filter((one) => one.state === 'found')
        .flatMap((one) => one.values.flatMap((v) => v.reference ?? [])),
    ),
  ].slice(0, 10),
});

const withAnswer = (form: Form, one: Answered): Form => ({
  ...form,
  criteria: [...(form.criteria ?? []).filter((other) => other.canonical !== one.canonical), one],
});

/** The form with what a criterion asks for filled in; what was chosen already stays. */
export function followed(form: Form, verdict: Verdict): Form {
  const there = turned(form, verdict.direction);
  const wanted = form.direction === verdict.direction ? form.specialty : '';
  return withAnswer(
    {
      ...there,
      urgency: moreUrgent(there.urgency, verdict.urgency),
      specialty: wanted || verdict.specialty || form.specialty,
      reasons:
        verdict.reason && !there.reasons.includes(verdict.reason) ? [...there.reasons, verdict.reason] : there.reasons,
    },
    entry(verdict, 'followed'),
  );
}

interface CriteriaFieldProps extends PartProps {
  patientId: string;
  /** The criterion of the card that opened the form, "" where none did: whoever came by it follows it. */
  card: string;
}

/** 转诊标准提示 in the referral form: what is met, to follow or not. What was shown and what was made of it goes with the referral. */
export function CriteriaField({ patientId, card, form, change }: CriteriaFieldProps) {
  const { t } = useLocale();
  const [query] = useSearchParams();
  const reading = useVerdicts(patientId);
  const wanted = query.get('criterion') ?? keyOf(card);
  const to = query.get('to');
  const toName = query.get('name');
  const begun = useRef(false);
  const verdicts = reading.state === 'here' ? reading.value.filter(holds) : [];

  useEffect(() => {
    if (begun.current || reading.state !== 'here') return;
    begun.current = true;
    const met = reading.value.filter(holds);
    const chosen = met.find((one) => one.key === wanted);
    change((old) => {
      const open = chosen && (answered(old, chosen)?.answer ?? 'shown') === 'shown';
      const next = open ? followed(old, chosen) : old;
      const placed =
        chosen && to && !next.receiver
          ? { ...next, receiver: { reference: to, ...(toName ? { display: toName } : {}) } }
          : next;
      return met
        .filter((one) => one.direction === (placed.direction || one.direction) && !answered(placed, one))
        .reduce((form_, one) => withAnswer(form_, entry(one, 'shown')), placed);
    });
  }, [reading, wanted, to, toName, change]);

  const shown = verdicts.filter(
    (one) => form.direction === '' || form.direction === 'lateral' || one.direction === form.direction,
  );
  // What the other system knew beside our record does not come along with its card.
  const unseen = card !== '' && reading.state === 'here' && !verdicts.some((one) => one.key === keyOf(card));
  if (shown.length === 0 && !unseen) return null;
  return (
    <Panel title={t('criteria.what')}>
      <div className={refer.body}>
        {unseen && <p className={styles.how}>{t('criteria.card.unseen')}</p>}
        {shown.length > 0 && (
          <>
            <p className={`quiet ${styles.small} ${styles.how}`}>{t('criteria.field.how')}</p>
            <ul className={styles.verdicts}>
              {shown.map((one) => (
                <Choice key={one.key} verdict={one} given={answered(form, one)} change={change} />
              ))}
            </ul>
          </>
        )}
      </div>
    </Panel>
  );
}

interface ChoiceProps {
  verdict: Verdict;
  given: Answered | undefined;
  change: PartProps['change'];
}

function Choice({ verdict, given, change }: ChoiceProps) {
  const { t } = useLocale();
  const answer = given?.answer ?? 'shown';
  return (
    <li className={styles.verdict}>
      <div className={styles.line}>
        <DirectionTag direction={verdict.direction} />
        <strong title={verdict.rule}>{verdict.title}</strong>
        {verdict.urgency !== 'routine' && <UrgencyTag urgency={verdict.urgency} />}
      </div>
      <FindingList findings={verdict.findings.filter((one) => one.state === 'found')} />
      <div className={styles.answer}>
        <Button
          size="small"
          type={answer === 'followed' ? 'primary' : 'default'}
          aria-pressed={answer === 'followed'}
          onClick={() => change((old) => followed(old, verdict))}
        >
          {t(answer === 'followed' ? 'criteria.followed' : 'criteria.follow')}
        </Button>
        <Button
          size="small"
          aria-pressed={answer === 'overridden'}
          onClick={() => change((old) => withAnswer(old, entry(verdict, 'overridden', t('criteria.why.managed-here'))))}
        >
          {t(answer === 'overridden' ? 'criteria.overridden' : 'criteria.override')}
        </Button>
        {answer === 'overridden' && (
          <Select
            size="small"
            aria-label={t('criteria.override.why')}
            style={{ minWidth: 180 }}
            value={given?.reason ?? ''}
            options={WHYS.map((why) => {
              const text = t(`criteria.why.${why}` as Key);
              return { value: text, label: text };
            })}
            onChange={(reason) => change((old) => withAnswer(old, entry(verdict, 'overridden', reason)))}
          />
        )}
      </div>
    </li>
  );
}
