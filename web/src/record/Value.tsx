import { isCritical, MARK_SIGN, markKey, type Result, valueText } from '../fhir/observation';
import { useLocale } from '../locale/locale';
import styles from './record.module.css';

/** A result as one sees it at a glance: value, unit, and out of range in colour, sign and word. */
export function Value({
  result,
  places,
  brief = false,
}: {
  result: Result;
  places?: number | undefined;
  brief?: boolean;
}) {
  const { t } = useLocale();
  const { mark } = result;
  const text = valueText(result, t, places);
  if (!mark) return <span>{text}</span>;
  const source = t(`mark.by-${result.markSource}`);
  return (
    <span className={isCritical(mark) ? styles.critical : styles.abnormal} title={source}>
      {text} <span aria-hidden>{MARK_SIGN[mark]}</span>{' '}
      <span className={brief ? 'unseen' : styles.markWord}>{t(markKey(mark))}</span>
    </span>
  );
}
