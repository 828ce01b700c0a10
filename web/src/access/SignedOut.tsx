import { Button } from 'antd';
import { useEffect, useState } from 'react';
import { useLocale } from '../locale/locale';
import { Whole } from '../page/Whole';
import { beginSignIn, forgetEverything, SIGNED_IN_AT } from './session';

export default function SignedOut() {
  const { t } = useLocale();
  const [elsewhere] = useState(signedInAt);
  // Once more: what was typed last may have been kept while the browser was leaving the page.
  useEffect(forgetEverything, []);
  return (
    <main>
      <Whole title={t('signedout.title')} text={t('signedout.text')}>
        <Button type="primary" autoFocus onClick={() => void beginSignIn('/')}>
          {t('signedin.again')}
        </Button>
        {elsewhere && <Button href={elsewhere.location}>{t('signedout.provider', { name: elsewhere.name })}</Button>}
      </Whole>
    </main>
  );
}

/** The provider this tab was signed in by, as the server told it; null where there was none. */
function signedInAt(): { name: string; location: string } | null {
  try {
    const text = sessionStorage.getItem(SIGNED_IN_AT);
    const said = text ? (JSON.parse(text) as { provider?: { name: string; location: string } }).provider : undefined;
    return said?.location && /^https?:/.test(said.location) ? said : null;
  } catch {
    return null;
  }
}
