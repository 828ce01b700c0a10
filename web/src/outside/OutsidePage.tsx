import { useEffect, useState } from 'react';
import { LanguageSwitch } from '../access/LanguageSwitch';
import { Problem } from '../client/problem';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Waiting } from '../page/Waiting';
import { Answering } from './Answering';
import { type Done, readReferral, type Shown, secretOf } from './calls';
import { Door } from './Door';
import styles from './outside.module.css';

type Standing =
  | { at: 'coming' }
  | { at: 'door'; over: boolean }
  | { at: 'failed'; error: unknown }
  | { at: 'inside'; shown: Shown }
  | { at: 'done'; done: Done };

/** `/outside#…`: an institution that is not on the platform answers one referral. The link stays in this page and goes to the server once. */
export default function OutsidePage() {
  const { t } = useLocale();
  const [secret] = useState(() => secretOf(location.hash));
  const [standing, setStanding] = useState<Standing>({ at: 'coming' });

  const look = (over = false) =>
    readReferral().then(
      (shown) => setStanding({ at: 'inside', shown }),
      (error: unknown) =>
        setStanding(
          error instanceof Problem && error.kind === 'signed-out' ? { at: 'door', over } : { at: 'failed', error },
        ),
    );

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page is opened
  useEffect(() => {
    document.title = `${t('outside.title')} · ${t('app.name')}`;
    // Whoever comes with a link begins at the door: the last session may have been of another referral.
    if (secret) setStanding({ at: 'door', over: false });
    else void look();
  }, []);

  const entered = () => {
    // Nobody who looks over a shoulder, or at the history of this browser, finds the link.
    history.replaceState(null, '', '/outside');
    void look();
  };

  return (
    <main className={styles.page}>
      <header className={styles.head}>
        <img src="/mark.svg" alt="" width={32} height={32} />
        <h1>{t('outside.title')}</h1>
        <LanguageSwitch />
      </header>
      {standing.at === 'coming' && <Waiting what={t('outside.what')} rows={8} />}
      {standing.at === 'door' && <Door secret={secret} over={standing.over} onEntered={entered} />}
      {standing.at === 'failed' && (
        <Failure error={standing.error} what={t('outside.what')} onRetry={() => void look()} />
      )}
      {standing.at === 'inside' && (
        <Answering
          shown={standing.shown}
          onChanged={(done) => (done && !done.open ? setStanding({ at: 'done', done }) : void look(true))}
          onOver={() => setStanding({ at: 'door', over: true })}
        />
      )}
      {standing.at === 'done' && (
        <section className={styles.done} role="status">
          <h2>{t(standing.done.state === 'completed' ? 'outside.done.completed' : 'outside.done.declined')}</h2>
          <p>{t('outside.done.how')}</p>
        </section>
      )}
      <footer className={styles.foot}>{t('outside.private')}</footer>
    </main>
  );
}
