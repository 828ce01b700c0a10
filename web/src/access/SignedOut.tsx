import { Button } from 'antd';
import { useEffect } from 'react';
import { useLocale } from '../locale/locale';
import { Whole } from '../page/Whole';
import { beginSignIn, forgetEverything } from './session';

export default function SignedOut() {
  const { t } = useLocale();
  // Once more: what was typed last may have been kept while the browser was leaving the page.
  useEffect(forgetEverything, []);
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
