import type { ReactNode } from 'react';
import { useId } from 'react';
import { useLocale } from '../../locale/locale';
import styles from './refer.module.css';

interface FieldProps {
  /** Where a jump to a fault lands: `data-field`. */
  name: string;
  label: string;
  required?: boolean;
  hint?: ReactNode;
  fault?: string | undefined;
  /** A single control carries the label; a group of several is labelled as a group. */
  group?: boolean;
  children: (ids: { id: string; 'aria-invalid': boolean; 'aria-describedby': string | undefined }) => ReactNode;
}

export function Field({ name, label, required = false, hint, fault, group = false, children }: FieldProps) {
  const { t } = useLocale();
  const id = useId();
  const about = fault ? `${id}-fault` : undefined;
  const title = (
    <>
      {label}
      {required && (
        <span className={styles.required} title={t('refer.required')}>
          {' '}
          *
        </span>
      )}
    </>
  );
  const body = children({ id, 'aria-invalid': fault !== undefined, 'aria-describedby': about });
  return (
    <div className={fault ? `${styles.field} ${styles.faulty}` : styles.field} data-field={name}>
      {group ? (
        <fieldset className={styles.group} aria-describedby={about}>
          <legend>{title}</legend>
          {body}
        </fieldset>
      ) : (
        <>
          <label htmlFor={id}>{title}</label>
          {body}
        </>
      )}
      {hint && <p className={styles.hint}>{hint}</p>}
      {fault && (
        <p className={styles.fault} id={about} role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}

/** Takes the person to a field: into view below the banner, with the cursor in it. */
export function jumpTo(name: string): void {
  const field = document.querySelector<HTMLElement>(`[data-field="${name}"]`);
  if (!field) return;
  field.scrollIntoView({ block: 'center' });
  field
    .querySelector<HTMLElement>('input:checked, input:not([type="hidden"]), textarea, [tabindex="0"], button')
    ?.focus({ preventScroll: true });
}
