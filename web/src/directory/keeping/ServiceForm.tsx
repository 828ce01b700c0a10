import { Button, Checkbox, Form, Input, Select, Switch } from 'antd';
import type { HealthcareService } from 'fhir/r4';
import { useNavigate } from 'react-router';
import { create, update } from '../../client/client';
import { type Key, useLocale } from '../../locale/locale';
import { matches } from '../../referral/codes/search';
import { SPECIALTIES } from '../../referral/codes/specialties';
import styles from '../directory.module.css';
import { ATTACHMENTS, DIRECTIONS, type Settings, settingsOf, withSettings } from '../settings';
import { EndButton } from './EndButton';
import { InstitutionField } from './InstitutionField';
import { KeptFrame } from './KeptFrame';
import { endedOn, phoneOf, specialtyConcept, specialtyOf, withEnd, withPhone } from './kept';
import { useKept } from './useKept';

interface ServiceFields extends Settings {
  name: string;
  provider: string;
  specialty: string;
  phone?: string;
}

/** One service of an institution, with what it asks of those who refer to it. */
export function ServiceForm({ one, provider }: { one: HealthcareService; provider: string }) {
  const { t, lang } = useLocale();
  const navigate = useNavigate();
  const [form] = Form.useForm<ServiceFields>();
  const keeping = useKept(form, {
    'HealthcareService.providedBy': 'provider',
    'HealthcareService.specialty': 'specialty',
  });
  const save = async (fields: ServiceFields) => {
    let id = one.id ?? '';
    const kept = await keeping.keep(async () => {
      const { telecom, ...rest } = one;
      const made: HealthcareService = withSettings(
        {
          ...rest,
          active: one.active ?? true,
          name: fields.name.trim(),
          type: one.type ?? [specialtyConcept(fields.specialty)],
          providedBy: fields.provider === one.providedBy?.reference ? one.providedBy : { reference: fields.provider },
          specialty:
            specialtyOf(one) === fields.specialty && one.specialty
              ? one.specialty
              : [specialtyConcept(fields.specialty)],
          ...withPhone(telecom, fields.phone?.trim() ?? ''),
        },
        { ...fields, accepts: DIRECTIONS.filter((way) => fields.accepts.includes(way)) },
      );
      id = (await (one.id ? update(made) : create(made))).id ?? '';
    });
    if (kept && !one.id) void navigate(`/directory/keep/services/${id}`, { replace: true });
  };
  return (
    <KeptFrame
      kind="services"
      title={one.name ?? t('kept.new.services')}
      ended={endedOn(one)}
      whose={one.id ? [`HealthcareService/${one.id}`] : []}
      keeping={keeping}
      actions={
        one.id && (
          <EndButton
            ended={one.active === false ? endedOn(one) || ' ' : ''}
            busy={keeping.busy}
            onEnd={(day) => keeping.keep(() => update(withEnd(one, day)))}
          />
        )
      }
    >
      <Form<ServiceFields>
        form={form}
        layout="vertical"
        className={styles.grid ?? ''}
        initialValues={{
          ...settingsOf(one),
          name: one.name ?? '',
          ...(one.providedBy?.reference ? { provider: one.providedBy.reference } : {}),
          ...(specialtyOf(one) ? { specialty: specialtyOf(one) } : {}),
          phone: phoneOf(one.telecom),
        }}
        onFinish={(fields) => void save(fields)}
      >
        <Form.Item
          name="name"
          label={t('kept.field.name')}
          rules={[{ required: true, whitespace: true, message: t('kept.name.missing') }]}
        >
          <Input maxLength={100} />
        </Form.Item>
        <Form.Item
          name="provider"
          label={t('kept.field.owner')}
          rules={[{ required: true, message: t('kept.owner.missing') }]}
        >
          <InstitutionField name={provider} />
        </Form.Item>
        <Form.Item
          name="specialty"
          label={t('kept.field.specialty')}
          rules={[{ required: true, message: t('kept.specialty.missing') }]}
        >
          <Select
            showSearch={{
              filterOption: (typed, option) => {
                const found = SPECIALTIES.find(({ code }) => code === option?.value);
                return found ? matches(found, typed) : false;
              },
            }}
            options={SPECIALTIES.map((each) => ({ value: each.code, label: each[lang] }))}
          />
        </Form.Item>
        <Form.Item
          name="phone"
          label={t('kept.field.phone')}
          rules={[{ pattern: /^[0-9+\- ]{5,20}$/, message: t('kept.phone.how') }]}
        >
          <Input inputMode="tel" maxLength={20} />
        </Form.Item>
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
        <div className={styles.submit}>
          <Button type="primary" htmlType="submit" loading={keeping.busy}>
            {t('settings.save')}
          </Button>
        </div>
      </Form>
    </KeptFrame>
  );
}
