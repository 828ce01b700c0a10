import { Link } from 'react-router';
import { dateTime } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { type Referral, usePatientReferrals } from '../patientReferrals';
import { directionOf, specialtyName } from '../request';
import { DirectionTag, StateTag } from '../Tags';
import type { Thread } from './thread';
import styles from './thread.module.css';

type Bond = 'answers' | 'answered' | 'replaces' | 'replaced';

/** Which of the patient's referrals belong to this one, and how: the up-referral a down-referral answers, the one it was sent on as. */
export function bondsOf(thread: Thread, all: readonly Referral[]): { bond: Bond; referral: Referral }[] {
  const own = `ServiceRequest/${thread.request?.id ?? ''}`;
  const points = (list: { reference?: string }[] | undefined, to: string) =>
    list?.some((one) => one.reference === to) ?? false;
  return all.flatMap((referral): { bond: Bond; referral: Referral }[] => {
    if (referral.task.id === thread.task.id || !referral.request) return [];
    const other = `ServiceRequest/${referral.request.id ?? ''}`;
    if (points(thread.request?.basedOn, other)) return [{ bond: 'answers', referral }];
    if (points(referral.request.basedOn, own)) return [{ bond: 'answered', referral }];
    if (points(thread.request?.replaces, other)) return [{ bond: 'replaces', referral }];
    if (points(referral.request.replaces, own)) return [{ bond: 'replaced', referral }];
    return [];
  });
}

export function useBonds(thread: Thread): { bond: Bond; referral: Referral }[] {
  const reading = usePatientReferrals(thread.task.for?.reference?.replace(/^Patient\//, '') ?? '');
  return reading.state === 'here' ? bondsOf(thread, reading.value) : [];
}

export function Related({ bonds }: { bonds: ReturnType<typeof bondsOf> }) {
  const { t, lang } = useLocale();
  if (bonds.length === 0) return null;
  return (
    <ul className={styles.related} aria-label={t('thread.related')}>
      {bonds.map(({ bond, referral: { task, request } }) => (
        <li key={task.id}>
          <span className="quiet">{t(`thread.bond.${bond}`)}</span>{' '}
          <Link to={`/referrals/${task.id ?? ''}`}>
            <DirectionTag direction={directionOf(request)} /> {specialtyName(request, lang)} {task.owner?.display}
          </Link>{' '}
          <StateTag task={task} /> <span className="quiet">{dateTime(task.lastModified)}</span>
        </li>
      ))}
    </ul>
  );
}
