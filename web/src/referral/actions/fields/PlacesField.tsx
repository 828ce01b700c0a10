import { Select } from 'antd';
import type { Appointment, Reference, Task } from 'fhir/r4';
import { useState } from 'react';
import { ask, pageOf } from '../../../client/client';
import { dateTime } from '../../../fhir/dates';
import { useLocale } from '../../../locale/locale';
import { useReading } from '../../../page/reading';
import { Field } from '../../refer/Field';
import styles from '../actions.module.css';
import { type FreePlace, freePlaces } from './places';

const DAYS_AHEAD = 28;
const MOST = 200;

interface PlacesFieldProps {
  task: Task;
  specialty: string;
  value: readonly Reference[];
  required: boolean;
  fault: string | undefined;
  onChange: (slots: Reference[]) => void;
}

/** The free places of one kind at the receiver, as they are open to this referral: the grassroots' pool and the emergencies' too. */
function useFree(task: Task, kind: 'doctor' | 'examination', specialty: string) {
  const [now] = useState(() => new Date());
  const until = new Date(now.getTime() + DAYS_AHEAD * 86_400_000);
  const organization = task.owner?.reference ?? '';
  return useReading(
    ['places', task.id, kind, specialty],
    async (signal) =>
      freePlaces(
        pageOf<Appointment>(
          await ask(
            'Appointment/$find',
            {
              start: now.toISOString(),
              end: until.toISOString(),
              organization,
              specialty: kind === 'doctor' ? specialty : undefined,
              'visit-type': kind === 'examination' ? 'examination' : undefined,
              referral: `Task/${task.id ?? ''}`,
              _count: MOST,
            },
            signal,
          ),
        ).matches,
      ).filter((place) => (place.kind === 'examination') === (kind === 'examination')),
    { enabled: organization !== '' },
  );
}

/** 号源: a doctor's time and, where it is needed, an examination beside it; both are taken together or neither. */
export function PlacesField({ task, specialty, value, required, fault, onChange }: PlacesFieldProps) {
  const { t } = useLocale();
  const doctors = useFree(task, 'doctor', specialty);
  const examinations = useFree(task, 'examination', specialty);
  const choose = (reading: typeof doctors, name: 'doctor' | 'examination') => {
    const places = reading.state === 'here' ? reading.value : [];
    const chosen = places.find((place) => value.some((one) => one.reference === place.slot));
    const others = value.filter((one) => !places.some((place) => place.slot === one.reference));
    return (
      <Select
        aria-label={t(`act.slot.${name}`)}
        className={styles.wide ?? ''}
        allowClear
        showSearch={{ optionFilterProp: 'label' }}
        loading={reading.state === 'loading'}
        placeholder={t(`act.slot.${name}`)}
        notFoundContent={reading.state === 'failed' ? t('act.slot.failed') : t('act.slot.none', { days: DAYS_AHEAD })}
        options={places.map((place) => ({ value: place.slot, label: placeText(place) }))}
        value={chosen?.slot ?? null}
        onChange={(slot) => onChange([...others, ...(slot ? [{ reference: slot }] : [])])}
      />
    );
  };
  const placeText = (place: FreePlace) =>
    `${dateTime(place.start)} ${place.who} · ${t('act.slot.left', { n: place.free })}${place.reserved > 0 ? ` · ${t('act.slot.reserved', { n: place.reserved })}` : ''}`;
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
