import { Alert } from 'antd';
import { whatHappened } from '../client/problem';
import { type Key, useLocale } from '../locale/locale';
import { wasCancelled } from './passkey';

/** Why something could not be done: what the server said, line by line, or a text of ours. Nothing without a fault. */
export function Said({ fault }: { fault: unknown }) {
  const { t, lang } = useLocale();
  if (!fault) return null;
  const text = wasCancelled(fault)
    ? t('account.factor.passkey.cancelled')
    : typeof fault === 'string'
      ? t(fault as Key)
      : whatHappened(fault, t, lang);
  return <Alert type="error" showIcon role="alert" title={text} />;
}
