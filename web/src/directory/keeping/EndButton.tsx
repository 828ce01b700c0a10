import { Button, Input, Modal } from 'antd';
import { useState } from 'react';
import { today } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import styles from '../directory.module.css';

interface EndButtonProps {
  ended: boolean;
  busy: boolean;
  /** The last day, or "" to use it again. */
  onEnd: (day: string) => Promise<boolean>;
}

/** 停用 with a date, and 恢复使用: what was used is never deleted. */
export function EndButton({ ended, busy, onEnd }: EndButtonProps) {
  const { t } = useLocale();
  const [open, setOpen] = useState(false);
  const [day, setDay] = useState(today(new Date()));
  const fault = !day ? t('kept.end.missing') : day > today(new Date()) ? t('kept.end.future') : '';
  if (ended)
    return (
      <Button loading={busy} onClick={() => void onEnd('')}>
        {t('kept.again')}
      </Button>
    );
  return (
    <>
      <Button danger onClick={() => setOpen(true)}>
        {t('kept.end')}
      </Button>
      {open && (
        <Modal
          open
          title={t('kept.end.title')}
          okText={t('kept.end')}
          okButtonProps={{ danger: true, disabled: fault !== '' }}
          cancelText={t('do.cancel')}
          confirmLoading={busy}
          onOk={() => void onEnd(day).then(() => setOpen(false))}
          onCancel={() => setOpen(false)}
        >
          <p>{t('kept.end.what')}</p>
          <p>
            <label htmlFor="end-day">{t('kept.end.day')}</label>{' '}
            <Input
              id="end-day"
              type="date"
              value={day}
              aria-invalid={fault !== ''}
              onChange={(event) => setDay(event.target.value)}
              style={{ width: 170 }}
            />
          </p>
          {fault && (
            <p role="alert" className={styles.fault}>
              {fault}
            </p>
          )}
        </Modal>
      )}
    </>
  );
}
