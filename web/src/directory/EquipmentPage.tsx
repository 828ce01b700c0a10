import { Select, Switch } from 'antd';
import { useSearchParams } from 'react-router';
import { type Key, useLocale } from '../locale/locale';
import { Read } from '../page/reading';
import styles from './directory.module.css';
import { EquipmentTable } from './EquipmentTable';
import { KINDS, useEquipment } from './equipment';

/** `/equipment`: 共享设备, where what stands and whether others may refer to it. */
export default function EquipmentPage() {
  const { t } = useLocale();
  const [query, setQuery] = useSearchParams();
  const kind = KINDS.find((one) => one === query.get('kind')) ?? '';
  const every = query.get('all') === '1';
  const set = (next: { kind: string; every: boolean }) =>
    setQuery({ ...(next.kind ? { kind: next.kind } : {}), ...(next.every ? { all: '1' } : {}) }, { replace: true });
  const found = useEquipment({ kind, ...(every ? {} : { shared: 'true' }) });
  return (
    <section className={styles.page}>
      <h1>{t('equipment.title')}</h1>
      <div className={styles.filters}>
        <Select
          aria-label={t('equipment.kind')}
          value={kind as string}
          onChange={(next) => set({ kind: next, every })}
          options={[
            { value: '', label: t('equipment.kind.all') },
            ...KINDS.map((one) => ({ value: one as string, label: t(`equipment.kind.${one}` as Key) })),
          ]}
          style={{ minWidth: 230 }}
        />
        <span className={styles.switch}>
          <Switch id="every" checked={every} onChange={(next) => set({ kind, every: next })} />
          <label htmlFor="every">{t('equipment.every')}</label>
        </span>
      </div>
      <Read of={found} what={t('equipment.title')} rows={8}>
        {(devices) => <EquipmentTable devices={devices} withOwner />}
      </Read>
    </section>
  );
}
