import { Button, Input, Radio } from 'antd';
import { type Key, useLocale } from '../../../locale/locale';
import { isWord } from '../../known';
import { Field } from '../../refer/Field';
import styles from '../actions.module.css';
import { CODED } from '../parameters';

interface ReasonFieldProps {
  action: string;
  value: string;
  required: boolean;
  fault: string | undefined;
  onChange: (reason: string) => void;
}

/** Usual words of an action that takes a reason in words, one click each. */
const USUAL: Readonly<Record<string, readonly Key[]>> = {
  return: ['act.usual.return.data', 'act.usual.return.criteria', 'act.usual.return.receiver', 'act.usual.return.local'],
  cancel: [
    'act.usual.cancel.better',
    'act.usual.cancel.unwilling',
    'act.usual.cancel.elsewhere',
    'act.usual.cancel.mistake',
  ],
  stay: ['act.usual.stay.shock', 'act.usual.stay.breathing', 'act.usual.stay.bleeding'],
  end: ['mark.deceased', 'mark.admitted'],
  forward: ['act.usual.forward.capacity', 'act.usual.forward.specialty', 'act.usual.forward.nearer'],
};

/** Why: a code of the list for declining, words for the rest. */
export function ReasonField({ action, value, required, fault, onChange }: ReasonFieldProps) {
  const { t, lang } = useLocale();
  const hint = `act.reason.${action}`;
  const coded = CODED[action];
  if (coded) {
    return (
      <Field name="act-reason" label={t('act.reason')} required={required} group fault={fault}>
        {() => (
          <Radio.Group
            className={styles.reasons ?? ''}
            options={coded.codes.map((one) => ({ value: one.code, label: one[lang] }))}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
        )}
      </Field>
    );
  }
  return (
    <Field name="act-reason" label={t('act.reason')} required={required} fault={fault}>
      {(ids) => (
        <>
          <div className={styles.usual}>
            {(USUAL[action] ?? []).map((key) => (
              <Button key={key} size="small" onClick={() => onChange(t(key))}>
                {t(key)}
              </Button>
            ))}
          </div>
          <Input.TextArea
            {...ids}
            autoSize={{ minRows: 2, maxRows: 8 }}
            maxLength={1000}
            placeholder={isWord(hint) ? t(hint) : undefined}
            value={value}
            status={fault ? 'error' : ''}
            onChange={(event) => onChange(event.target.value)}
          />
        </>
      )}
    </Field>
  );
}
