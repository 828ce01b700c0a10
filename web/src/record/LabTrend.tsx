import { Modal } from 'antd';
import type { Observation } from 'fhir/r4';
import { useMemo } from 'react';
import { LOINC } from '../fhir/concept';
import { dateTime } from '../fhir/dates';
import { Name } from '../fhir/Name';
import { rangeText, resultsOf, type Series, seriesOf } from '../fhir/observation';
import { useLocale } from '../locale/locale';
import { Read } from '../page/reading';
import { More } from './More';
import { usePages } from './paging';
import type { TabProps } from './RecordPage';
import styles from './record.module.css';
import { TrendChart } from './TrendChart';
import { Value } from './Value';

const PAGE = 200;

interface LabTrendProps extends TabProps {
  /** The test as the list knows it: shown at once, while its whole history is read. */
  series: Series;
  onClose: () => void;
}

/** One test over time: chart with the reference band, and the table behind it. */
export default function LabTrend({ id, birthDate, series, onClose }: LabTrendProps) {
  const { t } = useLocale();
  return (
    <Modal
      open
      centered
      width={880}
      title={t('lab.chart', { test: series.name })}
      onCancel={onClose}
      footer={null}
      destroyOnHidden
    >
      {series.latest.code ? (
        <WholeHistory id={id} birthDate={birthDate} code={series.latest.code} />
      ) : (
        // A test without a code cannot be asked for by code: what has been read is what there is.
        <History series={series} />
      )}
    </Modal>
  );
}

function WholeHistory({ id, birthDate, code }: TabProps & { code: string }) {
  const { t, lang } = useLocale();
  const reading = usePages<Observation>(id, `history-${code}`, 'Observation', {
    patient: id,
    // Blood pressure and the like are found by the code of the component too.
    'combo-code': `${LOINC}|${code}`,
    _sort: '-date',
    _count: PAGE,
    _total: 'accurate',
  });
  return (
    <Read of={reading} what={t('lab.chart.what')} rows={8}>
      {(pages) => {
        const results = pages.rows
          .filter((observation) => observation.status !== 'entered-in-error')
          .flatMap((observation) => resultsOf(observation, { t, lang, birthDate }));
        const [series] = seriesOf(results.filter((result) => result.code === code));
        return (
          <>
            {series && <History series={series} />}
            {pages.hasMore && <More pages={pages} label={t('lab.older')} />}
          </>
        );
      }}
    </Read>
  );
}

function History({ series }: { series: Series }) {
  const { t } = useLocale();
  const { latest, places, results } = series;
  const drawn = useMemo(
    () => results.filter((result) => result.number !== null && result.unit === latest.unit),
    [results, latest.unit],
  );
  return (
    <>
      {drawn.length > 1 ? (
        <TrendChart results={drawn} places={places} />
      ) : (
        <p className="quiet">{t('lab.chart.one')}</p>
      )}
      {drawn.length > 0 && drawn.length < results.length && <p className="quiet">{t('lab.chart.units')}</p>}
      <div className={styles.behind}>
        <table className={styles.grid} aria-label={t('lab.chart.table')}>
          <thead>
            <tr>
              <th scope="col">{t('lab.when')}</th>
              <th scope="col">{t('lab.value')}</th>
              <th scope="col">{t('lab.range')}</th>
              <th scope="col">{t('lab.institution')}</th>
            </tr>
          </thead>
          <tbody>
            {results.map((result) => (
              <tr key={`${result.when}${result.number}${result.words}`}>
                <td className={styles.keep}>{dateTime(result.when) || t('time.unknown')}</td>
                <td>
                  <Value result={result} places={places} />
                </td>
                <td className="quiet" data-title={t('lab.range')}>
                  {rangeText(result, places) || t('lab.range.none')}
                </td>
                <td className="quiet">
                  <Name of={result.performer} otherwise="—" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
