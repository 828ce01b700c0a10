import { Checkbox, Form, Switch } from 'antd';
import type { HealthcareService } from 'fhir/r4';
import { create, update } from '../../client/client';
import { type Key, useLocale } from '../../locale/locale';
import styles from '../directory.module.css';
import { ATTACHMENTS, DIRECTIONS, type Settings, settingsOf, withSettings } from '../settings';
import { NameField, OwnerField, PhoneField, SpecialtyField } from './fields';
import { KeptForm } from './KeptForm';
import { phoneOf, specialtyConcept, specialtyOf, withEnd, withPhone } from './kept';
import { useKept } from './useKept';

interface ServiceFields extends Settings {
  name: string;
  provider: string;
  specialty: string;
  phone?: string;
}

/** One service of an institution, with what it asks of those who refer to it. */
export function ServiceForm({ one, provider }: { one: HealthcareService; provider: string }) {
  const { t } = useLocale();
  const [form] = Form.useForm<ServiceFields>();
  const keeping = useKept(form, {
    'HealthcareService.providedBy': 'provider',
    'HealthcareService.specialty': 'specialty',
  });
  const save = async (fields: ServiceFields) => {
    const { telecom, ...rest } = one;
    const made: HealthcareService = withSettings(
      {
        ...rest,
        active: one.active ?? true,
        name: fields.name.trim(),
        type: one.type ?? [specialtyConcept(fields.specialty)],
        providedBy: fields.provider === one.providedBy?.reference ? one.providedBy : { reference: fields.provider },
        specialty:
          specialtyOf(one) === fields.specialty && one.specialty ? one.specialty : [specialtyConcept(fields.specialty)],
        ...withPhone(telecom, fields.phone?.trim() ?? ''),
      },
      { ...fields, accepts: DIRECTIONS.filter((way) => fields.accepts.includes(way)) },
    );
    return (await (one.id ? update(made) : create(made))).id;
  };
  return (
    <KeptForm<ServiceFields>
      kind="services"
      one={one}
      name={one.name}
      form={form}
      keeping={keeping}
      start={{
        ...settingsOf(one),
        name: one.name ?? '',
        ...(one.providedBy?.reference ? { provider: one.providedBy.reference } : {}),
        ...(specialtyOf(one) ? { specialty: specialtyOf(one) } : {}),
        phone: phoneOf(one.telecom),
      }}
      save={save}
      end={(day) => update(withEnd(one, day))}
    >
      <NameField />
      <OwnerField name="provider" called={provider} />
      <SpecialtyField required />
      <PhoneField />
      <Form.Item
        name="accepts"
        label={t('settings.accepts')}
        className={styles.two ?? ''}
        rules={[{ type: 'array', required: true, min: 1, message: t('settings.accepts.missing') }]}
      >
        <Checkbox.Group
          options={DIRECTIONS.map((way) => ({ value: way as string, label: t(`settings.accepts.${way}` as Key) }))}
        />
      </Form.Item>
      <Form.Item name="needsApproval" label={t('settings.needs-approval')} valuePropName="checked">
        <Switch />
      </Form.Item>
      <Form.Item name="directBooking" label={t('settings.direct-booking')} valuePropName="checked">
        <Switch />
      </Form.Item>
      <Form.Item name="attachments" label={t('settings.attachments')} className={styles.wide ?? ''}>
        <Checkbox.Group
          options={ATTACHMENTS.map((each) => ({
            value: each as string,
            label: t(`settings.attachment.${each}` as Key),
          }))}
        />
      </Form.Item>
    </KeptForm>
  );
}
