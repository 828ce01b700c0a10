import { Form, Input, Select } from 'antd';
import type { HealthcareService, Location, Organization } from 'fhir/r4';
import { type Key, useLocale } from '../../locale/locale';
import { called } from '../../referral/codes/search';
import { SPECIALTIES } from '../../referral/codes/specialties';
import styles from '../directory.module.css';
import { NameField, PhoneField } from './fields';
import { InstitutionField } from './InstitutionField';
import { KeptForm } from './KeptForm';
import {
  INSTITUTION_NO,
  type InstitutionFields,
  institutionFields,
  LEVELS,
  specialtyOf,
  TIERS,
  withEnd,
  withInstitution,
  withSite,
} from './kept';
import { takenBy } from './numberTaken';
import { keepTogether, newName } from './together';
import { useKept } from './useKept';

interface InstitutionFormProps {
  one: Organization;
  site: Location | undefined;
  services: readonly HealthcareService[];
  above: string;
}

const degrees = (most: number, message: string) => ({
  validator: (_: unknown, value?: string) => {
    const text = value?.trim() ?? '';
    const fine = text === '' || (/^-?\d{1,3}(\.\d{1,8})?$/.test(text) && Math.abs(Number(text)) <= most);
    return fine ? Promise.resolve() : Promise.reject(new Error(message));
  },
});

/** One institution: its grade, scope of service, where it stands, whom to reach. */
export function InstitutionForm({ one, site, services, above }: InstitutionFormProps) {
  const { t, lang } = useLocale();
  const [form] = Form.useForm<InstitutionFields & { aboveName?: string }>();
  const keeping = useKept(form, { 'Location.position': 'latitude', 'Organization.identifier': 'code' });
  const offered = [...new Set(services.map(specialtyOf).filter(Boolean))];

  const save = async (fields: InstitutionFields) => {
    const name = newName();
    const made = withInstitution(
      one,
      fields,
      t(`referral.tier.${fields.tier}` as Key),
      form.getFieldValue('aboveName') ?? above,
    );
    const owner = { reference: one.id ? `Organization/${one.id}` : name, display: made.name ?? '' };
    const placed = Boolean(fields.latitude?.trim() && fields.longitude?.trim());
    const [first = ''] = await keepTogether([
      { resource: made, name },
      ...(placed ? [{ resource: withSite(site, fields, owner) }] : []),
    ]);
    return first;
  };
  const unique = async (_: unknown, code: string) => {
    const other = await takenBy(one, INSTITUTION_NO, code);
    if (other) throw new Error(t('kept.code.taken', { name: other.name ?? '' }));
  };
  const both = (other: 'latitude' | 'longitude') => ({
    validator: (_: unknown, value?: string) =>
      !value?.trim() !== !String(form.getFieldValue(other) ?? '').trim()
        ? Promise.reject(new Error(t('kept.position.both')))
        : Promise.resolve(),
  });

  return (
    <KeptForm
      kind="institutions"
      one={one}
      name={one.name}
      along={site?.id ? [`Location/${site.id}`] : []}
      form={form}
      keeping={keeping}
      start={one.id ? institutionFields(one, site) : { level: LEVELS[LEVELS.length - 1] }}
      save={save}
      end={(day) => keepTogether([{ resource: withEnd(one, day) }])}
    >
      <NameField />
      <Form.Item name="short" label={t('kept.field.short')}>
        <Input maxLength={50} />
      </Form.Item>
      <Form.Item
        name="code"
        label={t('kept.field.code')}
        validateTrigger="onBlur"
        rules={[
          { required: true, whitespace: true, message: t('kept.code.missing') },
          { pattern: /^[0-9A-Za-z]{8,22}$/, message: t('kept.code.how') },
          { validator: unique },
        ]}
      >
        <Input maxLength={22} />
      </Form.Item>
      <Form.Item name="tier" label={t('kept.field.tier')} rules={[{ required: true, message: t('kept.tier.missing') }]}>
        <Select options={TIERS.map((tier) => ({ value: tier as string, label: t(`referral.tier.${tier}` as Key) }))} />
      </Form.Item>
      <Form.Item name="level" label={t('kept.field.level')}>
        <Select options={LEVELS.map((level) => ({ value: level as string, label: level }))} />
      </Form.Item>
      <Form.Item
        name="above"
        label={t('kept.field.above')}
        dependencies={['tier']}
        rules={[
          ({ getFieldValue }) => ({
            validator: (_, value?: string) =>
              getFieldValue('tier') === 'village' && !value
                ? Promise.reject(new Error(t('kept.above.missing')))
                : Promise.resolve(),
          }),
        ]}
        getValueFromEvent={(reference: string, name: string) => {
          form.setFieldValue('aboveName', name);
          return reference;
        }}
      >
        <InstitutionField name={above} />
      </Form.Item>
      <Form.Item name="scope" label={t('kept.field.scope')} className={styles.wide ?? ''} extra={t('kept.scope.how')}>
        <Input.TextArea rows={2} maxLength={500} />
      </Form.Item>
      {one.id && (
        <Form.Item label={t('kept.field.specialties')} className={styles.wide ?? ''}>
          <span>
            {offered.map((code) => called(SPECIALTIES, code, lang)).join(t('list.separator')) ||
              t('directory.services.none')}
          </span>
        </Form.Item>
      )}
      <Form.Item name="district" label={t('kept.field.district')}>
        <Input maxLength={50} />
      </Form.Item>
      <Form.Item name="address" label={t('kept.field.address')} className={styles.two ?? ''}>
        <Input maxLength={200} />
      </Form.Item>
      <PhoneField />
      <Form.Item
        name="latitude"
        label={t('kept.field.latitude')}
        dependencies={['longitude']}
        rules={[degrees(90, t('kept.latitude.how')), both('longitude')]}
      >
        <Input inputMode="decimal" maxLength={12} />
      </Form.Item>
      <Form.Item
        name="longitude"
        label={t('kept.field.longitude')}
        dependencies={['latitude']}
        rules={[degrees(180, t('kept.longitude.how')), both('latitude')]}
      >
        <Input inputMode="decimal" maxLength={12} />
      </Form.Item>
      <Form.Item name="liaison" label={t('kept.field.liaison')}>
        <Input maxLength={50} />
      </Form.Item>
      <PhoneField name="hotline" />
    </KeptForm>
  );
}
