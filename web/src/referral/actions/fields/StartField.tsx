import { Button, Select } from 'antd';
import { useState } from 'react';
import { dateTime, today } from '../../../fhir/dates';
import { useLocale } from '../../../locale/locale';
import { Field } from '../../refer/Field';
import styles from '../actions.module.css';
import { dayOptions, type Start, timeOptions, timeTyped } from './days';

const DAYS_AHEAD = 60;

interface StartFieldProps {
  value: Start;
  required: boolean;
  fault: string | undefined;
  onChange: (start: Start) => void;
}

/** When the patient will be seen: a day and a time, chosen or typed (0930). */
export function StartField({ value, required, fault, onChange }: StartFieldProps) {
  const { t } = useLocale();
  const [now] = useState(() => new Date());
  const { day, time } = value;
  const [typed, setTyped] = useState('');
  const own = timeTyped(typed);
  const times = timeOptions().filter(
    (one) => !typed || one.startsWith(typed) || one.replace(':', '').startsWith(typed),
  );
  const half = (day === '') !== (time === '');
  return (
    <Field
      name="act-start"
      label={t('act.start')}
      required={required}
      group
      fault={fault}
      hint={half ? t(day === '' ? 'act.start.day' : 'act.start.time') : undefined}
    >
      {() => (
        <div className={styles.when}>
          <Select
            aria-label={t('act.start.day')}
            className={styles.day ?? ''}
            allowClear
            showSearch={{ optionFilterProp: 'label' }}
            placeholder={t('act.start.day')}
            options={dayOptions(today(now), DAYS_AHEAD, t)}
            value={day || null}
            onChange={(next) => onChange({ day: next ?? '', time: next ? time : '' })}
          />
          <Select
            aria-label={t('act.start.time')}
            className={styles.time ?? ''}
            showSearch={{ filterOption: false, onSearch: setTyped, searchValue: typed }}
            placeholder={t('act.start.time')}
            options={[...new Set([...(own ? [own] : []), ...times])].map((one) => ({ value: one, label: one }))}
            value={time || null}
            onChange={(next) => {
              setTyped('');
              onChange({ day, time: next ?? '' });
            }}
          />
          <Button
            size="small"
            onClick={() => onChange({ day: today(now), time: dateTime(now.toISOString()).slice(11) })}
          >
            {t('act.start.now')}
          </Button>
        </div>
      )}
    </Field>
  );
}
