import { Select } from 'antd';
import type { Parameters, Reference } from 'fhir/r4';
import { ask } from '../../../client/client';
import { useLocale } from '../../../locale/locale';
import { useReading } from '../../../page/reading';
import { Field } from '../../refer/Field';
import styles from '../actions.module.css';

interface Ward {
  readonly reference: string;
  readonly name: string;
  readonly free: number;
}

/** The wards of an institution with free beds, out of `Location/$beds`. */
export function wardsOf(answer: Parameters): Ward[] {
  return (answer.parameter ?? [])
    .filter((one) => one.name === 'group')
    .flatMap((group) => {
      const place = group.part?.find((part) => part.name === 'place')?.valueReference;
      const free = group.part?.find((part) => part.name === 'free')?.valueInteger ?? 0;
      return place?.reference && free > 0 ? [{ reference: place.reference, name: place.display ?? '', free }] : [];
    });
}

interface WardFieldProps {
  institution: string;
  specialty: string;
  value: Reference | null;
  fault: string | undefined;
  onChange: (ward: Reference | null) => void;
}

/** 床位: a ward with free beds; which of them it becomes the server chooses by sex, age and kind. */
export function WardField({ institution, specialty, value, fault, onChange }: WardFieldProps) {
  const { t } = useLocale();
  const reading = useReading(
    ['wards', institution, specialty],
    async (signal) =>
      wardsOf(
        await ask<Parameters>('Location/$beds', { by: 'ward', institution, specialty: specialty || undefined }, signal),
      ),
    { enabled: institution !== '' },
  );
  const wards = reading.state === 'here' ? reading.value : [];
  return (
    <Field name="act-bed" label={t('act.bed')} fault={fault} hint={t('act.bed.hint')}>
      {(ids) => (
        <Select
          {...ids}
          className={styles.wide ?? ''}
          allowClear={{ label: t('choice.clear') }}
          loading={reading.state === 'loading'}
          placeholder={t('act.bed.empty')}
          notFoundContent={t('act.bed.none')}
          options={wards.map((ward) => ({
            value: ward.reference,
            label: `${ward.name} · ${t('act.bed.free', { n: ward.free })}`,
          }))}
          value={value?.reference ?? null}
          onChange={(reference) => onChange(reference ? { reference } : null)}
        />
      )}
    </Field>
  );
}
