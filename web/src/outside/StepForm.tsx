import { Alert, Button, Input, Radio } from 'antd';
import { type FormEvent, useState } from 'react';
import { Problem, whatHappened } from '../client/problem';
import { type Key, useLocale } from '../locale/locale';
import { DECLINE_REASONS } from '../referral/codes/reasons';
import { act, type Done, FIELDS, type Field, lacking } from './calls';
import styles from './outside.module.css';

interface StepFormProps {
  code: string;
  version: number;
  onDone: (done: Done) => void;
  onOver: () => void;
  onClose: () => void;
}

/** What one step takes, and the button that takes it. */
export function StepForm({ code, version, onDone, onOver, onClose }: StepFormProps) {
  const { t, lang } = useLocale();
  const [given, setGiven] = useState<Record<string, string>>({});
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const name = t(`outside.step.${code}` as Key);

  async function take(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    const [first] = lacking(code, given);
    if (first) {
      setFault(t('outside.missing', { what: t(`outside.field.${first}` as Key) }));
      document.getElementById(`step-${first}`)?.focus();
      return;
    }
    setBusy(true);
    setFault('');
    try {
      onDone(await act(version, code, given));
    } catch (error) {
      if (error instanceof Problem && error.kind === 'signed-out') return onOver();
      setFault(whatHappened(error, t, lang));
      setBusy(false);
    }
  }

  return (
    <form className={styles.form} onSubmit={(event) => void take(event)} noValidate aria-label={name}>
      <h2>{name}</h2>
      {fault && <Alert type="error" showIcon title={fault} role="alert" />}
      {(FIELDS[code] ?? []).map((field) => (
        <div key={field.name}>
          <label htmlFor={`step-${field.name}`}>
            {t(`outside.field.${field.name}` as Key)}
            {field.must && <span className={styles.must}> *</span>}
          </label>
          <Typed
            field={field}
            value={given[field.name] ?? ''}
            onChange={(value) => setGiven((before) => ({ ...before, [field.name]: value }))}
          />
        </div>
      ))}
      {code === 'decline' && <p className="quiet">{t('outside.decline.then')}</p>}
      {code === 'complete' && <p className="quiet">{t('outside.complete.then')}</p>}
      <div className={styles.row}>
        <Button size="large" type="primary" htmlType="submit" loading={busy} danger={code === 'decline'}>
          {name}
        </Button>
        <Button size="large" onClick={onClose} disabled={busy}>
          {t('do.cancel')}
        </Button>
      </div>
    </form>
  );
}

function Typed({ field, value, onChange }: { field: Field; value: string; onChange: (value: string) => void }) {
  const { lang } = useLocale();
  const id = `step-${field.name}`;
  if (field.kind === 'reason')
    return (
      <Radio.Group
        id={id}
        className={styles.reasons ?? ''}
        value={value}
        onChange={(event) => onChange(String(event.target.value))}
        options={DECLINE_REASONS.map((one) => ({ value: one.code, label: one[lang] }))}
      />
    );
  if (field.kind === 'text')
    return (
      <Input.TextArea
        id={id}
        autoSize={{ minRows: 2, maxRows: 8 }}
        maxLength={5000}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    );
  // The telephone's own wheels for date and time: nothing is quicker there.
  const type = field.kind === 'time' ? 'datetime-local' : field.kind === 'day' ? 'date' : 'text';
  return (
    <Input
      id={id}
      size="large"
      type={type}
      maxLength={200}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
