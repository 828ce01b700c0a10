import { Alert, Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { whatHappened } from '../client/problem';
import { useLocale } from '../locale/locale';
import { askForCode, open } from './calls';
import styles from './outside.module.css';

interface DoorProps {
  /** From behind the # of the address; empty where there was none. */
  secret: string;
  /** Was inside, too long. */
  over: boolean;
  onEntered: () => void;
}

/** One-time code, last four digits of the number, and who is answering. */
export function Door({ secret, over, onEntered }: DoorProps) {
  const { t, lang } = useLocale();
  const [code, setCode] = useState('');
  const [number, setNumber] = useState('');
  const [name, setName] = useState('');
  const [fault, setFault] = useState('');
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);

  if (!secret)
    return (
      <Alert
        type="info"
        showIcon
        title={t(over ? 'outside.over' : 'outside.no-link')}
        description={t('outside.no-link.how')}
        role="alert"
      />
    );

  const refuse = (field: string, text: string) => {
    setFault(text);
    document.getElementById(field)?.focus();
  };

  async function enter(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    if (!/^\d{6}$/.test(code.trim())) return refuse('code', t('outside.code.missing'));
    if (!/^\d{4}$/.test(number.trim())) return refuse('number', t('outside.number.missing'));
    if (name.trim().length < 2) return refuse('name', t('outside.name.missing'));
    setBusy(true);
    setFault('');
    try {
      await open(secret, code.trim(), number.trim(), name.trim());
      onEntered();
    } catch (error) {
      setCode('');
      refuse('code', whatHappened(error, t, lang));
      setBusy(false);
    }
  }

  async function again() {
    setFault('');
    try {
      await askForCode(secret);
      setAsked(true);
    } catch (error) {
      setFault(whatHappened(error, t, lang));
    }
  }

  return (
    <form className={styles.door} onSubmit={(event) => void enter(event)} noValidate>
      <p>{t('outside.door')}</p>
      {fault && <Alert type="error" showIcon title={fault} role="alert" id="fault" />}
      <label htmlFor="code">{t('outside.code')}</label>
      <Input
        id="code"
        size="large"
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={6}
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <span className="quiet">{t('outside.code.how')}</span>
      <label htmlFor="number">{t('outside.number')}</label>
      <Input
        id="number"
        size="large"
        inputMode="numeric"
        autoComplete="off"
        maxLength={4}
        value={number}
        onChange={(event) => setNumber(event.target.value)}
      />
      <span className="quiet">{t('outside.number.how')}</span>
      <label htmlFor="name">{t('outside.name')}</label>
      <Input
        id="name"
        size="large"
        autoComplete="name"
        maxLength={30}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <span className="quiet">{t('outside.name.how')}</span>
      <Button type="primary" size="large" htmlType="submit" block loading={busy}>
        {t('outside.enter')}
      </Button>
      {asked ? (
        <p role="status">{t('outside.again.asked')}</p>
      ) : (
        <Button type="link" onClick={() => void again()}>
          {t('outside.again')}
        </Button>
      )}
    </form>
  );
}
