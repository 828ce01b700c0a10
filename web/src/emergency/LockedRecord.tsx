import { UnlockOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useState } from 'react';
import { Problem } from '../client/problem';
import { useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { OpenForm } from './OpenForm';

export const isLocked = (error: unknown): boolean => error instanceof Problem && error.kind === 'missing';

/** A record without a ground to look, which is told from none at all by nobody: the way in an emergency. */
export function LockedRecord({ id }: { id: string }) {
  const { t } = useLocale();
  const [opening, setOpening] = useState(false);
  return (
    <>
      <h1 className="unseen">{t('record.what')}</h1>
      <Nothing title={t('emergency.none.title')} how={t('emergency.none.text')}>
        <p>
          <Button danger icon={<UnlockOutlined aria-hidden />} onClick={() => setOpening(true)}>
            {t('emergency.open')}
          </Button>
        </p>
      </Nothing>
      {opening && <OpenForm id={id} onClose={() => setOpening(false)} />}
    </>
  );
}
