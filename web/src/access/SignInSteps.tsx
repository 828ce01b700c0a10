import { useQuery } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import styles from '../accounts/accounts.module.css';
import { call, type Enrolled, type OwnAccount } from '../accounts/calls';
import { AppEnrolment, PasskeyEnrolment, RecoveryCodes } from '../accounts/Enrolment';
import { NewPassword } from '../accounts/NewPassword';
import { passkeysWork, showPasskey } from '../accounts/passkey';
import { Said } from '../accounts/Said';
import { useLocale } from '../locale/locale';

export type Step = Exclude<OwnAccount['step'], ''>;

/** The next step the server asks for; undefined: none, the person is signed in. */
export type Next = { next?: OwnAccount['step'] } | undefined;

interface StepProps {
  step: Step;
  onNext: (next: Next) => void;
  onBack: () => void;
}

/** What is asked after the password: a second factor, a new password, or setting up a second factor. */
export function SignInStep({ step, onNext, onBack }: StepProps) {
  const { t } = useLocale();
  const { data: account } = useQuery({
    queryKey: ['sign-in-step', step],
    queryFn: ({ signal }) => call<OwnAccount>('account', { signal }),
    retry: false,
    gcTime: 0,
  });
  const titles = {
    'second-factor': t('signin.step.second.title'),
    password: t('account.password.must.title'),
    enrol: t('signin.step.enrol.title'),
  };
  return (
    <>
      <h2 className={styles.stepTitle}>{titles[step]}</h2>
      {step === 'second-factor' && <SecondFactor onNext={onNext} />}
      {step === 'password' && account && (
        <>
          <p className={styles.quiet}>{t('account.password.must')}</p>
          <NewPassword
            rules={account.rules}
            name={account.name}
            current={false}
            onSend={async (_, password) => onNext(await call<Next>('sign-in/password', { body: { password } }))}
          />
        </>
      )}
      {step === 'enrol' && <Enrol onNext={onNext} />}
      <Button type="link" onClick={onBack}>
        {t('account.back')}
      </Button>
    </>
  );
}

function SecondFactor({ onNext }: { onNext: (next: Next) => void }) {
  const { t } = useLocale();
  const [code, setCode] = useState('');
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const { data } = useQuery({
    queryKey: ['sign-in-step', 'second-factor'],
    queryFn: ({ signal }) => call<{ secondFactor: { app: boolean; passkey: boolean } }>('account', { signal }),
    retry: false,
    gcTime: 0,
  });
  const has = data?.secondFactor;

  async function doing(what: () => Promise<Next>) {
    setBusy(true);
    setFault(null);
    try {
      onNext(await what());
    } catch (error) {
      setFault(error);
      setCode('');
    }
    setBusy(false);
  }

  function send(event: FormEvent) {
    event.preventDefault();
    if (!code.trim()) return setFault('account.code.missing');
    void doing(() => call<Next>('sign-in/second-factor', { body: { code } }));
  }

  return (
    <form className={styles.form} onSubmit={send} noValidate>
      <Said fault={fault} />
      <p className={styles.quiet}>{t(has && !has.app ? 'signin.step.second.key' : 'signin.step.second.app')}</p>
      {has?.passkey && passkeysWork() && (
        <Button type="primary" loading={busy} onClick={() => void doing(byPasskey)}>
          {t('signin.passkey.show')}
        </Button>
      )}
      <label htmlFor="code">{t('account.code')}</label>
      <Input
        id="code"
        size="large"
        autoFocus
        autoComplete="one-time-code"
        autoCapitalize="none"
        spellCheck={false}
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <Button type={has?.passkey ? 'default' : 'primary'} size="large" htmlType="submit" loading={busy}>
        {t('account.continue')}
      </Button>
    </form>
  );
}

function Enrol({ onNext }: { onNext: (next: Next) => void }) {
  const { t } = useLocale();
  const [done, setDone] = useState<Enrolled | null>(null);
  if (done && done.recoveryCodes.length > 0) {
    return <RecoveryCodes codes={done.recoveryCodes} onKept={() => onNext(done)} />;
  }
  return (
    <>
      <p className={styles.quiet}>{t('signin.step.enrol')}</p>
      <h3>{t('account.factor.app')}</h3>
      <p className={styles.quiet}>{t('account.factor.app.what')}</p>
      <AppEnrolment prove={false} onDone={setDone} />
      <h3>{t('account.factor.passkey')}</h3>
      <p className={styles.quiet}>{t('account.factor.passkey.how')}</p>
      <PasskeyEnrolment prove={false} onDone={setDone} />
    </>
  );
}

/** A passkey as the second step, or as the only one where nobody has said who they are. */
export async function byPasskey(): Promise<Next> {
  const options = await call<Record<string, unknown>>('sign-in/passkey-options', { body: {} });
  return call<Next>('sign-in/passkey', { body: { credential: await showPasskey(options) } });
}
