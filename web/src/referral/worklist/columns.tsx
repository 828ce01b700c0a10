import type { FhirResource, Patient, ServiceRequest, Task } from 'fhir/r4';
import { patientLine } from '../../fhir/patient';
import type { Column } from '../../list/list';
import { type Lang, type Translate, useLocale } from '../../locale/locale';
import { directionOf, impressions, reasonTexts, senderOf, specialtyName, urgencyOf } from '../request';
import { DirectionTag, GreenTag, StateTag, UnreadTag, UrgencyTag } from '../Tags';
import type { Unread } from '../unread';
import { When } from '../When';
import type { Worklist } from '../worklists';
import { BOTH_WAYS, INCOMING } from './conditions';
import styles from './worklist.module.css';

type Included = ReadonlyMap<string, FhirResource>;

export const patientOf = (task: Task, included: Included): Patient | undefined =>
  included.get(task.for?.reference ?? '') as Patient | undefined;
export const requestOf = (task: Task, included: Included): ServiceRequest | undefined =>
  included.get(task.focus?.reference ?? '') as ServiceRequest | undefined;

function who(task: Task, included: Included, t: Translate): string {
  const patient = patientOf(task, included);
  return patient ? patientLine(patient, new Date(), t) : (task.for?.display ?? t('patient.unnamed'));
}

/** The columns of a worklist; they fit beside the navigation at 1366 without sideways scrolling. */
export function worklistColumns(list: Worklist, t: Translate, lang: Lang, unread: Unread = new Map()): Column<Task>[] {
  const incoming = INCOMING.includes(list);
  const both = BOTH_WAYS.includes(list);
  return [
    {
      key: 'patient',
      title: t('worklist.patient'),
      width: 168,
      phone: 'heading',
      render: (task, included) => who(task, included, t),
    },
    {
      key: 'urgency',
      title: t('worklist.urgency'),
      width: 120,
      phone: 'aside',
      render: (task, included) => (
        <span className={styles.stacked}>
          <UrgencyTag urgency={urgencyOf(task)} />
          <GreenTag request={requestOf(task, included)} />
        </span>
      ),
    },
    {
      key: 'direction',
      title: t('worklist.direction'),
      width: 84,
      phone: 'aside',
      render: (task, included) => <DirectionTag direction={directionOf(requestOf(task, included))} />,
    },
    {
      key: 'matter',
      title: t('worklist.matter'),
      render: (task, included) => <Matter request={requestOf(task, included)} />,
    },
    {
      key: 'way',
      title: t(both ? 'worklist.way' : incoming ? 'worklist.from' : 'worklist.to'),
      width: both ? 216 : 150,
      render: (task) =>
        both ? (
          <>
            {senderOf(task)?.display} → {task.owner?.display}
          </>
        ) : incoming ? (
          <>
            {senderOf(task)?.display} <span className={styles.person}>{task.requester?.display}</span>
          </>
        ) : (
          (task.owner?.display ?? '—')
        ),
    },
    {
      key: 'specialty',
      title: t('worklist.specialty'),
      width: 104,
      phone: 'aside',
      render: (task, included) => specialtyName(requestOf(task, included), lang) || '—',
    },
    {
      key: 'state',
      title: t('worklist.state'),
      width: 116,
      phone: 'aside',
      render: (task) => (
        <>
          <StateTag task={task} /> <UnreadTag count={unread.get(task.id ?? '')} />
        </>
      ),
    },
    {
      key: 'clock',
      title: t(list === 'closed' ? 'worklist.ended' : list === 'drafts' ? 'worklist.changed' : 'worklist.clock'),
      width: 142,
      phone: 'aside',
      render: (task) => <When task={task} />,
    },
  ];
}

function Matter({ request }: { request: ServiceRequest | undefined }) {
  const { lang } = useLocale();
  const diagnosis = impressions(request)[0];
  const reason = reasonTexts(request, lang)[0];
  if (!diagnosis) return reason ?? '—';
  return (
    <>
      {diagnosis.text} <span className="code">{diagnosis.code}</span>
      {reason && <span className={styles.reason}>{reason}</span>}
    </>
  );
}
