import { useQueryClient } from '@tanstack/react-query';
import { Modal } from 'antd';
import type { ReactNode } from 'react';
import { useLocale } from '../../locale/locale';
import styles from '../directory.module.css';
import { StaleAlert } from '../keeping/StaleAlert';
import type { Keeping } from '../keeping/useKept';

interface FormModalProps {
  title: string;
  ok: string;
  danger?: boolean;
  keeping: Keeping;
  onOk: () => void;
  onCancel: () => void;
  children: ReactNode;
}

/** A form in a window of its own: what went wrong stands above it. */
export function FormModal({ title, ok, danger = false, keeping, onOk, onCancel, children }: FormModalProps) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const reload = async () => {
    await queries.invalidateQueries({ queryKey: ['consortia'] });
    onCancel();
  };
  return (
    <Modal
      open
      title={title}
      okText={ok}
      okButtonProps={{ danger }}
      cancelText={t('do.cancel')}
      confirmLoading={keeping.busy}
      onOk={onOk}
      onCancel={onCancel}
    >
      {keeping.stale && <StaleAlert onReload={() => void reload()} />}
      {keeping.fault && (
        <p role="alert" className={styles.fault}>
          {keeping.fault}
        </p>
      )}
      {children}
    </Modal>
  );
}
