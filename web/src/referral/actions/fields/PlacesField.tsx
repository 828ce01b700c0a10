import { Select } from 'antd';
import type { Reference, Task } from 'fhir/r4';
import { useLocale } from '../../../locale/locale';
import { Field } from '../../refer/Field';
import styles from '../actions.module.css';
import { DAYS_AHEAD, placeText, useFreePlaces } from './useFreePlaces';

interface PlacesFieldProps {
  task: Task;
  specialty: string;
  value: readonly Reference[];
  required: boolean;
  fault: string | undefined;
  onChange: (slots: Reference[]) => void;
}

/** 号源: a doctor's time and, where it is needed, an examination beside it; both are taken together or neither. */
export function PlacesField({ task, specialty, value, required, fault, onChange }: PlacesFieldProps) {
  const { t } = useLocale();
  const here = { organization: task.owner?.reference ?? '', specialty, referral: `Task/${task.id ?? ''}` };
  const doctors = useFreePlaces({ ...here, kind: 'doctor' });
  const examinations = useFreePlaces({ ...here, kind: 'examination' });
  const choose = (reading: typeof doctors, name: 'doctor' | 'examination') => {
    const places = reading.state === 'here' ? reading.value : [];
    const chosen = places.find((place) => value.some((one) => one.reference === place.slot));
    const others = value.filter((one) => !places.some((place) => place.slot === one.reference));
    return (
      <Select
        aria-label={t(`act.slot.${name}`)}
        className={styles.wide ?? ''}
        allowClear={{ label: t('choice.clear') }}
        showSearch={{ optionFilterProp: 'label' }}
        loading={reading.state === 'loading'}
        placeholder={t(`act.slot.${name}`)}
        notFoundContent={reading.state === 'failed' ? t('act.slot.failed') : t('act.slot.none', { days: DAYS_AHEAD })}
        options={places.map((place) => ({ value: place.slot, label: placeText(place, t) }))}
        value={chosen?.slot ?? null}
        onChange={(slot) => onChange([...others, ...(slot ? [{ reference: slot }] : [])])}
      />
    );
  };
  return (
    <Field name="act-slot" label={t('act.slot')} required={required} group fault={fault} hint={t('act.slot.hint')}>
      {() => (
        <div className={styles.places}>
          {choose(doctors, 'doctor')}
          {choose(examinations, 'examination')}
        </div>
      )}
    </Field>
  );
}
