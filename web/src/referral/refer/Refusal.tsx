import { Button } from 'antd';
import { Link } from 'react-router';
import { Problem } from '../../client/problem';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import { liveFor, type Referral } from '../patientReferrals';
import { fieldOf } from './form';
import styles from './refer.module.css';

/** Why it was not sent. Faults of fields stand at their fields; what the whole is refused for stands here, with the way on. */
export function Refusal({
  error,
  referrals,
  specialty,
}: {
  error: unknown;
  referrals: readonly Referral[];
  specialty: string;
}) {
  const { t } = useLocale();
  if (!error) return null;
  const atFields = error instanceof Problem && error.issues.length > 0 && error.issues.every((issue) => fieldOf(issue));
  if (atFields) return null;
  const duplicate = error instanceof Problem && error.issues.some((issue) => issue.code === 'duplicate');
  const first = duplicate ? liveFor(referrals, specialty) : undefined;
  return (
    <div className={styles.refusal}>
      <Failure error={error} what={t('refer.sending')} title={t('refer.refused')} />
      {first && (
        <Link to={`/referrals/${first.task.id ?? ''}`} tabIndex={-1}>
          <Button type="primary">{t('refer.open.follow')}</Button>
        </Link>
      )}
    </div>
  );
}
