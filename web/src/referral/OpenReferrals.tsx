import type { FhirResource, Patient, ServiceRequest, Task } from 'fhir/r4';
import { Link } from 'react-router';
import { usePerson } from '../access/person';
import { search } from '../client/client';
import { patientLine } from '../fhir/patient';
import { useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import styles from './OpenReferrals.module.css';
import { matter, senderOf, urgencyOf } from './request';
import { StateTag, UnreadTag, UrgencyTag } from './Tags';
import { useUnread } from './unread';
import { useNow } from './useNow';
import { When } from './When';
import { areOwn, type Worklist } from './worklists';

const SHOWN = 8;
const INCOMING: readonly Worklist[] = ['inbox', 'expected', 'here', 'returned'];
const LOOK_EVERY_MS = 60_000;

/** The first of a worklist, with their state, for the workbench. Without a list: the open referrals this institution (or resident) has under way. */
export function OpenReferrals({ list = 'sent' }: { list?: Worklist }) {
  const { t } = useLocale();
  const own = areOwn(usePerson());
  const reading = useReading(
    ['referrals-short', list],
    (signal) => search<Task>('Task/$worklist', { list, _count: SHOWN }, signal),
    { refetchInterval: LOOK_EVERY_MS },
  );
  const unread = useUnread(reading.state === 'here' ? reading.value.matches : []);
  return (
    <Read of={reading} what={t('referral.open.what')}>
      {(page) =>
        page.matches.length === 0 ? (
          list === 'sent' ? (
            <Nothing
              title={t('referral.open.none')}
              how={t(own ? 'referral.own.none.how' : 'referral.open.none.how')}
            />
          ) : (
            <Nothing title={t('today.todo.none')} how={t('today.todo.none.how')} />
          )
        ) : (
          <>
            <ul className={styles.referrals}>
              {page.matches.map((task) => (
                <Row
                  key={task.id}
                  task={task}
                  included={page.included}
                  incoming={INCOMING.includes(list)}
                  unread={unread.get(task.id ?? '')}
                />
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
  unread: number | undefined;
}

function Row({ task, included, incoming, unread }: RowProps) {
  const { t, lang } = useLocale();
  const now = useNow();
  const patient = included.get(task.for?.reference ?? '') as Patient | undefined;
  const request = included.get(task.focus?.reference ?? '') as ServiceRequest | undefined;
  const urgency = urgencyOf(task);
  return (
    <li>
      <Link to={`/referrals/${task.id ?? ''}`} className={styles.who}>
        {patient ? patientLine(patient, now, t) : task.for?.display}
      </Link>
      {urgency !== 'routine' && <UrgencyTag urgency={urgency} />}
      <StateTag task={task} />
      <UnreadTag count={unread} />
      <span className={styles.where}>
        {incoming
          ? `${t('referral.from')} ${senderOf(task)?.display ?? ''}`
          : `${t('referral.to')} ${task.owner?.display ?? ''}`}
        <span className="quiet"> · {matter(request, lang)}</span>
      </span>
      <When task={task} />
    </li>
  );
}
