import { Link, useParams } from 'react-router';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { Read } from '../page/reading';
import { called } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import styles from './directory.module.css';
import { usePlace } from './places';
import { hoursText } from './telling';

/** `/nearby/:id`: one institution for residents: where, what, when, who. */
export default function NearbyInstitution() {
  const { id = '' } = useParams();
  const { t, lang } = useLocale();
  const place = usePlace(id);
  const names = (codes: readonly { code: string }[]) =>
    codes.map(({ code }) => called(SPECIALTIES, code, lang)).join(t('list.separator'));
  return (
    <main className={styles.public}>
      <header>
        <Link to="/nearby">{t('nearby.back')}</Link>
        <Link to="/">{t('nearby.sign-in')}</Link>
      </header>
      <Read of={place} what={t('directory.institution')} rows={8}>
        {(one) => (
          <>
            <h1>{one.name}</h1>
            <p>{[t(`referral.tier.${one.tier}` as Key), one.grade].filter(Boolean).join(' · ')}</p>
            <p>{one.address}</p>
            {one.phone && (
              <p>
                <a href={`tel:${one.phone.replace(/[^\d+]/g, '')}`}>{one.phone}</a>
              </p>
            )}
            <div className={styles.panels}>
              <Panel title={t('directory.services')}>
                <ul className={`${styles.inside} ${styles.plain}`}>
                  {one.services.map((service) => (
                    <li key={service.name}>
                      <strong>{names(service.specialties) || service.name}</strong>{' '}
                      <span className="quiet">{hoursText(service.hours, t)}</span>
                    </li>
                  ))}
                </ul>
              </Panel>
              {one.people.length > 0 && (
                <Panel title={t('directory.people')}>
                  <ul className={`${styles.inside} ${styles.plain}`}>
                    {one.people.map((person) => (
                      <li key={`${person.name} ${person.title} ${person.specialties[0]?.code}`}>
                        <strong>{person.name}</strong> {person.title}{' '}
                        <span className="quiet">{names(person.specialties)}</span>
                      </li>
                    ))}
                  </ul>
                </Panel>
              )}
            </div>
          </>
        )}
      </Read>
    </main>
  );
}
