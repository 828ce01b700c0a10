import { Button } from 'antd';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { type Key, useLocale } from '../locale/locale';
import { Waiting } from '../page/Waiting';
import { Whole } from '../page/Whole';
import { beginSignIn, finishSignIn } from './session';

/** A code can be used once; React may run effects twice while developing. */
let finishing: Promise<string> | null = null;

/** Where the server sends people back to with a code. */
export default function SignedIn() {
  const { t } = useLocale();
  const navigate = useNavigate();
  const [fault, setFault] = useState<Key | null>(null);

  useEffect(() => {
    const query = new URLSearchParams(location.search);
    if (query.has('error')) {
      setFault('signedin.denied');
      return;
    }
    finishing ??= finishSignIn(query);
    finishing
      .then((returnTo) => navigate(returnTo, { replace: true }))
      .catch((error: unknown) => {
        const said = error instanceof Error ? error.message : '';
        setFault(
          said === 'not-ours' ? 'signedin.notours' : said === 'refused' ? 'signedin.refused' : 'signedin.unreachable',
        );
      })
      .finally(() => {
        finishing = null;
      });
  }, [navigate]);

  if (!fault) return <Waiting what={t('signedin.working')} />;
  return (
    <main>
      <Whole title={t('signedin.notours.title')} text={t(fault)}>
        <Button type="primary" onClick={() => void beginSignIn('/')}>
          {t('signedin.again')}
        </Button>
      </Whole>
    </main>
  );
}
