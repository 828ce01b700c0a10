import { Button } from 'antd';
import type { ReactNode } from 'react';
import { dateTime } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { jumpTo } from './Field';
import type { Fault, ReferForm } from './form';
import styles from './refer.module.css';

interface SendBarProps {
  form: ReferForm;
  faults: readonly Fault[];
  busy: 'submit' | 'draft' | null;
  /** A referral for this specialty is under way. */
  blocked: boolean;
  keptAt: string;
  /** A draft of the server is being written on. */
  draft: boolean;
  onSend: (submit: boolean) => void;
  /** Why it was not sent: stands on the bar, where the person looks. */
  refusal: ReactNode;
}

/** Always in view: send, keep as a draft, what is still missing, and that nothing typed is lost. */
export function SendBar({ form, faults, busy, blocked, keptAt, draft, onSend, refusal }: SendBarProps) {
  const { t } = useLocale();
  const [first] = faults;
  return (
    <footer className={styles.bar}>
      {refusal}
      <span className={styles.barWords} aria-live="polite">
        {blocked ? (
          <span className={styles.fault}>{t('refer.open.blocked')}</span>
        ) : first ? (
          <button type="button" className="link" onClick={() => jumpTo(first.field)}>
            {t('refer.faults', { n: faults.length, first: t(first.key) })}
          </button>
        ) : (
          t('refer.ready', { receiver: form.receiver?.display ?? '' })
        )}
        {keptAt && <span className="quiet"> {t('refer.kept', { time: dateTime(keptAt).slice(11) })}</span>}
      </span>
      <Button onClick={() => onSend(false)} loading={busy === 'draft'} disabled={busy === 'submit'}>
        {t(draft ? 'refer.draft.update' : 'refer.draft.save')}
      </Button>
      <Button
        type="primary"
        title="Ctrl+Enter"
        onClick={() => onSend(true)}
        loading={busy === 'submit'}
        disabled={busy === 'draft' || blocked}
      >
        {t('refer.submit')}
      </Button>
    </footer>
  );
}
