import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { Suspense, useCallback, useEffect, useState } from 'react';
import { Outlet, useLocation } from 'react-router';
import { personQuery } from '../access/person';
import { beginSignIn, useSession } from '../access/session';
import { useConnectionLost } from '../client/connection';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Waiting } from '../page/Waiting';
import { ErrorBoundary } from '../page/Whole';
import { useAppearance } from './appearance';
import { KeysHelp } from './KeysHelp';
import { LiveQueries } from './LiveQueries';
import styles from './layout.module.css';
import { Navigation } from './Navigation';
import { PhoneBar } from './PhoneBar';
import { TopBar } from './TopBar';
import { usePageKeys } from './usePageKeys';

/**
 * What surrounds every page once somebody is signed in. Nobody signed in: off to the sign-in and back to this address. A session that ended while
 * a page was open leaves the page where it is, so that nothing typed is lost; one that ended before anything was shown is no more than signed out.
 */
export function Frame() {
  const session = useSession();
  const { t } = useLocale();
  const here = useLocation();
  const address = here.pathname + here.search;
  const { data: person } = useQuery({ ...personQuery, enabled: session === 'in' });
  const leaving = session === 'out' || (session === 'ended' && !person);

  useEffect(() => {
    if (leaving) void beginSignIn(address);
  }, [leaving, address]);

  if (leaving) return <Waiting what={t('signin.title')} />;
  return (
    <>
      {session === 'ended' && <Ended address={address} />}
      <SignedInFrame />
    </>
  );
}

function SignedInFrame() {
  const { t } = useLocale();
  const { phone } = useAppearance();
  const { pathname } = useLocation();
  const { data: person, error, refetch } = useQuery(personQuery);
  const [keys, setKeys] = useState(false);
  usePageKeys(useCallback(() => setKeys(true), []));

  if (!person) {
    return error ? (
      <main className={styles.alone}>
        <Failure error={error} what={t('top.account')} onRetry={() => void refetch()} />
      </main>
    ) : (
      <Waiting what={t('top.account')} rows={6} />
    );
  }
  return (
    <div className={styles.frame}>
      <a href="#main" className={styles.skip}>
        {t('do.skip')}
      </a>
      <KeysHelp open={keys} onClose={() => setKeys(false)} />
      <LiveQueries person={person} />
      {!phone && (
        <aside className={styles.side}>
          <div className={styles.mark}>
            <img src="/mark.svg" alt="" width={26} height={26} />
            {t('app.name')}
          </div>
          <Navigation person={person} />
        </aside>
      )}
      <div className={styles.body}>
        <TopBar person={person} />
        <LostBar />
        <main id="main" className={styles.main} tabIndex={-1}>
          <ErrorBoundary key={pathname}>
            <Suspense fallback={<Waiting what={t('app.name')} rows={6} />}>
              <Outlet />
            </Suspense>
          </ErrorBoundary>
        </main>
      </div>
      {phone && <PhoneBar person={person} />}
    </div>
  );
}

function LostBar() {
  const { t } = useLocale();
  const lost = useConnectionLost();
  return (
    <div role="status" aria-live="assertive">
      {lost && <div className={styles.lost}>{t('connection.lost')}</div>}
    </div>
  );
}

/** The page stays behind it, so that what was typed can still be read and copied. */
function Ended({ address }: { address: string }) {
  const { t } = useLocale();
  return (
    <div className={styles.ended} role="alertdialog" aria-labelledby="ended-title" aria-describedby="ended-text">
      <strong id="ended-title">{t('ended.title')}</strong>
      <p id="ended-text">{t('ended.text')}</p>
      <Button type="primary" autoFocus onClick={() => void beginSignIn(address)}>
        {t('signedin.again')}
      </Button>
    </div>
  );
}
