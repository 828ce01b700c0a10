import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useLocale } from '../locale/locale';
import styles from './accounts.module.css';
import { call, type Enrolled } from './calls';
import { makePasskey, passkeysWork } from './passkey';
import { Said } from './Said';

interface EnrolmentProps {
  /** Whether the password is asked for once more; not while signing in, where it was just given. */
  prove: boolean;
  onDone: (enrolled: Enrolled) => void;
}

interface AppSecret {
  secret: string;
  picture: string;
}

/** Setting up an authenticator app: the code to scan, then the first digits it shows. */
export function AppEnrolment({ prove, onDone }: EnrolmentProps) {
  const { t } = useLocale();
  const [password, setPassword] = useState('');
  const [made, setMade] = useState<AppSecret | null>(null);
  const [code, setCode] = useState('');
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function doing(what: () => Promise<void>) {
    setBusy(true);
    setFault(null);
    try {
      await what();
    } catch (error) {
      setFault(error);
    }
    setBusy(false);
  }

  const begin = () => doing(async () => setMade(await call<AppSecret>('account/app', { body: { password } })));
  const confirm = (event: FormEvent) => {
    event.preventDefault();
    if (!code.trim()) return setFault('account.code.missing');
    void doing(async () => onDone(await call<Enrolled>('account/app/confirm', { body: { code } })));
  };

  if (!made) {
    return (
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          void begin();
        }}
      >
        <Said fault={fault} />
        {prove && <Proof value={password} onChange={setPassword} />}
        <Button type="primary" htmlType="submit" loading={busy} disabled={prove && !password}>
          {t('account.factor.app.add')}
        </Button>
      </form>
    );
  }
  return (
    <form className={styles.form} onSubmit={confirm} noValidate>
      <Said fault={fault} />
      <p>{t('account.factor.app.how')}</p>
      <img className={styles.code} src={made.picture} alt={t('account.factor.app')} />
      <p className={styles.quiet}>
        {t('account.factor.app.typed')} <code>{made.secret.match(/.{1,4}/g)?.join(' ')}</code>
      </p>
      <label htmlFor="app-code">{t('account.code')}</label>
      <Input
        id="app-code"
        autoFocus
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={7}
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <Button type="primary" htmlType="submit" loading={busy}>
        {t('account.continue')}
      </Button>
    </form>
  );
}

/** Making a passkey: a name for it, then the browser asks for finger, face or PIN. */
export function PasskeyEnrolment({ prove, onDone }: EnrolmentProps) {
  const { t } = useLocale();
  const [password, setPassword] = useState('');
  const [label, setLabel] = useState('');
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function make(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setFault(null);
    try {
      const options = await call<Record<string, unknown>>('account/passkey-options', { body: { password } });
      const credential = await makePasskey(options);
      onDone(await call<Enrolled>('account/passkeys', { body: { label, credential } }));
    } catch (error) {
      setFault(error);
    }
    setBusy(false);
  }

  if (!passkeysWork()) return <p className={styles.quiet}>{t('account.factor.passkey.unable')}</p>;
  return (
    <form className={styles.form} onSubmit={(event) => void make(event)} noValidate>
      <Said fault={fault} />
      {prove && <Proof value={password} onChange={setPassword} />}
      <label htmlFor="passkey-label">{t('account.factor.passkey.label')}</label>
      <Input
        id="passkey-label"
        maxLength={40}
        placeholder={t('account.factor.passkey.example')}
        value={label}
        onChange={(event) => setLabel(event.target.value)}
      />
      <Button htmlType="submit" loading={busy} disabled={!label.trim() || (prove && !password)}>
        {t('account.factor.passkey.add')}
      </Button>
    </form>
  );
}

/** The password once more: whoever sits down at a browser that was left open cannot make himself at home. */
export function Proof({ value, onChange }: { value: string; onChange: (password: string) => void }) {
  const { t } = useLocale();
  return (
    <>
      <label htmlFor="prove-password">{t('account.prove')}</label>
      <Input.Password
        id="prove-password"
        autoFocus
        autoComplete="current-password"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </>
  );
}

/** Shown once; the button that goes on says that they were kept. */
export function RecoveryCodes({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  const { t } = useLocale();
  return (
    <div className={styles.form}>
      <h3>{t('account.codes.title')}</h3>
      <p>{t('account.codes.how')}</p>
      <ol className={styles.codes}>
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div className={styles.row}>
        <Button type="primary" autoFocus onClick={onKept}>
          {t('account.codes.kept')}
        </Button>
        <Button onClick={() => void navigator.clipboard?.writeText(codes.join('\n'))}>{t('account.codes.copy')}</Button>
      </div>
    </div>
  );
}
