import { Form, Input, Select } from 'antd';
import { useLocale } from '../../locale/locale';
import { matches } from '../../referral/codes/search';
import { SPECIALTIES } from '../../referral/codes/specialties';
import { InstitutionField } from './InstitutionField';

/** The fields that several forms of the directory ask for. */

export function NameField() {
  const { t } = useLocale();
  return (
    <Form.Item
      name="name"
      label={t('kept.field.name')}
      rules={[{ required: true, whitespace: true, message: t('kept.name.missing') }]}
    >
      <Input maxLength={100} />
    </Form.Item>
  );
}

/** The institution something belongs to; `called` is its name as it is now. */
export function OwnerField({ name, called }: { name: string; called: string }) {
  const { t } = useLocale();
  return (
    <Form.Item name={name} label={t('kept.field.owner')} rules={[{ required: true, message: t('kept.owner.missing') }]}>
      <InstitutionField name={called} />
    </Form.Item>
  );
}

export function PhoneField({ name = 'phone' }: { name?: 'phone' | 'hotline' }) {
  const { t } = useLocale();
  return (
    <Form.Item
      name={name}
      label={t(`kept.field.${name}`)}
      rules={[{ pattern: /^[0-9+\- ]{5,20}$/, message: t('kept.phone.how') }]}
    >
      <Input inputMode="tel" maxLength={20} />
    </Form.Item>
  );
}

/** 诊疗科目, found by name, pinyin or code. */
export function SpecialtyField({ required = false }: { required?: boolean }) {
  const { t, lang } = useLocale();
  return (
    <Form.Item
      name="specialty"
      label={t('kept.field.specialty')}
      rules={required ? [{ required: true, message: t('kept.specialty.missing') }] : []}
    >
      <Select
        allowClear={required ? false : { label: t('kept.clear') }}
        showSearch={{
          filterOption: (typed, option) => {
            const found = SPECIALTIES.find(({ code }) => code === option?.value);
            return found ? matches(found, typed) : false;
          },
        }}
        options={SPECIALTIES.map((each) => ({ value: each.code, label: each[lang] }))}
      />
    </Form.Item>
  );
}
