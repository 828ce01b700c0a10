import { Alert, Button } from 'antd';
import { useLocale } from '../../locale/locale';
import styles from '../directory.module.css';

/** Somebody else changed it since it was read: nothing was kept, and what to do about it. */
export function StaleAlert({ onReload }: { onReload: () => void }) {
  const { t } = useLocale();
  return (
    <Alert
      type="warning"
      showIcon
      role="alert"
      className={styles.alert ?? ''}
      title={t('kept.stale')}
      description={t('kept.stale.do')}
      action={<Button onClick={onReload}>{t('kept.reload')}</Button>}
    />
  );
}
