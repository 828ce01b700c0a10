import { Link } from 'react-router';
import { type Post, usePerson } from '../access/person';
import { destinations, GROUPS, ownDestinations } from '../layout/destinations';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import styles from './workbench.module.css';

/** Posts whose first page is where they can go, and what is not shown to them. */
const SAID: readonly Post[] = ['office', 'pharmacist', 'admin', 'privacy', 'data-steward', 'registrar'];

export function PostPage({ post, title }: { post: Post | null; title: string }) {
  const { t } = useLocale();
  const person = usePerson();
  const name = post && SAID.includes(post) ? post : 'unknown';
  const all = destinations(person, t);
  const ways = [...GROUPS.flatMap((group) => all[group]), ...ownDestinations(person, t)].filter(({ to }) => to !== '/');
  return (
    <Panel title={t('today.post.title', { post: title })}>
      <dl className={styles.said}>
        <dt>{t('today.post.sees')}</dt>
        <dd>
          {name === 'unknown' ? (
            t('today.unknown.sees')
          ) : (
            <ul className={styles.ways}>
              {ways.map(({ to, title: where, icon }) => (
                <li key={to}>
                  <Link to={to}>
                    {icon} {where}
                  </Link>
                </li>
              ))}
            </ul>
          )}
        </dd>
        <dt>{t('today.post.not')}</dt>
        <dd>{t(`today.${name}.not` as Key)}</dd>
      </dl>
    </Panel>
  );
}
