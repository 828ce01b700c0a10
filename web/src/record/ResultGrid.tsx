import { dateTime } from '../fhir/dates';
import { type Result, rangeText } from '../fhir/observation';
import { useLocale } from '../locale/locale';
import styles from './record.module.css';
import { Value } from './Value';

interface Props {
  results: readonly Result[];
  /** Says when each was measured, too. */
  dated?: boolean;
  /** Makes the names buttons that open the trend. */
  onOpen?: (result: Result) => void;
}

/** Results below each other: what was measured, what came out, what is usual. */
export function ResultGrid({ results, dated = false, onOpen }: Props) {
  const { t } = useLocale();
  return (
    <table className={styles.grid}>
      <tbody>
        {results.map((result) => (
          <tr key={result.key + result.when + result.number + result.words}>
            <th scope="row">
              {onOpen ? (
                <button
                  type="button"
                  className="link"
                  aria-haspopup="dialog"
                  title={t('lab.trend.open')}
                  onClick={() => onOpen(result)}
                >
                  {result.name}
                </button>
              ) : (
                result.name
              )}
            </th>
            <td>
              <Value result={result} />
            </td>
            <td className="quiet" data-title={t('lab.range')}>
              {rangeText(result) || '—'}
            </td>
            {dated && <td className={`quiet ${styles.keep}`}>{dateTime(result.when)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
