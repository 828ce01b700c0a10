import { Button, Input } from 'antd';
import { useState } from 'react';
import { Problem, whatHappened } from '../client/problem';
import { dateTime } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { type Done, leave, type Shown, say } from './calls';
import styles from './outside.module.css';
import { StepForm } from './StepForm';

interface AnsweringProps {
  shown: Shown;
  onChanged: (done?: Done) => void;
  onOver: () => void;
}

const PATIENT = ['name', 'sex', 'age', 'phone', 'identity', 'address'];
const WHY = [
  'impression',
  'reasons',
  'present-illness',
  'past-history',
  'allergies',
  'treatment',
  'vital-signs',
  'results',
];
const WAY = ['precautions', 'care-type', 'transport', 'escort', 'infectious', 'payment', 'consent', 'attachments'];
const SENDER = ['institution', 'institution-phone', 'doctor', 'doctor-phone', 'referred-on'];
const RETURN = [
  'arrived-on',
  'diagnosis',
  'findings',
  'treatment',
  'medication-changes',
  'advice',
  'next-visit',
  'record-number',
];

/** The referral as its paper says it, what was said, and what is to be done. */
export function Answering({ shown, onChanged, onOver }: AnsweringProps) {
  const { t } = useLocale();
  const [step, setStep] = useState('');
  const { slip } = shown;
  const steps = [...shown.steps].sort(
    (a, b) => Number(b.primary) - Number(a.primary) || Number(a.danger) - Number(b.danger),
  );
  return (
    <>
      <section className={styles.glance} aria-label={t('outside.what')}>
        <p>
          <strong>{slip.name}</strong> {slip.sex} {slip.age}
          <span className={styles.state}>{t(`referral.state.${shown.state}` as Key)}</span>
        </p>
        <p>{[slip.direction, slip.specialty, slip.priority].filter(Boolean).join(' · ')}</p>
        <p className="quiet">{t('outside.of', { number: slip.number ?? '' })}</p>
        <p>{t('outside.from', { from: slip.institution ?? '', to: slip.to ?? '' })}</p>
        {slip.arranged && (
          <p>
            <strong>{t('outside.arranged', { what: slip.arranged })}</strong>
          </p>
        )}
        {shown.due && (
          <p>
            <strong>{t('outside.due', { until: dateTime(shown.due) })}</strong>
          </p>
        )}
      </section>
      <section className={styles.steps} aria-label={t('outside.steps')}>
        {step ? (
          <StepForm
            key={step}
            code={step}
            version={shown.version}
            onDone={(done) => {
              setStep('');
              onChanged(done);
            }}
            onOver={onOver}
            onClose={() => setStep('')}
          />
        ) : (
          steps.map((one) => (
            <Button
              key={one.code}
              size="large"
              type={one.primary ? 'primary' : 'default'}
              danger={one.danger}
              onClick={() => setStep(one.code)}
            >
              {t(`outside.step.${one.code}` as Key)}
            </Button>
          ))
        )}
        {steps.length === 0 && <p className="quiet">{t('outside.steps.none')}</p>}
      </section>
      <Facts title={t('outside.patient')} names={PATIENT} from={slip} />
      <Facts title={t('outside.why')} names={WHY} from={slip} />
      <Facts title={t('outside.way')} names={WAY} from={slip} />
      <Facts title={t('outside.sender')} names={SENDER} from={slip} />
      <Facts title={t('outside.outcome')} names={RETURN} from={shown.outcome} prefix="return" />
      <Talk shown={shown} onChanged={onChanged} onOver={onOver} />
      <div className={styles.ways}>
        <a href="/outside/slip?kind=referral" download>
          {t('outside.paper')}
        </a>
        <Button
          type="text"
          onClick={() => {
            void leave().finally(onOver);
          }}
        >
          {t('outside.leave', { name: shown.answering })}
        </Button>
      </div>
    </>
  );
}

interface FactsProps {
  title: string;
  names: readonly string[];
  from: Readonly<Record<string, string>>;
  prefix?: string;
}

function Facts({ title, names, from, prefix = 'fact' }: FactsProps) {
  const { t } = useLocale();
  const there = names.filter((name) => from[name]);
  if (there.length === 0) return null;
  return (
    <Panel title={title}>
      <dl className={styles.facts}>
        {there.map((name) => (
          <div key={name}>
            <dt>{name === 'identity' ? (from['identity-kind'] ?? '') : t(`outside.${prefix}.${name}` as Key)}</dt>
            <dd>{from[name]}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function Talk({ shown, onChanged, onOver }: AnsweringProps) {
  const { t, lang } = useLocale();
  const [text, setText] = useState('');
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  async function send() {
    if (!text.trim()) return;
    setBusy(true);
    setFault('');
    try {
      await say(text.trim());
      setText('');
      onChanged();
    } catch (error) {
      if (error instanceof Problem && error.kind === 'signed-out') onOver();
      else setFault(whatHappened(error, t, lang));
    }
    setBusy(false);
  }
  return (
    <Panel title={t('outside.talk')}>
      <div className={styles.talk}>
        {shown.talk.length > 0 && (
          <ul>
            {shown.talk.map((line) => (
              <li key={`${line.time} ${line.text}`}>
                <span className="quiet">
                  {line.by} {dateTime(line.time)}
                </span>
                <span className={styles.words}>{line.text}</span>
              </li>
            ))}
          </ul>
        )}
        {fault && <p role="alert">{fault}</p>}
        <Input.TextArea
          aria-label={t('outside.say')}
          placeholder={t('outside.say')}
          autoSize={{ minRows: 2, maxRows: 6 }}
          maxLength={2000}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Button onClick={() => void send()} loading={busy} disabled={!text.trim()}>
          {t('outside.say.send')}
        </Button>
      </div>
    </Panel>
  );
}
