import { useQueryClient } from '@tanstack/react-query';
import { Alert, Checkbox, Form, Input, Modal, Radio } from 'antd';
import { useState } from 'react';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { breakGlass, CODES, type Code, SHORTEST_REASON } from './emergency';
import styles from './emergency.module.css';

interface Fields {
  code: Code;
  reason: string;
  sensitive: boolean;
}

/** The form of an emergency access; afterwards everything about the patient is read anew. */
export function OpenForm({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const [form] = Form.useForm<Fields>();
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const open = async ({ code, reason, sensitive }: Fields) => {
    setWorking(true);
    setError(null);
    try {
      await breakGlass(id, code, reason, sensitive);
      await queries.resetQueries({ queryKey: ['patient', id] });
      onClose();
    } catch (failure) {
      setError(failure);
    } finally {
      setWorking(false);
    }
  };

  return (
    <Modal
      open
      title={t('emergency.title')}
      okText={t('emergency.submit')}
      okButtonProps={{ danger: true }}
      cancelText={t('do.cancel')}
      confirmLoading={working}
      onCancel={onClose}
      onOk={() => form.submit()}
    >
      <Alert type="warning" showIcon message={t('emergency.warning')} className={styles.warning ?? ''} />
      <Form<Fields> form={form} layout="vertical" initialValues={{ sensitive: false }} onFinish={open}>
        <Form.Item
          name="code"
          label={t('emergency.code')}
          rules={[{ required: true, message: t('emergency.code.missing') }]}
        >
          <Radio.Group
            className={styles.choices ?? ''}
            options={CODES.map((value) => ({ value, label: t(`emergency.code.${value}`) }))}
          />
        </Form.Item>
        <Form.Item
          name="reason"
          label={t('emergency.reason')}
          rules={[{ required: true, min: SHORTEST_REASON, whitespace: true, message: t('emergency.reason.missing') }]}
        >
          <Input.TextArea rows={3} maxLength={500} showCount />
        </Form.Item>
        <Form.Item name="sensitive" valuePropName="checked">
          <Checkbox>{t('emergency.sensitive')}</Checkbox>
        </Form.Item>
      </Form>
      {error !== null && <Failure error={error} what={t('emergency.doing')} title={t('emergency.doing')} />}
    </Modal>
  );
}
