import { Button } from 'antd';
import { Problem, whatHappened, whatToDo } from '../client/problem';
import { useLocale } from '../locale/locale';
import styles from './page.module.css';

interface FailureProps {
  error: unknown;
  /** What the page was about to show or do, a noun: "患者列表". */
  what: string;
  /** Instead of "未能读取{what}", where something was to be done and not read. */
  title?: string | undefined;
  onRetry?: (() => void) | undefined;
}

/** Says what happened, what to do, and the number to read out on the telephone. */
export function Failure({ error, what, title, onRetry }: FailureProps) {
  const { t, lang } = useLocale();
  const requestId = error instanceof Problem ? error.requestId : '';
  return (
    <div className={styles.failure} role="alert">
      <strong>{title ?? t('problem.title', { what })}</strong>
      <p>{whatHappened(error, t, lang)}</p>
      <p className={styles.quiet}>{whatToDo(error, t)}</p>
      <div className={styles.row}>
        {onRetry && (
          <Button size="small" onClick={onRetry}>
            {t('do.retry')}
          </Button>
        )}
        {requestId && (
          <span className={styles.quiet}>
            {t('problem.number')} <code>{requestId}</code>
          </span>
        )}
      </div>
    </div>
  );
}
