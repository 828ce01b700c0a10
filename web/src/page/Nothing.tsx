import type { ReactNode } from 'react';
import styles from './page.module.css';

/** An empty list says what belongs there and how it gets there. */
export function Nothing({ title, how, children }: { title: string; how?: string | undefined; children?: ReactNode }) {
  return (
    <div className={styles.nothing}>
      <strong>{title}</strong>
      {how && <p className={styles.quiet}>{how}</p>}
      {children}
    </div>
  );
}
