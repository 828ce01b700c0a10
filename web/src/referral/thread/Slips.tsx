import { PrinterOutlined } from '@ant-design/icons';
import { Button, Dropdown, Space } from 'antd';
import { useState } from 'react';
import { useLocale } from '../../locale/locale';
import { CONFINED, stateCode } from '../state';
import { SheetViewer } from './SheetViewer';
import type { Thread } from './thread';

type Kind = 'referral' | 'return';
type Size = 'A4' | 'A5';
interface Wanted {
  kind: Kind;
  size: Size;
}

/** 转诊单 and 回转单 for the file: there once the referral was sent, and once it was completed. */
export function Slips({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  const [wanted, setWanted] = useState<Wanted | null>(null);
  const state = stateCode(thread.task);
  const sent = !CONFINED.includes(state) && !(state === 'cancelled' && !thread.task.owner);
  if (!sent) return null;
  const kinds: Kind[] = state === 'completed' ? ['referral', 'return'] : ['referral'];
  return (
    <>
      {kinds.map((kind) => (
        <Space.Compact key={kind}>
          <Button icon={<PrinterOutlined aria-hidden />} onClick={() => setWanted({ kind, size: 'A4' })}>
            {t(`slip.${kind}`)}
          </Button>
          <Dropdown
            trigger={['click']}
            menu={{
              items: (['A4', 'A5'] as const).map((size) => ({ key: size, label: `${t(`slip.${kind}`)} ${size}` })),
              onClick: ({ key }) => setWanted({ kind, size: key as Size }),
            }}
          >
            <Button aria-label={t('slip.size', { slip: t(`slip.${kind}`) })}>▾</Button>
          </Dropdown>
        </Space.Compact>
      ))}
      {wanted && (
        <SheetViewer
          key={wanted.kind + wanted.size}
          path={`Task/${thread.task.id ?? ''}/$slip?kind=${wanted.kind}&size=${wanted.size}`}
          name={t(`slip.${wanted.kind}`)}
          title={`${t(`slip.${wanted.kind}`)} ${wanted.size}`}
          onClose={() => setWanted(null)}
        />
      )}
    </>
  );
}
