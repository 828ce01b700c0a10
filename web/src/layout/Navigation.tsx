import { NavLink } from 'react-router';
import type { Person } from '../access/person';
import { useLocale } from '../locale/locale';
import { isWork, useWorklistCounts } from '../referral';
import { type Destination, destinations, ownDestinations } from './destinations';
import styles from './layout.module.css';

export function Navigation({ person, onGo }: { person: Person; onGo?: () => void }) {
  const { t } = useLocale();
  const counts = useWorklistCounts(person);
  const { work, patients } = destinations(person, t);
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
      <ul>{items(work)}</ul>
      {patients.length > 0 && <ul>{items(patients)}</ul>}
      <ul>{items(ownDestinations(person, t))}</ul>
    </nav>
  );
}
