import { App, Checkbox, DatePicker, Form, Modal, Radio, Select } from 'antd';
import type { Dayjs } from 'dayjs';
import type { Organization } from 'fhir/r4';
import { useState } from 'react';
import { search } from '../client/client';
import { whatHappened } from '../client/problem';
import { useLocale } from '../locale/locale';
import { useReading } from '../page/reading';
import { give, KINDS, type Kind } from './consent';
import styles from './consent.module.css';

interface GiveConsentProps {
  patient: string;
  onClose: () => void;
  onGiven: () => void;
}

interface Fields {
  way: 'permit' | 'deny';
  institution: string;
  about: 'all' | 'kinds';
  kinds?: Kind[];
  end?: Dayjs | null;
  emergency?: boolean;
}

const ALL = '*';

/** One consent at a time, in plain words: whom, what, until when. */
export function GiveConsent({ patient, onClose, onGiven }: GiveConsentProps) {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const [saving, setSaving] = useState(false);
  const [typed, setTyped] = useState('');
  const way = Form.useWatch('way', form) ?? 'permit';
  const about = Form.useWatch('about', form) ?? 'all';
  const found = useReading(['institutions', typed], async (signal) => {
    const page = await search<Organization>('Organization', { name: typed, _count: 30, _sort: 'name' }, signal);
    return page.matches.filter((one) => !one.partOf);
  });
  const institutions = found.state === 'here' ? found.value : [];
  const mayBeAll = way === 'deny' || about === 'kinds';
  const options = [
    ...institutions.map((one) => ({ value: one.id ?? '', label: one.name ?? '' })),
    // Never what Enter picks while a name is being typed.
    ...(mayBeAll && !typed ? [{ value: ALL, label: t('consent.institution.all') }] : []),
  ];

  const save = async (fields: Fields) => {
    setSaving(true);
    try {
      const one = institutions.find(({ id }) => id === fields.institution);
      await give(patient, {
        way: fields.way,
        institution: fields.institution === ALL ? '' : fields.institution,
        institutionName: one?.name ?? '',
        kinds: fields.about === 'kinds' ? (fields.kinds ?? []) : [],
        end: fields.end ? fields.end.format('YYYY-MM-DD') : '',
        emergency: fields.emergency ?? false,
      });
      void message.success(t('consent.saved'));
      onGiven();
    } catch (error) {
      void message.error(whatHappened(error, t, lang));
    } finally {
      setSaving(false);
    }
  };

  return (
    <Modal
      open
      title={t('consent.add.title')}
      okText={t('consent.submit')}
      cancelText={t('do.cancel')}
      confirmLoading={saving}
      onCancel={onClose}
      onOk={() => form.submit()}
    >
      <Form<Fields> form={form} layout="vertical" initialValues={{ way: 'permit', about: 'all' }} onFinish={save}>
        <Form.Item name="way" label={t('consent.way')}>
          <Radio.Group
            optionType="button"
            options={(['permit', 'deny'] as const).map((value) => ({ value, label: t(`consent.way.${value}`) }))}
          />
        </Form.Item>
        <Form.Item
          name="about"
          label={t('consent.about')}
          extra={about === 'kinds' ? t('consent.about.kinds.how') : undefined}
        >
          <Radio.Group
            className={styles.choices ?? ''}
            options={[
              { value: 'all', label: t(`consent.about.${way}`) },
              { value: 'kinds', label: t('consent.about.kinds') },
            ]}
          />
        </Form.Item>
        {about === 'kinds' && (
          <Form.Item
            name="kinds"
            label={t('consent.kinds')}
            rules={[{ required: true, message: t('consent.kinds.missing') }]}
          >
            <Checkbox.Group
              className={styles.choices ?? ''}
              options={KINDS.map((value) => ({ value, label: t(`consent.kind.${value}`) }))}
            />
          </Form.Item>
        )}
        <Form.Item
          name="institution"
          label={t('consent.institution')}
          rules={[{ required: true, message: t('consent.institution.missing') }]}
        >
          <Select
            showSearch
            filterOption={false}
            defaultActiveFirstOption={false}
            onSearch={setTyped}
            loading={found.state === 'loading'}
            placeholder={t('consent.institution.find')}
            options={options}
          />
        </Form.Item>
        <Form.Item name="end" label={t('consent.end')}>
          <DatePicker className={styles.wide ?? ''} />
        </Form.Item>
        {way === 'deny' && about === 'all' && (
          <Form.Item name="emergency" valuePropName="checked" extra={t('consent.emergency.how')}>
            <Checkbox>{t('consent.emergency')}</Checkbox>
          </Form.Item>
        )}
      </Form>
    </Modal>
  );
}
