import { Input } from 'antd';
import { useLocale } from '../../../locale/locale';
import { Field } from '../../refer/Field';
import type { ActField } from '../parameters';

type TextName = Extract<
  ActField,
  | 'note'
  | 'question'
  | 'answer'
  | 'findings'
  | 'treatment'
  | 'medication'
  | 'advice'
  | 'recordNumber'
  | 'informed'
  | 'expert'
  | 'witness'
>;

interface TextFieldProps {
  name: TextName;
  /** The action it is part of: a note says something else when one declines. */
  action: string;
  value: string;
  required: boolean;
  fault: string | undefined;
  onChange: (text: string) => void;
}

const ROWS: Readonly<Record<TextName, number>> = {
  note: 2,
  question: 3,
  answer: 3,
  findings: 3,
  treatment: 4,
  medication: 3,
  advice: 4,
  recordNumber: 1,
  informed: 1,
  expert: 1,
  witness: 1,
};
const LONGEST = 5000;
/** What approvers say stays in their house. */
const INSIDE = ['approve', 'return'];

export function TextField({ name, action, value, required, fault, onChange }: TextFieldProps) {
  const { t } = useLocale();
  const said = action === 'report' && name === 'note' ? t('act.note.report') : t(`act.${name}`);
  return (
    <Field name={`act-${name}`} label={said} required={required} fault={fault}>
      {(ids) =>
        name === 'recordNumber' ? (
          <Input {...ids} maxLength={60} value={value} onChange={(event) => onChange(event.target.value)} />
        ) : (
          <Input.TextArea
            {...ids}
            autoSize={{ minRows: ROWS[name], maxRows: 12 }}
            maxLength={LONGEST}
            placeholder={t(name === 'note' && INSIDE.includes(action) ? 'act.note.inside' : `act.${name}.empty`)}
            value={value}
            status={fault ? 'error' : ''}
            onChange={(event) => onChange(event.target.value)}
          />
        )
      }
    </Field>
  );
}
