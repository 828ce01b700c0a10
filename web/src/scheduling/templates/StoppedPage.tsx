import { useLocale } from '../../locale/locale';
import { StoppedList } from './StoppedList';
import styles from './templates.module.css';

/** `/schedules/stopped`: everybody of the institution who has a place in what was stopped. */
export default function StoppedPage() {
  const { t } = useLocale();
  return (
    <section className={styles.page}>
      <h1>{t('stopped.title')}</h1>
      <StoppedList />
    </section>
  );
}
