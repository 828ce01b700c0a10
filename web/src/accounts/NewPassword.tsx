import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useLocale } from '../locale/locale';
import styles from './accounts.module.css';
import type { OwnAccount } from './calls';
import { Said } from './Said';

interface NewPasswordProps {
  rules: OwnAccount['rules'];
  /** For password managers: whose it is. */
  name: string;
  /** Whether the current one is asked for. */
  current: boolean;
  onSend: (current: string, password: string) => Promise<void>;
}

/** The current password where it is needed, and the new one twice. */
export function NewPassword({ rules, name, current, onSend }: NewPasswordProps) {
  const { t } = useLocale();
  const [old, setOld] = useState('');
  const [first, setFirst] = useState('');
  const [again, setAgain] = useState('');
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function send(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    if (first !== again) return setFault('account.password.differ');
    setBusy(true);
    setFault(null);
    try {
      await onSend(old, first);
      setOld('');
      setFirst('');
      setAgain('');
    } catch (error) {
      setFault(error);
    }
    setBusy(false);
  }

  return (
    <form className={styles.form} onSubmit={(event) => void send(event)} noValidate>
      <Said fault={fault} />
      <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
      {current && (
        <>
          <label htmlFor="current-password">{t('account.password.current')}</label>
          <Input.Password
            id="current-password"
            autoComplete="current-password"
            value={old}
            onChange={(event) => setOld(event.target.value)}
          />
        </>
      )}
      <label htmlFor="new-password">{t('account.password.new')}</label>
      <Input.Password
        id="new-password"
        autoFocus={!current}
        autoComplete="new-password"
        aria-describedby="password-rules"
        value={first}
        onChange={(event) => setFirst(event.target.value)}
      />
      <p className={styles.quiet} id="password-rules">
        {t('account.password.rules', rules)}
      </p>
      <label htmlFor="new-password-again">{t('account.password.again')}</label>
      <Input.Password
        id="new-password-again"
        autoComplete="new-password"
        value={again}
        onChange={(event) => setAgain(event.target.value)}
      />
      <Button type="primary" htmlType="submit" loading={busy} disabled={!first || !again || (current && !old)}>
        {t(current ? 'account.password.change' : 'account.continue')}
      </Button>
    </form>
  );
}
