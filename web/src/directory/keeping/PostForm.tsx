import { Alert, Form, Input, Modal, Select } from 'antd';
import type { FhirResource, PractitionerRole } from 'fhir/r4';
import { useState } from 'react';
import { create, update } from '../../client/client';
import { type Key, useLocale } from '../../locale/locale';
import styles from '../directory.module.css';
import { SpecialtyField } from './fields';
import { InstitutionField } from './InstitutionField';
import { employerOf, POSITION_KINDS, POSTS, type PostFields, postFields, withPost } from './kept';
import { useKept } from './useKept';

interface PostFormProps {
  role: PractitionerRole;
  included: ReadonlyMap<string, FhirResource>;
  onDone: () => void;
}

/** One post of a person: where, as what, how it stands to the others, from when to when. */
export function PostForm({ role, included, onDone }: PostFormProps) {
  const { t } = useLocale();
  const [form] = Form.useForm<PostFields>();
  const keeping = useKept(form, { 'PractitionerRole.period': 'position', 'PractitionerRole.organization': 'where' });
  const [names, setNames] = useState({ where: '', employer: '' });
  const kind = Form.useWatch('position', form);
  const nameOf = (reference: string | undefined, display: string | undefined): string => {
    const found = included.get(reference ?? '');
    return (found?.resourceType === 'Organization' ? found.name : undefined) ?? display ?? '';
  };
  const before = {
    where: nameOf(role.organization?.reference, role.organization?.display),
    employer: nameOf(employerOf(role)?.reference, employerOf(role)?.display),
  };
  const save = async (fields: PostFields) => {
    const made = withPost(role, fields, {
      where: names.where || before.where,
      employer: names.employer || before.employer,
      post: t(`kept.post.${fields.post}` as Key),
    });
    if (await keeping.keep(() => (role.id ? update(made) : create(made)))) onDone();
  };
  return (
    <Modal
      open
      title={role.id ? t('kept.posts.change') : t('kept.posts.add')}
      okText={t('settings.save')}
      cancelText={t('do.cancel')}
      confirmLoading={keeping.busy}
      onOk={() => form.submit()}
      onCancel={onDone}
    >
      {(keeping.stale || keeping.fault) && (
        <Alert
          type={keeping.stale ? 'warning' : 'error'}
          showIcon
          role="alert"
          className={styles.alert ?? ''}
          title={keeping.stale ? t('kept.stale') : keeping.fault}
          {...(keeping.stale ? { description: t('kept.stale.do') } : {})}
        />
      )}
      <Form<PostFields>
        form={form}
        layout="vertical"
        initialValues={postFields(role)}
        onFinish={(fields) => void save(fields)}
      >
        <Form.Item
          name="where"
          label={t('kept.field.where')}
          rules={[{ required: true, message: t('kept.owner.missing') }]}
          getValueFromEvent={(reference: string, name: string) => {
            setNames((old) => ({ ...old, where: name }));
            return reference;
          }}
        >
          <InstitutionField name={before.where} />
        </Form.Item>
        <Form.Item
          name="post"
          label={t('kept.field.post')}
          rules={[{ required: true, message: t('kept.post.missing') }]}
        >
          <Select options={POSTS.map((post) => ({ value: post as string, label: t(`kept.post.${post}` as Key) }))} />
        </Form.Item>
        <SpecialtyField />
        <Form.Item name="position" label={t('kept.field.position-kind')}>
          <Select
            options={POSITION_KINDS.map((each) => ({
              value: each as string,
              label: t(`kept.position.${each}` as Key),
            }))}
          />
        </Form.Item>
        <Form.Item
          name="employer"
          label={t('kept.field.employer')}
          rules={kind === 'county-managed' ? [{ required: true, message: t('kept.employer.missing') }] : []}
          getValueFromEvent={(reference: string, name: string) => {
            setNames((old) => ({ ...old, employer: name }));
            return reference;
          }}
        >
          <InstitutionField name={before.employer} />
        </Form.Item>
        <div className={styles.grid}>
          <Form.Item name="start" label={t('kept.field.start')}>
            <Input type="date" />
          </Form.Item>
          <Form.Item
            name="end"
            label={t('kept.field.end')}
            dependencies={['start']}
            rules={[
              ({ getFieldValue }) => ({
                validator: (_, end?: string) =>
                  end && getFieldValue('start') && end < getFieldValue('start')
                    ? Promise.reject(new Error(t('kept.end.before')))
                    : Promise.resolve(),
              }),
            ]}
          >
            <Input type="date" />
          </Form.Item>
        </div>
      </Form>
    </Modal>
  );
}
