import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Modal, Tag } from 'antd';
import { type FormEvent, useState } from 'react';
import { dateTime, day } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { MessageSettings } from '../messages/MessageSettings';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import styles from './accounts.module.css';
import { browserName } from './browser';
import { callSignedIn, type Device, type Enrolled, type OwnAccount } from './calls';
import { AppEnrolment, PasskeyEnrolment, Proof, RecoveryCodes } from './Enrolment';
import { NewPassword } from './NewPassword';
import { Said } from './Said';

const OWN = ['own-account'];
const DEVICES = ['own-sessions'];

/** 我的账号: password, second factor, and where one is signed in. */
export default function MyAccount() {
  const { t } = useLocale();
  const own = useReading(OWN, (signal) => callSignedIn<OwnAccount>('account', { signal }), { staleTime: 0 });
  return (
    <div className={styles.page}>
      <h1>{t('account.title')}</h1>
      <Read of={own} what={t('account.title')}>
        {(account) => (
          <div className={styles.columns}>
            <SecondFactor account={account} />
            <Password account={account} />
          </div>
        )}
      </Read>
      <MessageSettings />
      <Devices />
    </div>
  );
}

function Password({ account }: { account: OwnAccount }) {
  const { t } = useLocale();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const { changed, until } = account.password;

  async function change(current: string, password: string) {
    await callSignedIn('account/password', { body: { current, password } });
    void message.success(t('account.password.changed'));
    void queries.invalidateQueries({ queryKey: OWN });
    void queries.invalidateQueries({ queryKey: DEVICES });
  }

  return (
    <Panel title={t('account.password.title')}>
      <div className={styles.inside}>
        <p className={styles.quiet}>
          {changed && t('account.password.since', { date: day(changed) })}
          {until && `${t('list.separator')}${t('account.password.until', { date: day(until) })}`}
        </p>
        <NewPassword rules={account.rules} name={account.name} current onSend={change} />
      </div>
    </Panel>
  );
}

/** What is about to be done once the password was typed. */
type Intent = { kind: 'app' } | { kind: 'passkey' } | { kind: 'do'; path: string; more: Record<string, string> };

function SecondFactor({ account }: { account: OwnAccount }) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const [intent, setIntent] = useState<Intent | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const { app, passkeys, recoveryCodes, needed } = account.secondFactor;
  const has = app !== null || passkeys.length > 0;

  function done(enrolled?: Partial<Enrolled>) {
    setIntent(null);
    if (enrolled?.recoveryCodes?.length) setCodes(enrolled.recoveryCodes);
    void queries.invalidateQueries({ queryKey: OWN });
  }

  return (
    <Panel title={t('account.factor.title')}>
      <div className={styles.inside}>
        {!has && <p>{t('account.factor.none')}</p>}
        {!has && needed && <p>{t('account.factor.needed')}</p>}
        <h3>{t('account.factor.app')}</h3>
        {app ? (
          <div className={styles.row}>
            <span>{t('account.factor.app.on', { date: day(app) })}</span>
            <Button size="small" onClick={() => setIntent({ kind: 'do', path: 'account/app/remove', more: {} })}>
              {t('account.factor.app.remove')}
            </Button>
          </div>
        ) : (
          <div>
            <Button onClick={() => setIntent({ kind: 'app' })}>{t('account.factor.app.add')}</Button>
          </div>
        )}
        <h3>{t('account.factor.passkey')}</h3>
        <p className={styles.quiet}>{t('account.factor.passkey.how')}</p>
        <ul className={styles.list}>
          {passkeys.map((one) => (
            <li key={one.id}>
              <span>
                {one.label}{' '}
                <span className={styles.quiet}>
                  {one.used
                    ? t('account.factor.passkey.used', { date: dateTime(one.used) })
                    : t('account.factor.passkey.unused')}
                </span>
              </span>
              <Button
                size="small"
                aria-label={`${t('account.factor.passkey.remove')} ${one.label}`}
                onClick={() => setIntent({ kind: 'do', path: 'account/passkeys/remove', more: { id: one.id } })}
              >
                {t('account.factor.passkey.remove')}
              </Button>
            </li>
          ))}
        </ul>
        <div>
          <Button onClick={() => setIntent({ kind: 'passkey' })}>{t('account.factor.passkey.add')}</Button>
        </div>
        {has && (
          <>
            <h3>{t('account.codes.title')}</h3>
            <div className={styles.row}>
              <span>{t('account.codes.left', { n: recoveryCodes })}</span>
              <Button size="small" onClick={() => setIntent({ kind: 'do', path: 'account/recovery-codes', more: {} })}>
                {t('account.codes.renew')}
              </Button>
            </div>
          </>
        )}
      </div>
      {intent && <Proving intent={intent} onDone={done} onClose={() => setIntent(null)} />}
      {codes && (
        <Modal open footer={null} closable={false} title={null}>
          <RecoveryCodes codes={codes} onKept={() => setCodes(null)} />
        </Modal>
      )}
    </Panel>
  );
}

/** A window for what asks for the password once more. */
function Proving(props: { intent: Intent; onDone: (enrolled?: Partial<Enrolled>) => void; onClose: () => void }) {
  const { intent, onDone, onClose } = props;
  const { t } = useLocale();
  return (
    <Modal open footer={null} onCancel={onClose} title={t('account.factor.title')} destroyOnHidden>
      {intent.kind === 'app' && <AppEnrolment prove onDone={onDone} />}
      {intent.kind === 'passkey' && <PasskeyEnrolment prove onDone={onDone} />}
      {intent.kind === 'do' && <ProvenAct path={intent.path} more={intent.more} onDone={onDone} />}
    </Modal>
  );
}

interface ProvenActProps {
  path: string;
  more: Record<string, string>;
  onDone: (enrolled?: Partial<Enrolled>) => void;
}

function ProvenAct({ path, more, onDone }: ProvenActProps) {
  const { t } = useLocale();
  const [password, setPassword] = useState('');
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function go(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setFault(null);
    try {
      onDone(await callSignedIn<Partial<Enrolled> | undefined>(path, { body: { ...more, password } }));
    } catch (error) {
      setFault(error);
      setBusy(false);
    }
  }

  return (
    <form className={styles.form} onSubmit={(event) => void go(event)}>
      <Said fault={fault} />
      <Proof value={password} onChange={setPassword} />
      <Button type="primary" htmlType="submit" loading={busy} disabled={!password}>
        {t('account.continue')}
      </Button>
    </form>
  );
}

function Devices() {
  const { t } = useLocale();
  const queries = useQueryClient();
  const [fault, setFault] = useState<unknown>(null);
  const reading = useReading(
    DEVICES,
    async (signal) => (await callSignedIn<{ sessions: Device[] }>('account/sessions', { signal })).sessions,
    { staleTime: 0 },
  );

  async function end(id: string | null) {
    setFault(null);
    try {
      await callSignedIn('account/sessions/end', { body: { id } });
    } catch (error) {
      setFault(error);
    }
    void queries.invalidateQueries({ queryKey: DEVICES });
  }

  return (
    <Panel
      title={t('account.sessions.title')}
      aside={
        reading.state === 'here' &&
        reading.value.length > 1 && (
          <Button size="small" danger onClick={() => void end(null)}>
            {t('account.sessions.end-others')}
          </Button>
        )
      }
    >
      <div className={styles.inside}>
        <Said fault={fault} />
        <Read of={reading} what={t('account.sessions.title')}>
          {(devices) => (
            <>
              <ul className={styles.list}>
                {devices.map((one) => (
                  <li key={one.id}>
                    <DeviceLine device={one} />
                    {!one.here && (
                      <Button size="small" onClick={() => void end(one.id)}>
                        {t('account.sessions.end')}
                      </Button>
                    )}
                  </li>
                ))}
              </ul>
              {devices.length === 1 && <p className={styles.quiet}>{t('account.sessions.only')}</p>}
            </>
          )}
        </Read>
      </div>
    </Panel>
  );
}

const APPS: readonly string[] = ['yilian-web'];

function DeviceLine({ device }: { device: Device }) {
  const { t } = useLocale();
  const names = device.apps.map((app) =>
    APPS.includes(app.client) ? t(`account.app.${app.client}` as Key) : app.name,
  );
  return (
    <span>
      <strong>{browserName(device.browser) || t('account.sessions.unknown')}</strong>{' '}
      {device.here && <Tag color="success">{t('account.sessions.here')}</Tag>}
      <br />
      <span className={styles.quiet}>
        {[
          t('account.sessions.seen', { date: dateTime(device.seen) }),
          t('account.sessions.since', { date: dateTime(device.started) }),
          device.address && t('account.sessions.address', { address: device.address }),
          names.length > 0 && t('account.sessions.apps', { names: names.join(t('list.separator')) }),
        ]
          .filter(Boolean)
          .join(' · ')}
      </span>
    </span>
  );
}
