import { Button, Progress, Skeleton } from 'antd';
import { useEffect, useState } from 'react';
import { useLocale } from '../locale/locale';
import styles from './page.module.css';

type Phase = 'nothing' | 'skeleton' | 'progress' | 'cancel';

/** How long one has waited, as the page shows it: nothing up to 200 ms, a skeleton, progress after 1 s, a way out after 5 s. */
export function useWaitingPhase(): Phase {
  const [phase, setPhase] = useState<Phase>('nothing');
  useEffect(() => {
    const timers = [
      setTimeout(() => setPhase('skeleton'), 200),
      setTimeout(() => setPhase('progress'), 1000),
      setTimeout(() => setPhase('cancel'), 5000),
    ];
    return () => timers.forEach(clearTimeout);
  }, []);
  return phase;
}

interface WaitingProps {
  /** What is being fetched, a noun: "患者列表". */
  what: string;
  rows?: number;
  onCancel?: (() => void) | undefined;
}

export function Waiting({ what, rows = 4, onCancel }: WaitingProps) {
  const { t } = useLocale();
  const phase = useWaitingPhase();
  // Keeps its room from the first moment, so that the page does not jump when the skeleton comes.
  return (
    <div className={styles.waiting} aria-busy="true" style={{ minHeight: rows * 26 }}>
      {(phase === 'progress' || phase === 'cancel') && (
        <div className={styles.progress} role="status">
          <Progress percent={100} status="active" showInfo={false} size={{ height: 4 }} aria-hidden />
          <span>{t('waiting.for', { what })}</span>
          {phase === 'cancel' && onCancel && (
            <Button size="small" onClick={onCancel}>
              {t('do.cancel')}
            </Button>
          )}
        </div>
      )}
      {phase !== 'nothing' && <Skeleton active title={false} paragraph={{ rows }} />}
    </div>
  );
}
