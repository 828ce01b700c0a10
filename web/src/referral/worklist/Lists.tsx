import { Link } from 'react-router';
import { usePerson } from '../../access/person';
import { useLocale } from '../../locale/locale';
import { useWorklistCounts } from '../counts';
import { listTitle, type Worklist, worklistsOf } from '../worklists';
import styles from './worklist.module.css';

/** The lists of the post side by side with their counts, so that one goes from new to expected to here without the navigation. */
export function Lists({ list }: { list: Worklist }) {
  const { t } = useLocale();
  const person = usePerson();
  const counts = useWorklistCounts(person);
  return (
    <nav className={styles.lists} aria-label={t('referral.open.what')}>
      {worklistsOf(person).map((one) => {
        const count = counts.state === 'here' ? counts.value[one] : undefined;
        return (
          <Link key={one} to={`/worklist/${one}`} aria-current={one === list ? 'page' : undefined}>
            {t(listTitle(one, person))} {count !== undefined && <span>{count}</span>}
          </Link>
        );
      })}
    </nav>
  );
}
