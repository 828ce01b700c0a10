import { Button } from 'antd';
import { dateTime } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { stepKey } from '../known';
import { roadOf } from '../task';
import type { Thread } from './thread';
import styles from './thread.module.css';

/** Who did what last. */
export function useLastStep(thread: Thread): string {
  const { t } = useLocale();
  const last = roadOf(thread.steps).at(-1);
  if (!last) return '';
  return t('thread.news.step', {
    who: last.who,
    what: t(stepKey(last.action)),
    time: dateTime(last.time).slice(11),
  });
}

/** 有更新: somebody acted while this person was writing. Nothing moves until they say so. */
export function News({ newer, onShow }: { newer: Thread; onShow: () => void }) {
  const { t } = useLocale();
  return (
    <div className={styles.news} role="status">
      <span>
        <strong>{t('thread.news')}</strong> {useLastStep(newer)}
      </span>
      <Button size="small" onClick={onShow}>
        {t('thread.news.show')}
      </Button>
    </div>
  );
}

/** Somebody was quicker: it is on the screen by now, what was written is still here. */
export function Overtaken({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  return (
    <div className={styles.news} role="alert">
      {t('thread.overtaken', { step: useLastStep(thread) })}
    </div>
  );
}
