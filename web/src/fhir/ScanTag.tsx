import { Tag } from 'antd';
import { useLocale } from '../locale/locale';
import type { ScanState } from './scan';

const COLOURS: Record<ScanState, string> = { waiting: 'processing', infected: 'error', 'not-scanned': 'default' };

/** Beside a document: that it was not scanned, is being scanned, or is kept back. */
export function ScanTag({ of }: { of: ScanState | undefined }) {
  const { t } = useLocale();
  if (of === undefined) return null;
  return (
    <Tag color={COLOURS[of]} title={t(`scan.${of}.why`)}>
      {t(`scan.${of}`)}
    </Tag>
  );
}
