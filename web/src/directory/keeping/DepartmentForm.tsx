import { Form, Input } from 'antd';
import type { Organization } from 'fhir/r4';
import { create, update } from '../../client/client';
import { useLocale } from '../../locale/locale';
import { NameField, OwnerField, PhoneField } from './fields';
import { KeptForm } from './KeptForm';
import { DEPARTMENT, DEPARTMENT_NO, identified, phoneOf, withEnd, withIdentifier, withPhone } from './kept';
import { useKept } from './useKept';

interface DepartmentFields {
  name: string;
  of: string;
  number?: string;
  phone?: string;
}

/** One department of an institution. */
export function DepartmentForm({ one, of }: { one: Organization; of: string }) {
  const { t } = useLocale();
  const [form] = Form.useForm<DepartmentFields>();
  const keeping = useKept(form, { 'Organization.partOf': 'of', 'Organization.name': 'name' });
  const save = async (fields: DepartmentFields) => {
    const { telecom, identifier, ...rest } = one;
    const numbers = withIdentifier(identifier, DEPARTMENT_NO, fields.number?.trim() ?? '');
    const made: Organization = {
      ...rest,
      active: one.active ?? true,
      name: fields.name.trim(),
      type: one.type ?? [DEPARTMENT],
      partOf: fields.of === one.partOf?.reference ? one.partOf : { reference: fields.of },
      ...(numbers.length > 0 ? { identifier: numbers } : {}),
      ...withPhone(telecom, fields.phone?.trim() ?? ''),
    };
    return (await (one.id ? update(made) : create(made))).id;
  };
  return (
    <KeptForm<DepartmentFields>
      kind="departments"
      one={one}
      name={one.name}
      form={form}
      keeping={keeping}
      start={{
        name: one.name ?? '',
        of: one.partOf?.reference,
        number: identified(one, DEPARTMENT_NO).split('/').pop(),
        phone: phoneOf(one.telecom),
      }}
      save={save}
      end={(day) => update(withEnd(one, day))}
    >
      <NameField />
      <OwnerField name="of" called={of} />
      <Form.Item name="number" label={t('kept.field.department-number')}>
        <Input maxLength={50} />
      </Form.Item>
      <PhoneField />
    </KeptForm>
  );
}
