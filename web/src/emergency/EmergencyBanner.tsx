import { Alert } from 'antd';
import { untilDeadline } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import { useReading } from '../page/reading';
import { useNow } from '../referral/useNow';
import { readRunning } from './emergency';
import styles from './emergency.module.css';

/** While a record is open on an emergency access: for how long yet. Nothing otherwise. */
export function EmergencyBanner({ id }: { id: string }) {
  const { t } = useLocale();
  const now = useNow();
  const running = useReading(['patient', id, 'emergency'], (signal) => readRunning(id, signal));
  if (running.state !== 'here' || !running.value) return null;
  const { until, sensitiveUntil } = running.value;
  const left = untilDeadline(until, now, t)?.text ?? '';
  return (
    <Alert
      banner
      type="error"
      className={styles.banner ?? ''}
      message={t(sensitiveUntil ? 'emergency.banner.sensitive' : 'emergency.banner', { left })}
    />
  );
}
