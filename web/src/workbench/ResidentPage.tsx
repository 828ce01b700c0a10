import { Link } from 'react-router';
import type { Person } from '../access/person';
import { ToRate } from '../handover';
import { recordAddress } from '../layout/destinations';
import { useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Panel } from '../page/Panel';
import { OpenReferrals } from '../referral';
import { NextBookings } from '../scheduling/MyBookings';
import styles from './workbench.module.css';

/** A resident's own record and referrals. */
export function ResidentPage({ person }: { person: Person }) {
  const { t } = useLocale();
  return (
    <div className={styles.day}>
      <Panel title={t('today.resident.title')}>
        {person.patient ? (
          <p className={styles.own}>
            <Link to={recordAddress(person.patient)}>{t('today.resident.record')}</Link>
            <br />
            <span className="quiet">{t('today.resident.record.how')}</span>
            <br />
            <Link to="/card">{t('card.workbench')}</Link>
            <br />
            <span className="quiet">{t('card.workbench.how')}</span>
          </p>
        ) : (
          <Nothing title={t('today.resident.none')} />
        )}
      </Panel>
      {person.patient && (
        <Panel title={t('booking.mine')}>
          <NextBookings patient={person.patient} />
        </Panel>
      )}
      {person.patient && (
        <Panel title={t('referral.mine')}>
          <OpenReferrals />
        </Panel>
      )}
      {person.patient && (
        <Panel title={t('rate.open')}>
          <ToRate />
        </Panel>
      )}
    </div>
  );
}
