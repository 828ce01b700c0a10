import { Fragment } from 'react';
import { NavLink } from 'react-router';
import type { Person } from '../access/person';
import { useLocale } from '../locale/locale';
import { isWork, useWorklistCounts } from '../referral';
import { type Destination, destinations, GROUPS, ownDestinations } from './destinations';
import styles from './layout.module.css';

/** With more places than these one looks for them by their headings. */
const FEW = 12;

export function Navigation({ person, onGo }: { person: Person; onGo?: () => void }) {
  const { t } = useLocale();
  const counts = useWorklistCounts(person);
  const groups = destinations(person, t);
  const named = GROUPS.reduce((sum, group) => sum + groups[group].length, 0) > FEW;
  const countOf = (destination: Destination): number | undefined =>
    destination.list && isWork(destination.list) && counts.state === 'here'
      ? counts.value[destination.list]
      : undefined;

  const items = (group: Destination[]) =>
    group.map((destination) => {
      const count = countOf(destination);
      return (
        <li key={destination.to}>
          <NavLink
            to={destination.to}
            end={destination.to === '/'}
            className={({ isActive }) => (isActive ? `${styles.item} ${styles.active}` : (styles.item ?? ''))}
            onClick={onGo}
          >
            <span aria-hidden>{destination.icon}</span>
            <span className={styles.name}>{destination.title}</span>
            {count !== undefined && count > 0 && <span className={styles.count}>{count}</span>}
          </NavLink>
        </li>
      );
    });

  return (
    <nav aria-label={t('nav.main')} className={styles.nav}>
      {GROUPS.map(
        (group) =>
          groups[group].length > 0 && (
            <Fragment key={group}>
              {named && group !== 'work' && (
                <h2 id={`nav-${group}`} className={styles.group}>
                  {t(`nav.group.${group}`)}
                </h2>
              )}
              <ul aria-labelledby={named && group !== 'work' ? `nav-${group}` : undefined}>{items(groups[group])}</ul>
            </Fragment>
          ),
      )}
      <ul>{items(ownDestinations(person, t))}</ul>
    </nav>
  );
}
