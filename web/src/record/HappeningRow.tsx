import { useState } from 'react';
import { ScanTag } from '../fhir/ScanTag';
import type { Happening } from '../fhir/timeline';
import { type Key, useLocale } from '../locale/locale';
import { ResultGrid } from './ResultGrid';
import styles from './record.module.css';
import { Value } from './Value';

/** Abnormal results are shown without opening; so many at most. */
const SHOWN_ABNORMAL = 6;

interface HappeningRowProps {
  happening: Happening;
  when: string;
  where: string;
}

export function HappeningRow({ happening, when, where }: HappeningRowProps) {
  const { t } = useLocale();
  const [open, setOpen] = useState(false);
  const { kind, title, code, detail, results } = happening;
  const abnormal = results.filter((result) => result.mark !== null);
  return (
    <li className={styles.happening}>
      <time>{when.slice(5) || when}</time>
      <span className={styles.kind}>{t(`timeline.kind.${kind}` as Key)}</span>
      <div className={styles.what}>
        {results.length > 0 ? (
          <button type="button" className="link" aria-expanded={open} onClick={() => setOpen(!open)}>
            {title}
          </button>
        ) : (
          <span className={styles.main}>{title || '—'}</span>
        )}
        {code && <span className="code"> {code}</span>}
        {detail && <span className="quiet"> {detail}</span>} <ScanTag of={happening.scan} />
        {!open && abnormal.length > 0 && (
          <span className={styles.abnormals}>
            {abnormal.slice(0, SHOWN_ABNORMAL).map((result) => (
              <span key={result.key}>
                {result.name} <Value result={result} brief />
              </span>
            ))}
            {abnormal.length > SHOWN_ABNORMAL && <span>{t('timeline.abnormal', { n: abnormal.length })}</span>}
          </span>
        )}
        {open && <ResultGrid results={results} />}
      </div>
      <span className={styles.where}>{where}</span>
    </li>
  );
}
