import { useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import type { Encounter } from 'fhir/r4';
import { useState } from 'react';
import { dateTime } from '../fhir/dates';
import { encounterKind } from '../fhir/encounter';
import { type Key, useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Panel } from '../page/Panel';
import { called } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import styles from './desk.module.css';
import { arrive } from './find';

/** Visits here that are under way or of today; who was expected is marked as arrived. */
export function Visits({ visits, patient }: { visits: readonly Encounter[]; patient: string }) {
  const { t } = useLocale();
  const [problem, setProblem] = useState<unknown>(null);
  return (
    <Panel title={t('desk.visits')}>
      {problem !== null && <Failure error={problem} what={t('desk.register.what')} title={t('desk.arrive.failed')} />}
      {visits.length === 0 ? (
        <p className={`quiet ${styles.inside}`}>{t('desk.visits.none')}</p>
      ) : (
        <ul className={styles.visits}>
          {visits.map((visit) => (
            <Visit key={visit.id} visit={visit} patient={patient} onProblem={setProblem} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

interface VisitProps {
  visit: Encounter;
  patient: string;
  onProblem: (error: unknown) => void;
}

function Visit({ visit, patient, onProblem }: VisitProps) {
  const { t, lang } = useLocale();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const coding = visit.serviceType?.coding?.[0];
  const department = called(SPECIALTIES, coding?.code, lang) || coding?.display || visit.serviceType?.text;

  async function markArrived(): Promise<void> {
    setBusy(true);
    try {
      await arrive(visit);
      onProblem(null);
    } catch (error) {
      onProblem(error);
    }
    await queries.invalidateQueries({ queryKey: ['desk', patient] });
    setBusy(false);
  }

  return (
    <li>
      <div>
        <strong>{visit.identifier?.[0]?.value ?? '—'}</strong>{' '}
        <span>
          {encounterKind(visit, t)} · {department || t('desk.visit.department.none')}
        </span>
        <div className="quiet">
          {t(`desk.status.${visit.status}` as Key)}　{dateTime(visit.period?.start)}
        </div>
      </div>
      {visit.status === 'planned' && (
        <Button loading={busy} onClick={() => void markArrived()}>
          {t('desk.arrive')}
        </Button>
      )}
    </li>
  );
}
