import { type ReactNode, useId } from 'react';
import styles from './page.module.css';

interface PanelProps {
  title: ReactNode;
  /** Beside the heading, at the right. */
  aside?: ReactNode;
  /** On a phone without a frame of its own: its rows are cards already. */
  bare?: boolean;
  children: ReactNode;
}

/** One part of a page with its heading. */
export function Panel({ title, aside, bare = false, children }: PanelProps) {
  const id = useId();
  return (
    <section className={bare ? `${styles.panel} ${styles.bare}` : styles.panel} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
