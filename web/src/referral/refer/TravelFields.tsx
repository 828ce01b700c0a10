import { AutoComplete, Input, Radio } from 'antd';
import { chinese, type Key, useLocale } from '../../locale/locale';
import { CONSENT_WAYS } from '../request';
import { Field } from './Field';
import type { PartProps } from './part';
import styles from './refer.module.css';

const TRANSPORT = ['self', 'family', 'ours', 'ambulance'] as const;
const ESCORT = ['none', 'family', 'nurse', 'doctor'] as const;
const CARE = ['outpatient', 'inpatient', 'examination', 'remote'] as const;

/** Consent, and how the patient travels. What is chosen is written as words, because the paper form carries words. */
export function TravelFields({ form, set, fault }: PartProps) {
  const { t } = useLocale();
  const words = (keys: readonly Key[]) => keys.map((key) => ({ value: chinese(key), label: t(key) }));
  return (
    <>
      <Field
        name="consent"
        label={t('refer.consent')}
        required
        group
        fault={fault('consent')}
        hint={t('refer.consent.hint')}
      >
        {() => (
          <Radio.Group
            options={CONSENT_WAYS.map((value) => ({ value, label: t(`referral.consent.${value}`) }))}
            value={form.consent}
            onChange={(event) => set('consent', event.target.value)}
          />
        )}
      </Field>
      <div className={styles.pair}>
        <Field name="careType" label={t('refer.careType')} group fault={fault('careType')}>
          {() => (
            <Radio.Group
              optionType="button"
              options={CARE.map((value) => ({ value, label: t(`referral.care.${value}`) }))}
              value={form.careType}
              onChange={(event) => set('careType', event.target.value)}
            />
          )}
        </Field>
        <Field name="infectious" label={t('refer.infectious')} fault={fault('infectious')}>
          {(ids) => (
            <Input
              {...ids}
              placeholder={t('refer.infectious.empty')}
              value={form.infectious}
              onChange={(event) => set('infectious', event.target.value)}
            />
          )}
        </Field>
      </div>
      <div className={styles.pair}>
        <Field name="transport" label={t('refer.transport')} fault={fault('transport')}>
          {(ids) => (
            <AutoComplete
              {...ids}
              options={words(TRANSPORT.map((one): Key => `referral.transport.${one}`))}
              value={form.transport}
              placeholder={t('refer.transport.empty')}
              onChange={(value: string) => set('transport', value ?? '')}
            />
          )}
        </Field>
        <Field name="escort" label={t('refer.escort')} fault={fault('escort')}>
          {(ids) => (
            <AutoComplete
              {...ids}
              options={words(ESCORT.map((one): Key => `referral.escort.${one}`))}
              value={form.escort}
              placeholder={t('refer.escort.empty')}
              onChange={(value: string) => set('escort', value ?? '')}
            />
          )}
        </Field>
      </div>
      <Field name="precautions" label={t('refer.precautions')} fault={fault('precautions')}>
        {(ids) => (
          <Input.TextArea
            {...ids}
            autoSize={{ minRows: 1, maxRows: 6 }}
            placeholder={t('refer.precautions.empty')}
            value={form.precautions}
            onChange={(event) => set('precautions', event.target.value)}
          />
        )}
      </Field>
    </>
  );
}
