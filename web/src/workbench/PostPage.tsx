import type { Post } from '../access/person';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import styles from './workbench.module.css';

/** Posts without pages of their own yet are told plainly what they may use and what they do not see. */
const SAID: readonly Post[] = ['office', 'pharmacist', 'admin', 'privacy', 'data-steward', 'registrar'];

export function PostPage({ post, title }: { post: Post | null; title: string }) {
  const { t } = useLocale();
  const name = post && SAID.includes(post) ? post : 'unknown';
  return (
    <Panel title={t('today.post.title', { post: title })}>
      <dl className={styles.said}>
        <dt>{t('today.post.sees')}</dt>
        <dd>{t(`today.${name}.sees` as Key)}</dd>
        <dt>{t('today.post.not')}</dt>
        <dd>{t(`today.${name}.not` as Key)}</dd>
      </dl>
    </Panel>
  );
}
