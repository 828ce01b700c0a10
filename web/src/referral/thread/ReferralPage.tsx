import { Alert } from 'antd';
import { useEffect, useState } from 'react';
import { useLocation, useParams } from 'react-router';
import { useLocale } from '../../locale/locale';
import { stateCode } from '../state';
import { owed } from './owed';
import { ReferralCase } from './ReferralCase';
import type { Thread } from './thread';
import styles from './thread.module.css';

/** `/referrals/:taskId`. */
export default function ReferralPage() {
  const { taskId = '' } = useParams();
  const { state } = useLocation();
  const { t } = useLocale();
  const [justSent] = useState((state as { sent?: boolean } | null)?.sent === true);
  return (
    <>
      <h1 className="unseen">{t('thread.what')}</h1>
      <ReferralCase
        key={taskId}
        taskId={taskId}
        above={(thread) => (
          <>
            <Title thread={thread} />
            {justSent && <Sent thread={thread} />}
          </>
        )}
      />
    </>
  );
}

function Title({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  const name = thread.task.for?.display ?? '';
  useEffect(() => {
    document.title = `${t('thread.what')} ${name} · ${t('app.name')}`;
    return () => {
      document.title = t('app.name');
    };
  }, [name, t]);
  return null;
}

/** What happens next, said to who has just sent it. */
function Sent({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  const { key, values } = owed(thread);
  // Once somebody has taken a step, it is no news any more.
  if (!['in-approval', 'submitted'].includes(stateCode(thread.task))) return null;
  return (
    <Alert
      className={styles.sent ?? ''}
      type="success"
      showIcon
      closable
      title={t('thread.sent', { next: t(key, values) })}
    />
  );
}
