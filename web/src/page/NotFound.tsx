import { Link } from 'react-router';
import { useLocale } from '../locale/locale';
import { Whole } from './Whole';

export default function NotFound() {
  const { t } = useLocale();
  return (
    <Whole title={t('notfound.title')} text={t('notfound.text')}>
      <Link to="/">{t('nav.home')}</Link>
    </Whole>
  );
}
