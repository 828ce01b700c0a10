import { Button, Form, Input } from 'antd';
import type { Organization } from 'fhir/r4';
import { useNavigate } from 'react-router';
import { create, update } from '../../client/client';
import { useLocale } from '../../locale/locale';
import styles from '../directory.module.css';
import { EndButton } from './EndButton';
import { InstitutionField } from './InstitutionField';
import { KeptFrame } from './KeptFrame';
import { DEPARTMENT, DEPARTMENT_NO, endedOn, identified, phoneOf, withEnd, withIdentifier, withPhone } from './kept';
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
  const navigate = useNavigate();
  const [form] = Form.useForm<DepartmentFields>();
  const keeping = useKept(form, { 'Organization.partOf': 'of', 'Organization.name': 'name' });
  const save = async (fields: DepartmentFields) => {
    let id = one.id ?? '';
    const kept = await keeping.keep(async () => {
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
      id = (await (one.id ? update(made) : create(made))).id ?? '';
    });
    if (kept && !one.id) void navigate(`/directory/keep/departments/${id}`, { replace: true });
  };
  return (
    <KeptFrame
      kind="departments"
      title={one.name ?? t('kept.new.departments')}
      ended={endedOn(one)}
      whose={one.id ? [`Organization/${one.id}`] : []}
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
      <Form
        form={form}
        layout="vertical"
        className={styles.grid ?? ''}
        initialValues={{
          name: one.name ?? '',
          of: one.partOf?.reference,
          number: identified(one, DEPARTMENT_NO).split('/').pop(),
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
          name="of"
          label={t('kept.field.owner')}
          rules={[{ required: true, message: t('kept.owner.missing') }]}
        >
          <InstitutionField name={of} />
        </Form.Item>
        <Form.Item name="number" label={t('kept.field.department-number')}>
          <Input maxLength={50} />
        </Form.Item>
        <Form.Item
          name="phone"
          label={t('kept.field.phone')}
          rules={[{ pattern: /^[0-9+\- ]{5,20}$/, message: t('kept.phone.how') }]}
        >
          <Input inputMode="tel" maxLength={20} />
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
