import { useQuery } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import type { Patient } from 'fhir/r4';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';
import { whatHappened } from '../client/problem';
import { day } from '../fhir/dates';
import { mainIdentifier, masked, patientAge, patientName, sexText } from '../fhir/patient';
import { useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import { findPatients } from '../patients/find';
import { chosen, nameOf } from './calls';
import styles from './launch.module.css';

const MOST = 20;
const WAIT_MS = 300;

/** `/choose-patient`: an application that came by itself asks for one patient; the server's sign-in sends people here with its query. */
export default function ChoosePatient() {
  const { t, lang } = useLocale();
  const [query] = useSearchParams();
  const client = query.get('client_id') ?? '';
  const [typed, setTyped] = useState('');
  const [asked, setAsked] = useState('');
  const [fault, setFault] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed.trim()), WAIT_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const found = useReading(['choose-patient', asked], (signal) =>
    findPatients(asked, { _count: MOST, _sort: '-_lastUpdated' }, signal),
  );

  const { data: name } = useQuery({
    queryKey: ['choose-patient-for', client],
    queryFn: ({ signal }) => nameOf(client, signal),
    retry: false,
  });

  async function pick(patient: Patient) {
    setFault('');
    try {
      const launch = await chosen(client, `Patient/${patient.id ?? ''}`);
      const next = new URLSearchParams(query);
      next.set('launch', launch);
      location.assign(`/oauth2/authorize?${next}`);
    } catch (error) {
      setFault(whatHappened(error, t, lang));
    }
  }

  if (!client || !query.get('redirect_uri')) {
    return <Nothing title={t('launch.choose.strange')} how={t('launch.choose.strange.how')} />;
  }
  return (
    <Panel title={t('launch.choose')}>
      <div className={styles.choice}>
        <h1 className="unseen">{t('launch.choose')}</h1>
        <p>{t('launch.choose.for', { name: name ?? '…' })}</p>
        <Input.Search
          autoFocus
          allowClear
          size="large"
          aria-label={t('launch.choose.find')}
          placeholder={t('launch.choose.hint')}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        {fault && <p role="alert">{fault}</p>}
        <Read of={found} what={t('launch.choose.find')} rows={6}>
          {({ matches }) =>
            matches.length ? (
              <ul className={styles.patients}>
                {matches.map((patient) => (
                  <li key={patient.id}>
                    <strong>{patientName(patient) || t('patient.unnamed')}</strong>
                    <span>
                      {sexText(patient, t)} · {patientAge(patient, new Date(), t)} · {day(patient.birthDate) || '—'}
                    </span>
                    <span className="quiet">{masked(mainIdentifier(patient)?.value)}</span>
                    <Button onClick={() => void pick(patient)}>{t('launch.choose.pick')}</Button>
                  </li>
                ))}
              </ul>
            ) : (
              <Nothing title={t('launch.choose.none')} how={t('launch.choose.none.how')} />
            )
          }
        </Read>
      </div>
    </Panel>
  );
}
