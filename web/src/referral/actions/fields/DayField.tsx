import { DatePicker } from 'antd';
import dayjs from 'dayjs';
import { today } from '../../../fhir/dates';
import { useLocale } from '../../../locale/locale';
import { Field } from '../../refer/Field';

interface DayFieldProps {
  name: 'nextVisit';
  /** `2026-12-05`, empty for none. */
  value: string;
  required: boolean;
  fault: string | undefined;
  onChange: (day: string) => void;
}

/** A day from today on. */
export function DayField({ name, value, required, fault, onChange }: DayFieldProps) {
  const { t } = useLocale();
  return (
    <Field name={`act-${name}`} label={t(`act.${name}`)} required={required} fault={fault}>
      {(ids) => (
        <DatePicker
          {...ids}
          placeholder={t(`act.${name}.empty`)}
          value={value ? dayjs(value) : null}
          onChange={(day) => onChange(day ? day.format('YYYY-MM-DD') : '')}
          disabledDate={(day) => day.format('YYYY-MM-DD') < today(new Date())}
        />
      )}
    </Field>
  );
}
