import { Alert, Button, Input } from 'antd';
import { type FormEvent, type KeyboardEvent, lazy, Suspense, useState } from 'react';
import { passkeysWork, wasCancelled } from '../accounts/passkey';
import { problemFrom, whatHappened } from '../client/problem';
import { dateTime } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import styles from './access.module.css';
import { LanguageSwitch } from './LanguageSwitch';
import { Providers } from './Providers';
import { arrival, finishLink } from './provider';
import type { Next, Step } from './SignInSteps';
import { beginSignIn } from './session';

const steps = () => import('./SignInSteps');
const SignInStep = lazy(async () => ({ default: (await steps()).SignInStep }));

/**
 * User name and password. The server's `/oauth2/authorize` sends people here with its query, and gets it back once they are known;
 * whoever comes here directly starts a sign-in of their own.
 */
export default function SignIn() {
  const { t, lang } = useLocale();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [came] = useState(() => arrival(location.search));
  const [fault, setFault] = useState<{ field: 'user' | 'password' | null; text: string } | null>(
    came.said ? { field: null, text: t(`signin.provider.${came.said}`) } : null,
  );
  const [busy, setBusy] = useState(false);
  const [capsLock, setCapsLock] = useState(false);
  const [step, setStep] = useState<Step | null>(came.step);
  const [notLinked, setNotLinked] = useState('');

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    if (!user.trim()) return refuse('user', t('signin.user.missing'));
    if (!password) return refuse('password', t('signin.password.missing'));
    setBusy(true);
    setFault(null);
    try {
      const answer = await fetch('/oauth2/sign-in', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
        body: JSON.stringify({ user: user.trim(), password }),
      });
      if (answer.ok) return await further(answer.status === 204 ? undefined : ((await answer.json()) as Next));
      setPassword('');
      refuse('password', await reason(answer));
    } catch {
      refuse(null, `${t('problem.unreachable')}${t('problem.unreachable.do')}`);
    }
    setBusy(false);
  }

  /** Goes on with the step the server asks for, or into the house. */
  async function further(next: Next): Promise<void> {
    setPassword('');
    setBusy(false);
    if (next?.next) setStep(next.next);
    else await goOn();
  }

  async function withPasskey() {
    setBusy(true);
    setFault(null);
    try {
      return await further(await (await steps()).byPasskey());
    } catch (error) {
      const text = wasCancelled(error) ? t('account.factor.passkey.cancelled') : whatHappened(error, t, lang);
      setFault({ field: null, text });
    }
    setBusy(false);
  }

  function refuse(field: 'user' | 'password' | null, text: string): void {
    setFault({ field, text });
    if (field) document.getElementById(field)?.focus();
  }

  /** Why the server said no. Locked until when is said when the server tells (Retry-After, seconds). */
  async function reason(answer: Response): Promise<string> {
    const retryAfter = Number(answer.headers.get('Retry-After')) || null;
    const problem = problemFrom(answer.status, await answer.json().catch(() => null), '', retryAfter);
    const said = whatHappened(problem, t, lang);
    const serverSaid = problem.issues.some((issue) => issue.details?.text);
    if (answer.status === 401 && serverSaid && lang === 'zh') return said;
    const locked = answer.status === 429 || answer.status === 423 || problem.codes().includes('locked');
    if (locked && retryAfter) {
      return t('signin.locked', { until: dateTime(new Date(Date.now() + retryAfter * 1000).toISOString()) });
    }
    if (locked) return serverSaid && lang === 'zh' ? said : t('signin.locked.unknown');
    return answer.status === 401 ? t('signin.wrong') : said;
  }

  async function goOn(): Promise<void> {
    if (came.link && !notLinked) {
      const refused = await finishLink().catch((error: unknown) => whatHappened(error, t, lang));
      if (refused) return setNotLinked(refused);
    }
    await enter();
  }

  async function enter(): Promise<void> {
    if (new URLSearchParams(came.query).has('client_id')) location.assign(`/oauth2/authorize?${came.query}`);
    else await beginSignIn('/');
  }

  const watchCapsLock = (event: KeyboardEvent) => setCapsLock(event.getModifierState('CapsLock'));

  const head = (
    <header className={styles.head}>
      <img src="/mark.svg" alt="" width={40} height={40} />
      <div>
        <h1 id="door-title">{t('app.name')}</h1>
        <p>{t('app.tagline')}</p>
      </div>
      <LanguageSwitch />
    </header>
  );

  if (notLinked) {
    return (
      <main className={styles.door}>
        <section className={styles.card} aria-labelledby="door-title">
          {head}
          <Alert
            type="warning"
            showIcon
            title={t('signin.provider.link.failed')}
            description={notLinked}
            role="alert"
          />
          <Button type="primary" size="large" block autoFocus onClick={() => void enter()}>
            {t('signin.provider.link.without')}
          </Button>
        </section>
      </main>
    );
  }

  if (step) {
    return (
      <main className={styles.door}>
        <section className={styles.card} aria-labelledby="door-title">
          {head}
          <Suspense>
            <SignInStep key={step} step={step} onNext={(next) => void further(next)} onBack={() => setStep(null)} />
          </Suspense>
        </section>
      </main>
    );
  }

  return (
    <main className={styles.door}>
      <form className={styles.card} onSubmit={(event) => void submit(event)} noValidate aria-labelledby="door-title">
        {head}
        {came.link && <Alert type="info" showIcon title={t('signin.provider.link')} />}
        {fault && <Alert type="error" showIcon title={fault.text} role="alert" id="fault" />}
        <label htmlFor="user">{t('signin.user')}</label>
        <Input
          id="user"
          size="large"
          autoFocus
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          value={user}
          status={fault?.field === 'user' ? 'error' : ''}
          aria-invalid={fault?.field === 'user'}
          aria-describedby={fault ? 'fault' : undefined}
          onChange={(event) => setUser(event.target.value)}
        />
        <label htmlFor="password">{t('signin.password')}</label>
        <Input.Password
          id="password"
          size="large"
          autoComplete="current-password"
          value={password}
          status={fault?.field === 'password' ? 'error' : ''}
          aria-invalid={fault?.field === 'password'}
          aria-describedby={fault ? 'fault' : undefined}
          onChange={(event) => setPassword(event.target.value)}
          onKeyUp={watchCapsLock}
        />
        {capsLock && <span className={styles.caps}>{t('signin.capslock')}</span>}
        <Button type="primary" size="large" htmlType="submit" loading={busy} block>
          {busy ? t('signin.working') : t('signin.submit')}
        </Button>
        {passkeysWork() && (
          <Button size="large" block disabled={busy} onClick={() => void withPasskey()}>
            {t('signin.passkey')}
          </Button>
        )}
        {!came.link && <Providers query={came.query} onFault={(text) => refuse(null, text)} />}
        <p className={styles.foot}>{t('signin.forgot')}</p>
        <p className={styles.foot}>
          <a href="/nearby">{t('nearby.title')}</a>
        </p>
      </form>
    </main>
  );
}
