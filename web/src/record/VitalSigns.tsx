import type { Observation } from 'fhir/r4';
import { dateTime, day, instant } from '../fhir/dates';
import { isCritical, MARK_SIGN, markKey, type Result, resultsOf, seriesOf, valueText } from '../fhir/observation';
import { useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { Read } from '../page/reading';
import type { TabProps } from './RecordPage';
import { useVitalSigns } from './readings';
import styles from './record.module.css';
import { Sparkline } from './Sparkline';
import { Value } from './Value';

const SYSTOLIC = '8480-6';
const DIASTOLIC = '8462-4';
/** Read first what decides first. */
const ORDER = [
  SYSTOLIC,
  DIASTOLIC,
  '8867-4',
  '9279-1',
  '8310-5',
  '8331-1',
  '59408-5',
  '2708-6',
  '29463-7',
  '8302-2',
  '39156-5',
];

/** 最近生命体征: the last value of each, with the trend of what was read. */
export function VitalSigns({ id, birthDate }: TabProps) {
  const { t } = useLocale();
  const reading = useVitalSigns(id);
  return (
    <Panel title={t('record.vitals')}>
      <Read of={reading} what={t('record.vitals')}>
        {(page) => <Latest observations={page.matches} birthDate={birthDate} />}
      </Read>
    </Panel>
  );
}

function Latest({ observations, birthDate }: { observations: readonly Observation[]; birthDate: string | undefined }) {
  const { t, lang } = useLocale();
  const results = observations
    .filter((observation) => observation.status !== 'entered-in-error')
    .flatMap((observation) => resultsOf(observation, { t, lang, birthDate }));
  // A pressure that was not measured comes as a component without a value.
  const series = seriesOf(results.filter((result) => result.number !== null || result.words !== ''));
  if (series.length === 0) return <p className={styles.none}>{t('record.vitals.none')}</p>;
  const rank = (key: string) => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);
  const sorted = series.sort((a, b) => rank(a.key) - rank(b.key));
  const systolic = sorted.find((one) => one.key === SYSTOLIC);
  const diastolic = sorted.find((one) => one.key === DIASTOLIC);
  const together = systolic && diastolic && instant(systolic.latest.when) === instant(diastolic.latest.when);
  return (
    <table className={styles.vitals}>
      <tbody>
        {together && (
          <tr>
            <th scope="row">{t('record.vitals.pressure')}</th>
            <td>
              <Pressure systolic={systolic.latest} diastolic={diastolic.latest} />
            </td>
            <td>
              <Sparkline series={systolic} />
            </td>
            <When at={systolic.latest.when} />
          </tr>
        )}
        {sorted
          .filter((one) => !(together && (one === systolic || one === diastolic)))
          .map((one) => (
            <tr key={one.key}>
              <th scope="row">{one.name}</th>
              <td>
                <Value result={one.latest} places={one.places} />
              </td>
              <td>
                <Sparkline series={one} />
              </td>
              <When at={one.latest.when} />
            </tr>
          ))}
      </tbody>
    </table>
  );
}

function When({ at }: { at: string }) {
  return (
    <td className="quiet" title={dateTime(at)}>
      {day(at)}
    </td>
  );
}

/** 148/92 mmHg ↑: both as one, marked by the worse. */
function Pressure({ systolic, diastolic }: { systolic: Result; diastolic: Result }) {
  const { t } = useLocale();
  const worse = isCritical(diastolic.mark) || !systolic.mark ? diastolic : systolic;
  const { mark } = worse;
  const text = `${valueText({ ...systolic, unit: '' }, t, 0)}/${valueText(diastolic, t, 0)}`;
  if (!mark) return <span>{text}</span>;
  return (
    <span className={isCritical(mark) ? styles.critical : styles.abnormal} title={t(`mark.by-${worse.markSource}`)}>
      {text} <span aria-hidden>{MARK_SIGN[mark]}</span> <span className={styles.markWord}>{t(markKey(mark))}</span>
    </span>
  );
}
