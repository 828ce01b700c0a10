import { Link } from 'react-router';
import { useLocale } from '../locale/locale';
import { live, usePatientReferrals } from './patientReferrals';
import styles from './RecordStrip.module.css';
import { directionOf, receiverOf, specialtyName, urgencyOf } from './request';
import { Clock, DirectionTag, StateTag, UrgencyTag } from './Tags';

/** 进行中的转诊: on the record of a patient, what is under way and where it stands. Nothing where nothing is; the record does not wait for it. */
export function RecordStrip({ patientId }: { patientId: string }) {
  const { t, lang } = useLocale();
  const reading = usePatientReferrals(patientId);
  if (reading.state === 'loading') return null;
  if (reading.state === 'failed') {
    return (
      <p className={styles.strip}>
        {t('referral.strip.unread')}{' '}
        <button type="button" className="link" onClick={reading.retry}>
          {t('do.retry')}
        </button>
      </p>
    );
  }
  const open = live(reading.value);
  if (open.length === 0) return null;
  return (
    <section className={styles.strip} aria-label={t('referral.strip')}>
      <strong>{t('referral.strip')}</strong>
      <ul>
        {open.map(({ task, request }) => (
          <li key={task.id}>
            <Link to={`/referrals/${task.id ?? ''}`}>
              <DirectionTag direction={directionOf(request)} /> {specialtyName(request, lang)} ·{' '}
              {receiverOf(request)?.display ?? task.owner?.display}
            </Link>
            {urgencyOf(task) !== 'routine' && <UrgencyTag urgency={urgencyOf(task)} />}
            <StateTag task={task} />
            <Clock task={task} />
          </li>
        ))}
      </ul>
    </section>
  );
}
