import { Button, Select } from 'antd';
import { useState } from 'react';
import { dateTime, today } from '../../../fhir/dates';
import { useLocale } from '../../../locale/locale';
import { Field } from '../../refer/Field';
import styles from '../actions.module.css';
import { dayOptions, startOf, timeOptions, timeTyped } from './days';

const DAYS_AHEAD = 60;

interface StartFieldProps {
  /** FHIR dateTime, empty for not said. */
  value: string;
  required: boolean;
  fault: string | undefined;
  onChange: (start: string) => void;
}

/** When the patient will be seen: a day and a time, chosen or typed (0930). */
export function StartField({ value, required, fault, onChange }: StartFieldProps) {
  const { t } = useLocale();
  const [now] = useState(() => new Date());
  const said = dateTime(value);
  const [day, setDay] = useState(said.slice(0, 10));
  const [time, setTime] = useState(said.slice(11));
  const [typed, setTyped] = useState('');
  const set = (nextDay: string, nextTime: string) => {
    setDay(nextDay);
    setTime(nextTime);
    onChange(startOf(nextDay, nextTime));
  };
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
            onChange={(next) => set(next ?? '', next ? time : '')}
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
              set(day, next ?? '');
            }}
          />
          <Button size="small" onClick={() => set(today(now), dateTime(now.toISOString()).slice(11))}>
            {t('act.start.now')}
          </Button>
        </div>
      )}
    </Field>
  );
}
