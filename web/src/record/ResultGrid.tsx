import { type Result, rangeText } from '../fhir/observation';
import { useLocale } from '../locale/locale';
import styles from './record.module.css';
import { Value } from './Value';

/** Results below each other: what was measured, what came out, what is usual. */
export function ResultGrid({ results }: { results: readonly Result[] }) {
  const { t } = useLocale();
  return (
    <table className={styles.grid}>
      <tbody>
        {results.map((result) => (
          <tr key={result.key + result.when}>
            <th scope="row">{result.name}</th>
            <td>
              <Value result={result} />
            </td>
            <td className="quiet" data-title={t('lab.range')}>
              {rangeText(result) || '—'}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
