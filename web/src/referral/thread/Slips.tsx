import { PrinterOutlined } from '@ant-design/icons';
import { Button, Dropdown, Modal, Progress, Space } from 'antd';
import { useEffect, useState } from 'react';
import { sheet } from '../../client/client';
import { useAppearance } from '../../layout/appearance';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import { CONFINED, stateCode } from '../state';
import type { Thread } from './thread';
import styles from './thread.module.css';

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
        <SlipViewer
          key={wanted.kind + wanted.size}
          task={thread.task.id ?? ''}
          wanted={wanted}
          onClose={() => setWanted(null)}
        />
      )}
    </>
  );
}

/** The sheet as it will be printed. Fetched with the token, so that no address with a person's data lies around. */
function SlipViewer({ task, wanted, onClose }: { task: string; wanted: Wanted; onClose: () => void }) {
  const { t } = useLocale();
  const { phone } = useAppearance();
  const [url, setUrl] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [tries, setTries] = useState(0);
  const name = t(`slip.${wanted.kind}`);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` asks once more.
  useEffect(() => {
    let away = false;
    let made = '';
    setError(null);
    sheet(`Task/${task}/$slip`, { kind: wanted.kind, size: wanted.size }).then(
      (pdf) => {
        if (away) return;
        made = URL.createObjectURL(pdf);
        setUrl(made);
      },
      (problem: unknown) => {
        if (!away) setError(problem);
      },
    );
    return () => {
      away = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [task, wanted, tries]);

  return (
    <Modal
      open
      width={phone ? '100%' : 860}
      title={`${name} ${wanted.size}`}
      onCancel={onClose}
      footer={
        url ? (
          <Space>
            <a href={url} download={`${name}.pdf`}>
              {t('slip.save')}
            </a>
            <a href={url} target="_blank" rel="noopener">
              <Button type="primary" tabIndex={-1}>
                {t('slip.open')}
              </Button>
            </a>
          </Space>
        ) : null
      }
    >
      {error ? (
        <Failure error={error} what={name} onRetry={() => setTries((n) => n + 1)} />
      ) : url ? (
        phone ? (
          <p>{t('slip.ready')}</p>
        ) : (
          <iframe className={styles.sheet} src={`${url}#navpanes=0&view=FitH`} title={name} />
        )
      ) : (
        <div role="status" className={styles.making}>
          <Progress percent={100} status="active" showInfo={false} size={{ height: 4 }} aria-hidden />
          {t('slip.making', { slip: name })}
        </div>
      )}
    </Modal>
  );
}
