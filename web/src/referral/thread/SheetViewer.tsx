import { Button, Modal, Progress, Space } from 'antd';
import { useEffect, useState } from 'react';
import { sheet } from '../../client/client';
import { useAppearance } from '../../layout/appearance';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import styles from './thread.module.css';

interface SheetViewerProps {
  /** The operation that gives the PDF: `Task/1/$slip?kind=return`. */
  path: string;
  /** What it is called, also as a file. */
  name: string;
  title?: string;
  onClose: () => void;
}

/** A sheet as it will be printed. Fetched with the token, so that no address with a person's data lies around. */
export function SheetViewer({ path, name, title = name, onClose }: SheetViewerProps) {
  const { t } = useLocale();
  const { phone } = useAppearance();
  const [url, setUrl] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [tries, setTries] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` asks once more.
  useEffect(() => {
    let away = false;
    let made = '';
    setError(null);
    sheet(path).then(
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
  }, [path, tries]);

  return (
    <Modal
      open
      width={phone ? '100%' : 860}
      title={title}
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
