import { type ReactNode, useId } from 'react';
import styles from './templates.module.css';

/** A field under its name. */
export function Field({ title, children }: { title: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{title}</label>
      {children(id)}
    </div>
  );
}
