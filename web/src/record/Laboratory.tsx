import { Checkbox, Input } from 'antd';
import type { Observation } from 'fhir/r4';
import { Suspense, useMemo, useState } from 'react';
import { day } from '../fhir/dates';
import { rangeText, resultsOf, type Series, seriesOf } from '../fhir/observation';
import { useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { lazyPart } from '../page/parts';
import { Read } from '../page/reading';
import { Waiting } from '../page/Waiting';
import { More } from './More';
import { type Pages, usePages } from './paging';
import type { TabProps } from './RecordPage';
import styles from './record.module.css';
import { Sparkline } from './Sparkline';
import { Value } from './Value';

const LabTrend = lazyPart(() => import('./LabTrend'));
const PAGE = 200;

/** 检验: the latest value of each test with its range and trend; a test opens its history. */
export default function Laboratory({ id, birthDate }: TabProps) {
  const { t } = useLocale();
  const reading = usePages<Observation>(id, 'laboratory', 'Observation', {
    patient: id,
    category: 'laboratory',
    _sort: '-date',
    _count: PAGE,
    _total: 'accurate',
  });
  return (
    <Read of={reading} what={t('lab.what')} rows={8}>
      {(pages) =>
        pages.rows.length === 0 ? (
          <Nothing title={t('lab.none')} how={t('lab.none.how')} />
        ) : (
          <Tests id={id} pages={pages} birthDate={birthDate} />
        )
      }
    </Read>
  );
}

function Tests({ id, pages, birthDate }: { id: string; pages: Pages<Observation>; birthDate: string | undefined }) {
  const { t, lang } = useLocale();
  const [abnormalOnly, setAbnormalOnly] = useState(false);
  const [sought, setSought] = useState('');
  const [opened, setOpened] = useState<Series | null>(null);
  const { rows } = pages;
  const all = useMemo(
    () =>
      seriesOf(
        rows
          .filter((observation) => observation.status !== 'entered-in-error')
          .flatMap((observation) => resultsOf(observation, { t, lang, birthDate })),
      ),
    [rows, t, lang, birthDate],
  );
  const shown = all.filter(
    (series) =>
      (!abnormalOnly || series.latest.mark !== null) && series.name.toLowerCase().includes(sought.trim().toLowerCase()),
  );
  return (
    <section className={styles.sheet}>
      <div className={styles.tools}>
        <Input
          allowClear
          data-slash="page"
          className={styles.find ?? ''}
          aria-label={t('lab.find')}
          placeholder={t('lab.find')}
          value={sought}
          onChange={(event) => setSought(event.target.value)}
          onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
        />
        <Checkbox checked={abnormalOnly} onChange={(event) => setAbnormalOnly(event.target.checked)}>
          {t('lab.only.abnormal')}
        </Checkbox>
        <More pages={pages} label={t('lab.older')} />
      </div>
      {shown.length === 0 && <Nothing title={t('lab.none.match')} />}
      {shown.length > 0 && (
        <table className={styles.grid}>
          <thead>
            <tr>
              <th scope="col">{t('lab.test')}</th>
              <th scope="col">{t('lab.latest')}</th>
              <th scope="col">{t('lab.range')}</th>
              <th scope="col">{t('lab.trend')}</th>
              <th scope="col">{t('lab.when')}</th>
              <th scope="col" className={styles.right}>
                {t('lab.count')}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((series) => (
              <tr key={series.key}>
                <th scope="row">
                  <button type="button" className="link" onClick={() => setOpened(series)} aria-haspopup="dialog">
                    {series.name}
                  </button>
                </th>
                <td>
                  <Value result={series.latest} places={series.places} />
                </td>
                <td className="quiet" data-title={t('lab.range')}>
                  {rangeText(series.latest, series.places) || t('lab.range.none')}
                </td>
                <td>
                  <Sparkline series={series} />
                </td>
                <td className={`quiet ${styles.keep}`}>{day(series.latest.when)}</td>
                <td className={styles.right} data-title={t('lab.count')}>
                  {series.results.length}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {opened && (
        <Suspense fallback={<Waiting what={t('lab.chart.what')} />}>
          <LabTrend id={id} birthDate={birthDate} series={opened} onClose={() => setOpened(null)} />
        </Suspense>
      )}
    </section>
  );
}
