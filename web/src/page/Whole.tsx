import { Component, type ReactNode } from 'react';
import { useLocale } from '../locale/locale';
import styles from './page.module.css';

/** A page that has one thing to say: not found, signed out, broken. */
export function Whole({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <section className={styles.whole}>
      <h1>{title}</h1>
      <p>{text}</p>
      <div className={styles.row}>{children}</div>
    </section>
  );
}

/** Shown when drawing a page failed: the rest of the frame stays, the address can be tried again. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? <Crashed /> : this.props.children;
  }
}

export function Crashed() {
  const { t } = useLocale();
  return (
    <Whole title={t('crash.title')} text={t('crash.text')}>
      <button type="button" className="link" onClick={() => location.reload()}>
        {t('crash.reload')}
      </button>
      <a href="/">{t('nav.home')}</a>
    </Whole>
  );
}
