import { App, Form, Input, Modal, Radio } from 'antd';
import { useState } from 'react';
import { type Key, useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { type Access, review, SHORTEST_COMMENT, type State } from './emergency';
import styles from './emergency.module.css';

interface Fields {
  verdict: State;
  comment: string;
}

/** Justified or not, in words. */
export function ReviewForm({ access, onClose, onDone }: { access: Access; onClose: () => void; onDone: () => void }) {
  const { t } = useLocale();
  const { message } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async ({ verdict, comment }: Fields) => {
    setWorking(true);
    setError(null);
    try {
      await review(access.task, verdict, comment);
      void message.success(t('review.done'));
      onDone();
    } catch (failure) {
      setError(failure);
    } finally {
      setWorking(false);
    }
  };
  return (
    <Modal
      open
      title={`${t('review.title')} · ${access.patient}`}
      okText={t('review.submit')}
      cancelText={t('do.cancel')}
      confirmLoading={working}
      onCancel={onClose}
      onOk={() => form.submit()}
    >
      <p>
        {access.opener}：<strong>{t(`emergency.code.${access.code}` as Key)}</strong>
        <br />
        {access.reason}
      </p>
      <Form<Fields> form={form} layout="vertical" onFinish={submit}>
        <Form.Item
          name="verdict"
          label={t('review.verdict')}
          extra={t('review.unjustified.how')}
          rules={[{ required: true, message: t('review.verdict.missing') }]}
        >
          <Radio.Group
            className={styles.verdicts ?? ''}
            options={(['justified', 'unjustified'] as const).map((value) => ({
              value,
              label: t(`review.state.${value}`),
            }))}
          />
        </Form.Item>
        <Form.Item
          name="comment"
          label={t('review.comment')}
          rules={[{ required: true, min: SHORTEST_COMMENT, whitespace: true, message: t('review.comment.missing') }]}
        >
          <Input.TextArea rows={3} maxLength={500} showCount />
        </Form.Item>
      </Form>
      {error !== null && <Failure error={error} what={t('review.title')} title={t('review.title')} />}
    </Modal>
  );
}
