import { Input, Radio, Select } from 'antd';
import { useState } from 'react';
import { useLocale } from '../../locale/locale';
import { DIRECTIONS } from '../codes/reasons';
import { matches } from '../codes/search';
import { SPECIALTIES } from '../codes/specialties';
import { URGENCIES } from '../request';
import { Field } from './Field';
import { turned, unplaced } from './form';
import { NextFields } from './NextFields';
import type { PartProps } from './part';
import { ReceiverField } from './ReceiverField';
import styles from './refer.module.css';

interface WhereFieldsProps extends PartProps {
  /** "Organization/…" the patient came from, empty when unknown. */
  origin: string;
  /** "Patient/…" */
  patient: string;
  /** A draft of the server is submitted by a step that takes neither a place nor alternatives. */
  draft: boolean;
}

/** Where to: direction, urgency, specialty and who shall receive the patient. */
export function WhereFields({ form, set, change, fault, origin, patient, draft }: WhereFieldsProps) {
  const { t } = useLocale();
  const part = { form, set, change, fault };
  return (
    <>
      <div className={styles.pair}>
        <Field name="direction" label={t('refer.direction')} required group fault={fault('direction')}>
          {() => (
            <Radio.Group
              optionType="button"
              buttonStyle="solid"
              options={DIRECTIONS.map((value) => ({ value, label: t(`referral.direction.${value}`) }))}
              value={form.direction}
              onChange={(event) => change((old) => turned(old, event.target.value))}
            />
          )}
        </Field>
        <Field
          name="urgency"
          label={t('refer.urgency')}
          required
          group
          fault={fault('urgency')}
          hint={form.urgency === 'stat' ? t('refer.urgency.stat') : undefined}
        >
          {() => (
            <Radio.Group
              optionType="button"
              buttonStyle="solid"
              className={form.urgency === 'stat' ? styles.stat : ''}
              options={URGENCIES.map((value) => ({ value, label: t(`referral.urgency.${value}`) }))}
              value={form.urgency}
              onChange={(event) => set('urgency', event.target.value)}
            />
          )}
        </Field>
      </div>
      <SpecialtyField
        value={form.specialty}
        onChange={(specialty) => change((old) => ({ ...unplaced(old), specialty }))}
        fault={fault('specialty')}
      />
      <ReceiverField
        direction={form.direction}
        specialty={form.specialty}
        value={form.receiver}
        origin={origin}
        patient={patient}
        priority={form.urgency}
        onChange={(receiver) => {
          change((old) => (old.receiver?.reference === receiver.reference ? old : { ...old, slot: null }));
          set('receiver', receiver);
        }}
        onSpecialty={(specialty) => change((old) => ({ ...unplaced(old), specialty }))}
        fault={fault('receiver')}
      />
      {!draft && <NextFields {...part} patient={patient} />}
      {!draft && <GreenField {...part} />}
    </>
  );
}

/** 申请绿色通道: a reason, or nothing. The receiver opens it. */
function GreenField({ form, set, fault }: PartProps) {
  const { t } = useLocale();
  return (
    <Field
      name="greenChannel"
      label={t('refer.green')}
      hint={form.urgency === 'stat' ? t('refer.green.stat') : t('refer.green.hint')}
      fault={fault('greenChannel')}
    >
      {(ids) => (
        <Input
          {...ids}
          maxLength={500}
          placeholder={t('refer.green.empty')}
          value={form.greenChannel ?? ''}
          onChange={(event) => set('greenChannel', event.target.value)}
        />
      )}
    </Field>
  );
}

interface SpecialtyFieldProps {
  value: string;
  onChange: (code: string) => void;
  fault: string | undefined;
}

/** 诊疗科目, found by 中文, pinyin or initials. */
function SpecialtyField({ value, onChange, fault }: SpecialtyFieldProps) {
  const { t, lang } = useLocale();
  const [typed, setTyped] = useState('');
  const options = SPECIALTIES.filter((one) => matches(one, typed)).map((one) => ({
    value: one.code,
    label: one[lang],
  }));
  return (
    <Field name="specialty" label={t('refer.specialty')} required fault={fault}>
      {(ids) => (
        <Select
          {...ids}
          className={styles.wide ?? ''}
          showSearch={{ filterOption: false, onSearch: setTyped, searchValue: typed }}
          placeholder={t('refer.specialty.find')}
          notFoundContent={t('refer.specialty.none')}
          options={options}
          value={value || null}
          status={fault ? 'error' : ''}
          onChange={(code) => {
            setTyped('');
            onChange(code ?? '');
          }}
        />
      )}
    </Field>
  );
}
