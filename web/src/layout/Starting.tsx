import { useLocale } from '../locale/locale';
import { Waiting } from '../page/Waiting';

/** What shows while the first screen is on its way. */
export function Starting() {
  const { t } = useLocale();
  return <Waiting what={t('app.name')} rows={6} />;
}
