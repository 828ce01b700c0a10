import type { MedicationRequest } from 'fhir/r4';
import { conceptText } from '../fhir/concept';
import { day } from '../fhir/dates';
import { dosageText, drugName, isCurrent } from '../fhir/medication';
import { Name } from '../fhir/Name';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Panel } from '../page/Panel';
import { Read } from '../page/reading';
import { More } from './More';
import { usePages } from './paging';
import type { TabProps } from './RecordPage';
import styles from './record.module.css';

const PAGE = 100;

/** 用药: what is taken now, and what was before. */
export default function Medication({ id }: TabProps) {
  const { t } = useLocale();
  const reading = usePages<MedicationRequest>(id, 'medication', 'MedicationRequest', {
    patient: id,
    _sort: '-authoredon',
    _count: PAGE,
    _total: 'accurate',
  });
  return (
    <Read of={reading} what={t('med.what')} rows={8}>
      {(pages) => {
        const rows = pages.rows.filter((request) => request.status !== 'entered-in-error');
        const current = rows.filter(isCurrent);
        const past = rows.filter((request) => !isCurrent(request));
        if (rows.length === 0) return <Nothing title={t('med.none')} how={t('med.none.how')} />;
        return (
          <div className={styles.column}>
            {current.length > 0 && (
              <Panel title={t('med.current', { n: current.length })}>
                <Prescriptions requests={current} />
              </Panel>
            )}
            {past.length > 0 && (
              <Panel title={t('med.past', { n: past.length })}>
                <Prescriptions requests={past} />
              </Panel>
            )}
            <More pages={pages} label={t('list.more')} />
          </div>
        );
      }}
    </Read>
  );
}

/** What a prescription's status means for the one who takes it. */
const STATUS: Partial<Record<MedicationRequest['status'], Key>> = {
  active: 'med.status.active',
  completed: 'med.status.completed',
};

function Prescriptions({ requests }: { requests: readonly MedicationRequest[] }) {
  const { t, lang } = useLocale();
  // Prescriptions from elsewhere rarely say what for: no column of dashes then.
  const reasoned = requests.some((request) => reasons(request, '') !== '');
  return (
    <table className={styles.grid}>
      <thead>
        <tr>
          <th scope="col" style={{ width: '30%' }}>
            {t('med.drug')}
          </th>
          <th scope="col" style={{ width: '28%' }}>
            {t('med.dosage')}
          </th>
          {reasoned && <th scope="col">{t('med.reason')}</th>}
          <th scope="col">{t('med.when')}</th>
          <th scope="col">{t('med.by')}</th>
          <th scope="col">{t('med.status')}</th>
        </tr>
      </thead>
      <tbody>
        {requests.map((request) => (
          <tr key={request.id}>
            <th scope="row">{drugName(request)}</th>
            <td>{dosageText(request, t, lang) || '—'}</td>
            {reasoned && <td className="quiet">{reasons(request, t('list.separator')) || '—'}</td>}
            <td className={`quiet ${styles.keep}`}>{day(request.authoredOn)}</td>
            <td className="quiet">
              <Name of={request.requester} otherwise="—" />
            </td>
            <td className={styles.keep}>{t(STATUS[request.status] ?? (`status.${request.status}` as Key))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function reasons(request: MedicationRequest, separator: string): string {
  return [
    ...(request.reasonCode ?? []).map(conceptText),
    ...(request.reasonReference ?? []).map((one) => one.display ?? ''),
  ]
    .filter(Boolean)
    .join(separator);
}
