import { FolderOpenOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import type { Patient } from 'fhir/r4';
import { useEffect } from 'react';
import { Link, useParams, useSearchParams } from 'react-router';
import { isDeceased, patientName } from '../../fhir/patient';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import { Nothing } from '../../page/Nothing';
import { Read } from '../../page/reading';
import { Waiting } from '../../page/Waiting';
import { PatientBanner } from '../../patient/PatientBanner';
import { useAllergies, useFlags, usePatient } from '../../record/readings';
import { usePatientReferrals } from '../patientReferrals';
import { stateCode } from '../state';
import { ReferWriting } from './ReferWriting';
import { useRecordParts } from './recordParts';
import { referAddress, useStart } from './start';

/** `/patients/:id/refer`: a referral, started from the record. */
export default function ReferPage() {
  const { id = '' } = useParams();
  const [query] = useSearchParams();
  return <Refer key={`${id}?${query}`} id={id} query={query} />;
}

function Refer({ id, query }: { id: string; query: URLSearchParams }) {
  const { t } = useLocale();
  const patient = usePatient(id);
  const allergies = useAllergies(id);
  const flags = useFlags(id);
  const start = useStart(id, query);
  const card = query.get('card');
  const name = patient.state === 'here' ? patientName(patient.value) : '';

  useEffect(() => {
    if (!name) return;
    document.title = `${t('refer.title')} ${name} · ${t('app.name')}`;
    return () => {
      document.title = t('app.name');
    };
  }, [name, t]);

  if (patient.state === 'failed')
    return <Failure error={patient.error} what={t('record.what')} onRetry={patient.retry} />;
  return (
    <>
      <h1 className="unseen">{t('refer.title')}</h1>
      {patient.state === 'here' ? (
        <PatientBanner patient={patient.value} allergies={allergies} flags={flags}>
          <Link to={`/patients/${id}`} tabIndex={-1}>
            <Button icon={<FolderOpenOutlined aria-hidden />}>{t('referral.record')}</Button>
          </Link>
        </PatientBanner>
      ) : (
        <Waiting what={t('record.what')} rows={2} onCancel={patient.cancel} />
      )}
      {patient.state === 'here' && isDeceased(patient.value) && <Nothing title={t('record.refer.dead')} />}
      {patient.state === 'here' && !isDeceased(patient.value) && (
        <Read of={start} what={t(card ? 'refer.start.card' : 'refer.start.what')}>
          {(from) =>
            from.kind === 'draft' && stateCode(from.task) !== 'draft' ? (
              <p>
                {t('refer.draft.gone')} <Link to={`/referrals/${from.task.id ?? ''}`}>{t('refer.open.follow')}</Link>
              </p>
            ) : (
              <Checked patient={patient.value} start={from} />
            )
          }
        </Read>
      )}
      {card && start.state === 'failed' && (
        <p>
          <Link to={referAddress(id)}>{t('refer.start.plain')}</Link>
        </p>
      )}
    </>
  );
}

/** First the question whether there is one already, then the record, then the form. */
function Checked({ patient, start }: { patient: Patient; start: Parameters<typeof ReferWriting>[0]['start'] }) {
  const { t } = useLocale();
  const id = patient.id ?? '';
  const referrals = usePatientReferrals(id);
  const gathered = useRecordParts(id);
  if (referrals.state === 'failed')
    return <Failure error={referrals.error} what={t('refer.open.what')} onRetry={referrals.retry} />;
  if (referrals.state === 'loading' || !gathered.parts) return <Waiting what={t('refer.record.what')} rows={10} />;
  return (
    <ReferWriting
      patient={patient}
      start={start}
      referrals={referrals.value}
      parts={gathered.parts}
      missing={gathered.missing}
    />
  );
}
