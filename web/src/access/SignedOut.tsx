import { Button } from 'antd';
import { useLocale } from '../locale/locale';
import { Whole } from '../page/Whole';
import { beginSignIn } from './session';

export default function SignedOut() {
  const { t } = useLocale();
  return (
    <main>
      <Whole title={t('signedout.title')} text={t('signedout.text')}>
        <Button type="primary" autoFocus onClick={() => void beginSignIn('/')}>
          {t('signedin.again')}
        </Button>
      </Whole>
    </main>
  );
}
