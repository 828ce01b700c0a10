import { ArrowRightOutlined } from '@ant-design/icons';
import { conceptText } from '../../fhir/concept';
import { dateTime } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { DECLINE_REASONS, LEAVE_REASONS } from '../codes/reasons';
import { called } from '../codes/search';
import { directionOf, numberOf, receiverOf, senderOf, specialtyName, urgencyOf } from '../request';
import { stateCode } from '../state';
import { DECLINE_REASON, LEAVE_REASON } from '../systems';
import { Clock, DirectionTag, GreenTag, StateTag, UrgencyTag } from '../Tags';
import { arrangedOf, bedOf, dueOf } from '../task';
import { Marks } from './Marks';
import { owed, reasonLabel, statedReason } from './owed';
import type { Thread } from './thread';
import styles from './thread.module.css';

/** One look from the top: how urgent, from where to where, how far, and what is owed by whom until when. */
export function Glance({ thread }: { thread: Thread }) {
  const { t, lang } = useLocale();
  const { task, request } = thread;
  const { practitioner, start } = arrangedOf(task);
  const { key, values } = owed(thread);
  const due = dueOf(task);
  const declined = task.statusReason?.coding?.find((coding) => coding.system === DECLINE_REASON)?.code;
  const left = task.statusReason?.coding?.find((coding) => coding.system === LEAVE_REASON)?.code;
  const reason = called(DECLINE_REASONS, declined, lang) || called(LEAVE_REASONS, left, lang) || statedReason(thread);
  return (
    <section className={styles.glance} aria-label={t('thread.glance')}>
      <div className={styles.first}>
        <UrgencyTag urgency={urgencyOf(task)} />
        <GreenTag request={request} />
        <h2>
          <DirectionTag direction={directionOf(request)} /> {specialtyName(request, lang)}
        </h2>
        <StateTag task={task} />
        <Clock task={task} />
        <span className={styles.number}>
          {t('thread.number')} {numberOf(request)}
        </span>
      </div>
      <div className={styles.way}>
        <span>
          <strong>{senderOf(task)?.display ?? senderOf(request)?.display ?? '—'}</strong>{' '}
          <span className="quiet">{task.requester?.display}</span>
        </span>
        <ArrowRightOutlined aria-label={t('referral.to')} />
        <span>
          <strong>{task.owner?.display ?? receiverOf(request)?.display ?? t('thread.noReceiver')}</strong>{' '}
          <span className="quiet">{practitioner?.display}</span>
        </span>
        {(start || bedOf(task)) && (
          <span className={styles.arranged}>
            {t(stateCode(task) === 'no-show' ? 'thread.missed' : 'thread.arranged')}{' '}
            {[start && dateTime(start), practitioner?.display, bedOf(task)].filter(Boolean).join(' · ')}
          </span>
        )}
      </div>
      <p className={styles.owed}>
        <strong>{t(key, values)}</strong>
        {due && <span className="quiet"> {t('thread.until', { date: dateTime(due) })}</span>}
      </p>
      {reason && (
        <p className={styles.stated}>
          <span className="quiet">{t(reasonLabel(thread))}</span> {reason}
          {declined && task.statusReason?.text && conceptText(task.statusReason) !== reason
            ? `（${task.statusReason.text}）`
            : ''}
        </p>
      )}
      <Marks thread={thread} />
    </section>
  );
}
