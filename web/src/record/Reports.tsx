import type { DiagnosticReport, FhirResource, Observation } from 'fhir/r4';
import { useState } from 'react';
import { dateTime } from '../fhir/dates';
import { Name } from '../fhir/Name';
import { type Result, resultsOf, testName } from '../fhir/observation';
import { ScanTag } from '../fhir/ScanTag';
import { scanStateOf } from '../fhir/scan';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read } from '../page/reading';
import { More } from './More';
import { usePages } from './paging';
import type { TabProps } from './RecordPage';
import { ResultGrid } from './ResultGrid';
import styles from './record.module.css';
import { Value } from './Value';

const PAGE = 20;

/** 报告: each with its conclusion; its results come along and open in place. */
export default function Reports({ id, birthDate }: TabProps) {
  const { t } = useLocale();
  const reading = usePages<DiagnosticReport>(id, 'reports', 'DiagnosticReport', {
    patient: id,
    _sort: '-date',
    _count: PAGE,
    _total: 'accurate',
    _include: 'DiagnosticReport:result',
  });
  return (
    <Read of={reading} what={t('report.what')} rows={8}>
      {(pages) =>
        pages.rows.length === 0 ? (
          <Nothing title={t('report.none')} how={t('report.none.how')} />
        ) : (
          <section className={styles.sheet}>
            <ul className={styles.reports}>
              {pages.rows.map((report) => (
                <Report key={report.id} report={report} included={pages.included} birthDate={birthDate} />
              ))}
            </ul>
            <More pages={pages} label={t('list.more')} />
          </section>
        )
      }
    </Read>
  );
}

interface ReportProps {
  report: DiagnosticReport;
  included: ReadonlyMap<string, FhirResource>;
  birthDate: string | undefined;
}

export function Report({ report, included, birthDate }: ReportProps) {
  const { t, lang } = useLocale();
  const [open, setOpen] = useState(false);
  const results = (report.result ?? [])
    .map((reference) => included.get(reference.reference ?? ''))
    .filter((resource): resource is Observation => resource?.resourceType === 'Observation')
    .flatMap((observation) => resultsOf(observation, { t, lang, birthDate }));
  const abnormal = results.filter((result) => result.mark !== null).length;
  const preliminary = report.status !== 'final' && report.status !== 'amended' && report.status !== 'corrected';
  const forms = report.presentedForm?.map((form) => form.title).filter(Boolean) ?? [];
  return (
    <li>
      <div className={styles.reportHead}>
        <strong>{testName(report.code, lang)}</strong>
        <span>{dateTime(report.effectiveDateTime ?? report.effectivePeriod?.start ?? report.issued)}</span>
        <span className="quiet">
          <Name of={report.performer?.[0]} />
        </span>
        {preliminary && <span className={styles.abnormal}>{t(`status.${report.status}` as Key)}</span>}
        {results.length > 0 && (
          <button type="button" className="link" aria-expanded={open} onClick={() => setOpen(!open)}>
            {t('report.results', { n: results.length })}
          </button>
        )}
        {abnormal > 0 && <span className={styles.abnormal}>{t('report.abnormal', { n: abnormal })}</span>}
      </div>
      {report.conclusion && <p className={styles.conclusion}>{report.conclusion}</p>}
      {!report.conclusion && !open && <InBrief results={results} />}
      {forms.length > 0 && (
        <p className="quiet">
          {t('report.attachment')} {forms.join(t('list.separator'))} <ScanTag of={scanStateOf(report)} />
        </p>
      )}
      {open && <ResultGrid results={results} />}
    </li>
  );
}

const IN_BRIEF = 6;

/** A report without a conclusion: its results, the abnormal ones first. */
function InBrief({ results }: { results: readonly Result[] }) {
  const sorted = [...results].sort((a, b) => Number(b.mark !== null) - Number(a.mark !== null));
  return (
    <p className={styles.abnormals}>
      {sorted.slice(0, IN_BRIEF).map((result) => (
        <span key={result.key}>
          <span className="quiet">{result.name}</span> <Value result={result} brief />
        </span>
      ))}
      {sorted.length > IN_BRIEF && <span className="quiet">…</span>}
    </p>
  );
}
