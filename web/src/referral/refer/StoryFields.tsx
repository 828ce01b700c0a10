import { Input } from 'antd';
import { useLocale } from '../../locale/locale';
import { Field } from './Field';
import type { ReferForm } from './form';
import type { PartProps } from './part';

const LONGEST = 5000;

const TEXTS = [
  { field: 'presentIllness', required: true, rows: 4 },
  { field: 'pastHistory', required: false, rows: 2 },
  { field: 'treatment', required: false, rows: 2 },
  { field: 'question', required: false, rows: 2 },
] as const satisfies readonly { field: keyof ReferForm; required: boolean; rows: number }[];

/** The story, as the 双向转诊（转出）单 asks for it; filled from the record and free to be changed. */
export function StoryFields({ form, set, fault }: PartProps) {
  const { t } = useLocale();
  const down = form.direction === 'down';
  return TEXTS.map(({ field, required, rows }) => (
    <Field
      key={field}
      name={field}
      label={t(field === 'question' && down ? 'refer.question.down' : `refer.${field}`)}
      required={required}
      fault={fault(field)}
      hint={field === 'question' ? t('refer.question.hint') : undefined}
    >
      {(ids) => (
        <Input.TextArea
          {...ids}
          autoSize={{ minRows: rows, maxRows: 14 }}
          maxLength={LONGEST}
          placeholder={t(field === 'question' && down ? 'refer.question.down.empty' : `refer.${field}.empty`)}
          value={form[field]}
          status={fault(field) ? 'error' : ''}
          onChange={(event) => set(field, event.target.value)}
        />
      )}
    </Field>
  ));
}
