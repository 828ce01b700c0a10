import { SwapOutlined } from '@ant-design/icons';
import { Button, Tabs, Tooltip } from 'antd';
import type { Patient } from 'fhir/r4';
import { Suspense, useEffect } from 'react';
import { Link, useParams, useSearchParams } from 'react-router';
import { breaksGlass, seesPatients, usePerson } from '../access/person';
import { CriteriaStrip } from '../criteria/CriteriaStrip';
import { EmergencyBanner } from '../emergency/EmergencyBanner';
import { isLocked, LockedRecord } from '../emergency/LockedRecord';
import { isDeceased, patientName } from '../fhir/patient';
import { Applications } from '../launch/Applications';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { lazyPart } from '../page/parts';
import { Waiting } from '../page/Waiting';
import { PatientBanner } from '../patient/PatientBanner';
import { RecordStrip } from '../referral/RecordStrip';
import { useAllergies, useFlags, usePatient } from './readings';
import styles from './record.module.css';
import { Summary } from './Summary';

const Timeline = lazyPart(() => import('./Timeline'));
const Laboratory = lazyPart(() => import('./Laboratory'));
const Medication = lazyPart(() => import('./Medication'));
const Reports = lazyPart(() => import('./Reports'));
const Encounters = lazyPart(() => import('./Encounters'));

const TABS = ['summary', 'timeline', 'laboratory', 'medication', 'reports', 'encounters'] as const;
type Tab = (typeof TABS)[number];

/** `/patients/:id`: one patient, over all institutions. */
export default function RecordPage() {
  const { id = '' } = useParams();
  // Another patient is another page: nothing of the last one may stay on the screen.
  return <Record key={id} id={id} />;
}

function Record({ id }: { id: string }) {
  const { t } = useLocale();
  const person = usePerson();
  const [query, setQuery] = useSearchParams();
  const tab = TABS.find((one) => one === query.get('tab')) ?? 'summary';
  const patient = usePatient(id);
  const allergies = useAllergies(id);
  const flags = useFlags(id);
  const name = patient.state === 'here' ? patientName(patient.value) : '';

  useEffect(() => {
    if (!name) return;
    document.title = `${name} · ${t('app.name')}`;
    return () => {
      document.title = t('app.name');
    };
  }, [name, t]);

  if (patient.state === 'failed' && isLocked(patient.error) && breaksGlass(person)) return <LockedRecord id={id} />;
  if (patient.state === 'failed')
    return <Failure error={patient.error} what={t('record.what')} onRetry={patient.retry} />;
  return (
    <>
      <h1 className="unseen">{t('record.what')}</h1>
      {patient.state === 'here' ? (
        <PatientBanner patient={patient.value} allergies={allergies} flags={flags}>
          <Applications patient={id} />
          <ReferButton patient={patient.value} />
        </PatientBanner>
      ) : (
        <Waiting what={t('record.what')} rows={2} onCancel={patient.cancel} />
      )}
      {patient.state === 'here' && breaksGlass(person) && <EmergencyBanner id={id} />}
      <RecordStrip patientId={id} />
      <CriteriaStrip patientId={id} />
      <Tabs
        className={styles.tabs ?? ''}
        activeKey={tab}
        onChange={(next) => setQuery(next === 'summary' ? {} : { tab: next }, { replace: true })}
        items={TABS.map((key) => ({ key, label: t(`record.tab.${key}`) }))}
      />
      <Suspense fallback={<Waiting what={t(`record.tab.${tab}`)} />}>
        <TabBody tab={tab} id={id} patient={patient.state === 'here' ? patient.value : undefined} />
      </Suspense>
    </>
  );
}

/** What every tab gets: whose record, and the birth date by which results are judged (once it is known). */
export interface TabProps {
  id: string;
  birthDate: string | undefined;
}

function TabBody({ tab, id, patient }: { tab: Tab; id: string; patient: Patient | undefined }) {
  const props: TabProps = { id, birthDate: patient?.birthDate };
  switch (tab) {
    case 'summary':
      return <Summary {...props} />;
    case 'timeline':
      return <Timeline {...props} />;
    case 'laboratory':
      return <Laboratory {...props} />;
    case 'medication':
      return <Medication {...props} />;
    case 'reports':
      return <Reports {...props} />;
    case 'encounters':
      return <Encounters {...props} />;
  }
}

/** Starts a referral from the record; disabled says why. */
function ReferButton({ patient }: { patient: Patient }) {
  const { t } = useLocale();
  const person = usePerson();
  if (!seesPatients(person)) return null;
  if (isDeceased(patient)) {
    return (
      <Tooltip title={t('record.refer.dead')}>
        <Button disabled icon={<SwapOutlined aria-hidden />}>
          {t('record.refer')}
        </Button>
      </Tooltip>
    );
  }
  return (
    <Link to={`/patients/${patient.id ?? ''}/refer`} tabIndex={-1}>
      <Button type="primary" icon={<SwapOutlined aria-hidden />}>
        {t('record.refer')}
      </Button>
    </Link>
  );
}
