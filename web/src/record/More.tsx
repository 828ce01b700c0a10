import { Button } from 'antd';
import { useLocale } from '../locale/locale';
import type { Pages } from './paging';
import styles from './record.module.css';

/** What has been read of how much, and the button for the rest. */
export function More({ pages, label }: { pages: Pages<unknown>; label: string }) {
  const { t } = useLocale();
  const { rows, total, hasMore, readingMore, more } = pages;
  return (
    <p className={styles.more}>
      <span className="quiet">
        {total === undefined ? t('list.shown', { n: rows.length }) : t('list.shown.of', { n: rows.length, total })}
      </span>
      {hasMore && (
        <Button size="small" loading={readingMore} onClick={more}>
          {label}
        </Button>
      )}
    </p>
  );
}
