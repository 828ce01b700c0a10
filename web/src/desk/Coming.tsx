import { Tag } from 'antd';
import { dateTime } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import styles from './desk.module.css';
import type { Coming as Referral } from './find';

/** The referrals by which somebody comes. What they are about is for those who treat. */
export function Coming({ referrals }: { referrals: readonly Referral[] }) {
  const { t } = useLocale();
  if (referrals.length === 0) return null;
  return (
    <Panel title={t('desk.referrals')}>
      <ul className={styles.coming}>
        {referrals.map((one) => (
          <li key={one.number}>
            <div>
              <strong>{one.department}</strong> <Tag>{t(`referral.state.${one.state}` as Key)}</Tag>
              {one.priority !== 'routine' && <Tag color="orange">{t(`referral.urgency.${one.priority}` as Key)}</Tag>}
            </div>
            <div className="quiet">
              {t('desk.referral.from', { from: one.from })}　{t('desk.referral.at', { when: dateTime(one.submitted) })}
            </div>
            <div className="quiet">{t('desk.referral.number', { number: one.number })}</div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
