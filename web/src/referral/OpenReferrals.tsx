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

const SHOWN = 8;
const LOOK_EVERY_MS = 60_000;

/** Open referrals this institution sent, with their state: for the workbench. */
export function OpenReferrals() {
  const { t } = useLocale();
  const reading = useReading(
    ['worklist', 'sent', 'short'],
    (signal) => search<Task>('Task/$worklist', { list: 'sent', _count: SHOWN }, signal),
    { refetchInterval: LOOK_EVERY_MS },
  );
  return (
    <Read of={reading} what={t('referral.open.what')}>
      {(page) =>
        page.matches.length === 0 ? (
          <Nothing title={t('referral.open.none')} how={t('referral.open.none.how')} />
        ) : (
          <>
            <ul className={styles.referrals}>
              {page.matches.map((task) => (
                <Row key={task.id} task={task} included={page.included} />
              ))}
            </ul>
            {(page.total ?? 0) > page.matches.length && (
              <p className={styles.more}>
                <Link to="/worklist/sent">{t('top.search.all', { n: page.total ?? 0 })}</Link>
              </p>
            )}
          </>
        )
      }
    </Read>
  );
}

function Row({ task, included }: { task: Task; included: ReadonlyMap<string, FhirResource> }) {
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
        {t('referral.to')} {task.owner?.display}
        {reason && <span className="quiet"> · {reason}</span>}
      </span>
      <span className={due?.overdue ? styles.late : 'quiet'}>
        {due ? due.text : `${dateTime(task.authoredOn)} ${ago(task.authoredOn, now, t)}`}
      </span>
    </li>
  );
}
