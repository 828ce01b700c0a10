import type { FhirResource, Reference } from 'fhir/r4';
import { Suspense, useMemo, useState } from 'react';
import { instant } from '../../fhir/dates';
import { resultsOf, type Series, seriesOf } from '../../fhir/observation';
import { ScanTag } from '../../fhir/ScanTag';
import { scanStateOf } from '../../fhir/scan';
import { type Key, useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { lazyPart } from '../../page/parts';
import { Read } from '../../page/reading';
import { Report } from '../../record/Reports';
import { ResultGrid } from '../../record/ResultGrid';
import recordStyles from '../../record/record.module.css';
import { isWord } from '../known';
import { evidenceOf } from '../request';
import { outputsOf } from '../task';
import { type Evidence, titleOf, useEvidence } from './evidence';
import type { Thread } from './thread';
import styles from './thread.module.css';

const LabTrend = lazyPart(() => import('../../record/LabTrend'));

/** The evidence chosen for this referral, openable in place: values with ↑ ↓ and their trend, reports with their results, documents. */
export function EvidencePanel({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  const { task, request } = thread;
  const references = evidenceOf(request);
  const back = outputsOf(task, 'attachment').flatMap((output) => output.valueReference ?? []);
  return (
    <Panel
      title={t('thread.evidence')}
      aside={<span className="quiet">{t('thread.evidence.n', { n: references.length })}</span>}
    >
      {references.length === 0 && <p className={styles.none}>{t('thread.evidence.none')}</p>}
      {references.length > 0 && <Attached thread={thread} references={references} />}
      {back.length > 0 && (
        <>
          <h3 className={styles.sub}>{t('thread.evidence.back')}</h3>
          <Attached thread={thread} references={back} />
        </>
      )}
    </Panel>
  );
}

export function Attached({ thread, references }: { thread: Thread; references: readonly Reference[] }) {
  const { t } = useLocale();
  const reading = useEvidence(thread.task.id ?? '', references);
  return (
    <Read of={reading} what={t('thread.evidence')} rows={3}>
      {(evidence) => <Opened evidence={evidence} thread={thread} />}
    </Read>
  );
}

function Opened({ evidence, thread }: { evidence: Evidence; thread: Thread }) {
  const { t, lang } = useLocale();
  const birthDate = thread.patient?.birthDate;
  const patientId = thread.task.for?.reference?.replace(/^Patient\//, '') ?? '';
  const [opened, setOpened] = useState<Series | null>(null);
  const results = useMemo(
    () =>
      evidence.observations
        .flatMap((observation) => resultsOf(observation, { t, lang, birthDate }))
        .filter((result) => result.number !== null || result.words !== '')
        .sort((a, b) => (instant(b.when) || 0) - (instant(a.when) || 0)),
    [evidence.observations, t, lang, birthDate],
  );
  return (
    <>
      {results.length > 0 && (
        <ResultGrid results={results} dated onOpen={(result) => setOpened(seriesOf([result])[0] ?? null)} />
      )}
      {evidence.reports.length > 0 && (
        <ul className={`${recordStyles.reports} ${styles.reports}`}>
          {evidence.reports.map((report) => (
            <Report key={report.id} report={report} included={evidence.included} birthDate={birthDate} />
          ))}
        </ul>
      )}
      {(evidence.others.length > 0 || evidence.closed.length > 0) && (
        <ul className={styles.others}>
          {evidence.others.map((one) => (
            <li key={`${one.resourceType}/${one.id}`}>
              <span className="quiet">{kindWord(one, t)}</span> {titleOf(one)} <ScanTag of={scanStateOf(one)} />
            </li>
          ))}
          {evidence.closed.map((one) => (
            <li key={one.reference} className="quiet">
              {one.display ?? t('thread.evidence.unnamed')} {t('thread.evidence.closed')}
            </li>
          ))}
        </ul>
      )}
      {opened && (
        <Suspense fallback={null}>
          <LabTrend id={patientId} birthDate={birthDate} series={opened} onClose={() => setOpened(null)} />
        </Suspense>
      )}
    </>
  );
}

function kindWord(one: FhirResource, t: (key: Key) => string): string {
  const key = `timeline.kind.${one.resourceType}`;
  return t(isWord(key) ? key : 'timeline.kind.other');
}
