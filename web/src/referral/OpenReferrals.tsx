import { Tag } from 'antd';
import type { FhirResource, Patient, ServiceRequest, Task } from 'fhir/r4';
import { Link } from 'react-router';
import { search } from '../client/client';
import { ago, dateTime, untilDeadline } from '../fhir/dates';
import { patientLine } from '../fhir/patient';
import { useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import styles from './OpenReferrals.module.css';
import { stateCode, stateKey } from './state';
import type { Worklist } from './worklists';

const SHOWN = 8;
const INCOMING: readonly Worklist[] = ['inbox', 'expected', 'here', 'returned'];
const SENDER = 'https://yilian.example/fhir/StructureDefinition/referral-sender';

const senderName = (task: Task): string =>
  task.extension?.find((extension) => extension.url === SENDER)?.valueReference?.display ??
  task.requester?.display ??
  '';

const LOOK_EVERY_MS = 60_000;

/** The first of a worklist, with their state, for the workbench. Without a list: the open referrals this institution (or resident) has under way. */
export function OpenReferrals({ list = 'sent' }: { list?: Worklist }) {
  const { t } = useLocale();
  const reading = useReading(
    ['worklist', list, 'short'],
    (signal) => search<Task>('Task/$worklist', { list, _count: SHOWN }, signal),
    { refetchInterval: LOOK_EVERY_MS },
  );
  return (
    <Read of={reading} what={t('referral.open.what')}>
      {(page) =>
        page.matches.length === 0 ? (
          list === 'sent' ? (
            <Nothing title={t('referral.open.none')} how={t('referral.open.none.how')} />
          ) : (
            <Nothing title={t('today.todo.none')} how={t('today.todo.none.how')} />
          )
        ) : (
          <>
            <ul className={styles.referrals}>
              {page.matches.map((task) => (
                <Row key={task.id} task={task} included={page.included} incoming={INCOMING.includes(list)} />
              ))}
            </ul>
            {(page.total ?? 0) > page.matches.length && (
              <p className={styles.more}>
                <Link to={`/worklist/${list}`}>{t('list.all.of', { n: page.total ?? 0 })}</Link>
              </p>
            )}
          </>
        )
      }
    </Read>
  );
}

interface RowProps {
  task: Task;
  included: ReadonlyMap<string, FhirResource>;
  /** Sent to us: where from is what one wants to know. */
  incoming: boolean;
}

function Row({ task, included, incoming }: RowProps) {
  const { t } = useLocale();
  const now = new Date();
  const patient = included.get(task.for?.reference ?? '') as Patient | undefined;
  const request = included.get(task.focus?.reference ?? '') as ServiceRequest | undefined;
  const due = untilDeadline(task.restriction?.period?.end, now, t);
  const reason = request?.reasonCode?.map((one) => one.text ?? one.coding?.[0]?.display).find(Boolean);
  return (
    <li>
      <Link to={`/referrals/${task.id ?? ''}`} className={styles.who}>
        {patient ? patientLine(patient, now, t) : task.for?.display}
      </Link>
      <Tag>{t(stateKey(stateCode(task)))}</Tag>
      <span className={styles.where}>
        {incoming ? `${t('referral.from')} ${senderName(task)}` : `${t('referral.to')} ${task.owner?.display ?? ''}`}
        {reason && <span className="quiet"> · {reason}</span>}
      </span>
      <span className={due?.overdue ? styles.late : 'quiet'}>
        {due ? due.text : `${dateTime(task.authoredOn)} ${ago(task.authoredOn, now, t)}`}
      </span>
    </li>
  );
}
