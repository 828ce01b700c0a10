import { instant } from '../fhir/dates';
import { numberText, type Series } from '../fhir/observation';
import { useLocale } from '../locale/locale';
import styles from './record.module.css';

const WIDTH = 84;
const HEIGHT = 26;
const SHOWN = 20;

/** The last results of a test as a line, with the reference band behind; the words for it are in its label. */
export function Sparkline({ series }: { series: Series }) {
  const { t } = useLocale();
  const { latest, places } = series;
  const points = series.results
    .filter((result) => result.number !== null && result.unit === latest.unit)
    .slice(0, SHOWN)
    .reverse()
    .map((result) => ({ at: instant(result.when), value: result.number ?? 0 }));
  const first = points[0];
  const last = points.at(-1);
  if (points.length < 2 || !first || !last) return null;
  const values = [...points.map((point) => point.value), latest.low ?? first.value, latest.high ?? first.value];
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const x = (at: number) => 3 + ((at - first.at) / (last.at - first.at || 1)) * (WIDTH - 6);
  const y = (value: number) => HEIGHT - 3 - ((value - min) / (max - min || 1)) * (HEIGHT - 6);
  const top = latest.high === null ? 0 : y(latest.high);
  const bottom = latest.low === null ? HEIGHT : y(latest.low);
  const banded = latest.low !== null || latest.high !== null;
  const label = t('spark.label', {
    n: points.length,
    from: numberText(first.value, places),
    to: numberText(last.value, places),
  });
  return (
    <svg
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
      className={styles.spark}
    >
      <title>{label}</title>
      {banded && <rect x={0} y={top} width={WIDTH} height={Math.max(bottom - top, 1)} className={styles.band} />}
      <polyline points={points.map((point) => `${x(point.at).toFixed(1)},${y(point.value).toFixed(1)}`).join(' ')} />
      <circle cx={x(last.at)} cy={y(last.value)} r={2.5} />
    </svg>
  );
}
