import { Modal } from 'antd';
import { type Key, useLocale } from '../locale/locale';
import styles from './layout.module.css';

/** What each key does, in the order of a day: find, choose, act, go back. */
const KEYS: readonly (readonly [readonly string[], Key])[] = [
  [['/'], 'keys.find'],
  [['j', 'k'], 'keys.move'],
  [['Enter'], 'keys.open'],
  [['a'], 'keys.act'],
  [['Ctrl', 'Enter'], 'keys.send'],
  [['Esc'], 'keys.back'],
  [['?'], 'keys.help'],
];

/** 键盘操作: what `?` shows. */
export function KeysHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useLocale();
  return (
    <Modal open={open} onCancel={onClose} footer={null} title={t('keys.title')} width={440} destroyOnHidden>
      <dl className={styles.keys}>
        {KEYS.map(([keys, does]) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(does)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
