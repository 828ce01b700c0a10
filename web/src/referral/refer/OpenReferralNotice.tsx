import { Alert, Button } from 'antd';
import { Link } from 'react-router';
import { useAppearance } from '../../layout/appearance';
import { useLocale } from '../../locale/locale';
import type { Referral } from '../patientReferrals';
import { receiverOf, specialtyName } from '../request';
import { Clock, StateTag } from '../Tags';
import styles from './refer.module.css';

/** Said before anybody fills in a form for nothing: this patient has a referral under way, here it is. */
export function OpenReferralNotice({ referrals, blocking }: { referrals: readonly Referral[]; blocking: boolean }) {
  const { t, lang } = useLocale();
  const { phone } = useAppearance();
  if (referrals.length === 0) return null;
  return (
    <Alert
      className={styles.notice ?? ''}
      type={blocking ? 'error' : 'warning'}
      showIcon={!phone}
      role={blocking ? 'alert' : 'status'}
      title={t(blocking ? 'refer.open.blocking' : 'refer.open')}
      description={
        <ul className={styles.openList}>
          {referrals.map(({ task, request }) => (
            <li key={task.id}>
              <strong>{specialtyName(request, lang)}</strong>
              <span>
                {t('referral.to')} {receiverOf(request)?.display ?? task.owner?.display}
              </span>
              <StateTag task={task} />
              <Clock task={task} />
              <Link to={`/referrals/${task.id ?? ''}`} tabIndex={-1}>
                <Button size="small" type={blocking ? 'primary' : 'default'}>
                  {t('refer.open.follow')}
                </Button>
              </Link>
            </li>
          ))}
        </ul>
      }
    />
  );
}
