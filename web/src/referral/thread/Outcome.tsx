import type { CarePlan } from 'fhir/r4';
import { read } from '../../client/client';
import { clinicalCode } from '../../fhir/concept';
import { dateTime } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { Read, useReading } from '../../page/reading';
import { stateCode } from '../state';
import { outputsOf, outputText, planActivities, planReference } from '../task';
import type { Thread } from './thread';
import styles from './thread.module.css';

/** In the order of the 回转单. The plan stands below them, attachments with the evidence. */
const WORDS = [
  'diagnosis',
  'findings',
  'treatment',
  'medication',
  'advice',
  'next-visit',
  'record-number',
  'refusal',
] as const;

/** 回转: what the receiver found and did, and how it goes on; interim while the patient is there. */
export function Outcome({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  const { task } = thread;
  const plan = planReference(task);
  const kinds = WORDS.filter((kind) => outputsOf(task, kind).length > 0);
  if (kinds.length === 0 && !plan) return null;
  const { start, end } = task.executionPeriod ?? {};
  return (
    <Panel
      title={t(
        stateCode(task) === 'completed' ? 'thread.outcome' : kinds.length > 0 ? 'thread.outcome.interim' : 'act.plan',
      )}
      aside={
        <span className="quiet">
          {start && t('thread.arrivedOn', { date: dateTime(start) })}{' '}
          {end && t('thread.endedOn', { date: dateTime(end) })}
        </span>
      }
    >
      {kinds.length > 0 && (
        <dl className={styles.facts}>
          {kinds.map((kind) => (
            <Said key={kind} label={t(`thread.output.${kind}`)}>
              {outputsOf(task, kind).map((output) => (
                <span key={outputText(output)} className={kind === 'diagnosis' ? styles.diagnosis : styles.text}>
                  {outputText(output)} <span className="code">{clinicalCode(output.valueCodeableConcept)}</span>
                </span>
              ))}
            </Said>
          ))}
        </dl>
      )}
      {plan?.reference?.startsWith('CarePlan/') && <Plan id={plan.reference.slice(9)} alone={kinds.length === 0} />}
    </Panel>
  );
}

function Said({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Plan({ id, alone }: { id: string; alone: boolean }) {
  const { t } = useLocale();
  const reading = useReading(['care-plan', id], (signal) => read<CarePlan>('CarePlan', id, signal));
  return (
    <Read of={reading} what={t('act.plan')} rows={2}>
      {(plan) => (
        <div className={styles.plan}>
          <h3>{alone ? plan.title : t('thread.plan', { title: plan.title ?? '' })}</h3>
          {plan.description && (
            <p>
              <span className="quiet">{t('act.plan.goals')}</span> {plan.description}
            </p>
          )}
          <ol>
            {planActivities(plan).map((activity) => (
              <li key={activity.when + activity.text}>
                {activity.when && <time>{activity.when}</time>} {activity.text}
              </li>
            ))}
          </ol>
        </div>
      )}
    </Read>
  );
}
