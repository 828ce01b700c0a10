import { Alert, Button } from 'antd';
import type { Observation, Patient, QuestionnaireResponse, Task } from 'fhir/r4';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { usePerson } from '../access/person';
import { read } from '../client/client';
import { day } from '../fhir/dates';
import { patientName } from '../fhir/patient';
import { useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import { PatientBanner } from '../patient/PatientBanner';
import { useAllergies, useFlags } from '../record/readings';
import { type ProposalState, proposalAddress } from '../referral/refer/start';
import styles from './handover.module.css';
import { VisitForm } from './VisitForm';
import { type Answered, dueOn } from './visit';

interface Case {
  task: Task;
  patient: Patient;
  filled: QuestionnaireResponse | undefined;
}

async function fetchCase(id: string, signal: AbortSignal): Promise<Case> {
  const task = await read<Task>('Task', id, signal);
  const patient = await read<Patient>('Patient', (task.for?.reference ?? '').replace('Patient/', ''), signal);
  const form = (task.output ?? [])
    .map((one) => one.valueReference?.reference ?? '')
    .find((one) => one.startsWith('QuestionnaireResponse/'));
  const filled = form
    ? await read<QuestionnaireResponse>('QuestionnaireResponse', form.replace('QuestionnaireResponse/', ''), signal)
    : undefined;
  return { task, patient, filled };
}

/** `/follow-ups/:taskId`: one visit, to be recorded or as it was. */
export default function VisitPage() {
  const { taskId = '' } = useParams();
  const { t } = useLocale();
  const reading = useReading(['follow-up', taskId], (signal) => fetchCase(taskId, signal));
  return (
    <Read of={reading} what={t('followup.visit')} rows={8}>
      {(found) => <Visit key={found.task.id ?? ''} found={found} />}
    </Read>
  );
}

function Visit({ found: { task, patient, filled } }: { found: Case }) {
  const { t } = useLocale();
  const person = usePerson();
  const [answered, setAnswered] = useState<Answered | null>(null);
  const allergies = useAllergies(patient.id ?? '');
  const flags = useFlags(patient.id ?? '');
  const ours = person.institution?.reference === task.owner?.reference;
  const open = task.status === 'requested' && !answered;
  return (
    <div className={styles.visit}>
      <h1 className="unseen">
        {t('followup.title')} {patientName(patient)}
      </h1>
      <PatientBanner patient={patient} allergies={allergies} flags={flags}>
        <Link to={`/patients/${patient.id ?? ''}`}>{t('referral.record')}</Link>
      </PatientBanner>
      <p className={styles.about}>
        <strong>{task.code?.text}</strong>
        <span>
          {t('followup.due.on')} {dueOn(task)}
        </span>
        <span className="quiet">
          {task.requester?.display} → {task.owner?.display}
        </span>
      </p>
      {answered && <Done answered={answered} patient={patient} visit={task.id ?? ''} />}
      {open && ours && <VisitForm task={task} onDone={setAnswered} />}
      {open && !ours && (
        <Alert type="info" showIcon title={t('followup.theirs', { name: task.owner?.display ?? '' })} />
      )}
      {!open && !answered && task.status === 'cancelled' && (
        <Alert type="info" showIcon title={t('followup.stopped')} />
      )}
      {!open && !answered && task.statusReason?.text && (
        <Alert type="warning" showIcon title={task.statusReason.text} />
      )}
      {filled && !answered && <Filled response={filled} on={day(task.executionPeriod?.end)} />}
    </div>
  );
}

/** What was recorded, and where one goes from here. */
function Done({ answered, patient, visit }: { answered: Answered; patient: Patient; visit: string }) {
  const { t } = useLocale();
  const back = <Link to="/follow-ups">{t('followup.back')}</Link>;
  if (answered.alarms.length === 0)
    return (
      <Alert
        type="success"
        showIcon
        title={t('followup.saved')}
        description={
          <>
            {t('followup.saved.told')} {back}
          </>
        }
      />
    );
  return (
    <Alert
      type="error"
      showIcon
      title={t('followup.alarm')}
      description={
        <>
          <ul className={styles.alarms}>
            {answered.alarms.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
          <p>
            {t('followup.alarm.to', { name: answered.proposal?.performer?.[0]?.display ?? '' })}{' '}
            {t('followup.alarm.how')}
          </p>
          <div className={styles.ways}>
            <Link
              to={proposalAddress(patient.id ?? '', visit)}
              state={{ proposal: answered.proposal } satisfies ProposalState}
            >
              <Button type="primary" danger tabIndex={-1}>
                {t('followup.alarm.refer')}
              </Button>
            </Link>
            {back}
          </div>
        </>
      }
    />
  );
}

/** The form as it was filled in. */
function Filled({ response, on }: { response: QuestionnaireResponse; on: string }) {
  const { t } = useLocale();
  return (
    <Panel title={t('followup.filled', { on })}>
      <dl className={styles.filled}>
        {(response.item ?? []).map((item) => (
          <div key={item.linkId}>
            <dt>{item.text}</dt>
            <dd>{(item.answer ?? []).map(answerText).join('、')}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

type Answer = NonNullable<NonNullable<QuestionnaireResponse['item']>[number]['answer']>[number];

const answerText = (answer: Answer): string => {
  const quantity: Observation['valueQuantity'] = answer.valueQuantity;
  if (quantity) return `${quantity.value ?? ''} ${quantity.unit ?? ''}`;
  return answer.valueCoding?.display ?? answer.valueString ?? answer.valueDate ?? '';
};
