import { Button } from 'antd';
import type { Patient } from 'fhir/r4';
import { Link, useLocation, useNavigate, useParams } from 'react-router';
import { seesPatients, usePerson } from '../access/person';
import { dateTime, day } from '../fhir/dates';
import { Name } from '../fhir/Name';
import {
  addressText,
  HEALTH_CARD,
  HEALTH_FILE,
  isDeceased,
  patientAge,
  patientName,
  phone,
  RESIDENT_ID,
  sexText,
} from '../fhir/patient';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import { Coming } from './Coming';
import styles from './desk.module.css';
import { entryOf } from './entry';
import { atDesk } from './find';
import { RegisterVisit } from './RegisterVisit';
import { RevealedNumber } from './RevealedNumber';
import { useWedge } from './useWedge';
import { Visits } from './Visits';

const NUMBERS: Record<string, Key> = {
  [RESIDENT_ID]: 'patient.identifier.resident',
  [HEALTH_FILE]: 'patient.identifier.file',
  [HEALTH_CARD]: 'patient.identifier.card',
  'urn:oid:2.16.156.10011.1.13': 'desk.number.record',
};

/** `/desk/:id`: who stands at the desk, what is known of today, and the next visit to register. The next card may be scanned at once. */
export default function DeskPatient() {
  const { t } = useLocale();
  const { id = '' } = useParams();
  const navigate = useNavigate();
  const reading = useReading(['desk', id], (signal) => atDesk(id, signal), { staleTime: 0 });
  useWedge((text) => {
    if (entryOf(text).kind !== 'short') void navigate('/desk', { state: { scanned: text } });
  });
  return (
    <div className={styles.page}>
      <p className={styles.crumb}>
        <Link to="/desk">{t('desk.back')}</Link>
        <span className="quiet">{t('desk.next')}</span>
      </p>
      <Read of={reading} what={t('desk.visit.what')} rows={8}>
        {({ patient, visits, coming }) => (
          <>
            <Who patient={patient} />
            <div className={styles.columns}>
              <div>
                <RegisterVisit patient={patient} suggested={coming[0]} />
                <Coming referrals={coming} />
              </div>
              <div>
                <Visits visits={visits} patient={id} />
                <Numbers patient={patient} />
              </div>
            </div>
          </>
        )}
      </Read>
    </div>
  );
}

function Who({ patient }: { patient: Patient }) {
  const { t, lang } = useLocale();
  const person = usePerson();
  const until = (useLocation().state as { until?: string } | null)?.until;
  return (
    <header className={styles.banner}>
      <div className={styles.first}>
        <h1>{patientName(patient) || t('patient.unnamed')}</h1>
        <span>
          {sexText(patient, t)} · {patientAge(patient, new Date(), t)} · {t('patient.born')}{' '}
          {day(patient.birthDate) || '—'}
        </span>
        {isDeceased(patient) && <strong className={styles.died}>{t('patient.died')}</strong>}
        <Link
          to={`/book?patient=${patient.id ?? ''}&organization=${person.institution?.reference.replace('Organization/', '') ?? ''}`}
          tabIndex={-1}
        >
          <Button>{t('booking.title')}</Button>
        </Link>
        <Link to={`/bookings?patient=${patient.id ?? ''}`} tabIndex={-1}>
          <Button>{t('booking.all.of')}</Button>
        </Link>
        {seesPatients(person) && (
          <Link className={styles.record} to={`/patients/${patient.id ?? ''}`} tabIndex={-1}>
            <Button>{t('desk.record')}</Button>
          </Link>
        )}
      </div>
      <div className={styles.second}>
        {phone(patient) && (
          <span>
            <span className="quiet">{t('patient.phone')}</span> {phone(patient)}
          </span>
        )}
        <span>
          <span className="quiet">{t('patient.institution')}</span>{' '}
          <Name of={patient.managingOrganization} otherwise="—" />
        </span>
        {addressText(patient, lang) && (
          <span>
            <span className="quiet">{t('patient.address')}</span> {addressText(patient, lang)}
          </span>
        )}
      </div>
      {until && <p className={styles.until}>{t('desk.until', { when: dateTime(until) })}</p>}
    </header>
  );
}

function Numbers({ patient }: { patient: Patient }) {
  const { t } = useLocale();
  const numbers = (patient.identifier ?? []).filter((one) => one.value && one.use !== 'old');
  return (
    <Panel title={t('desk.numbers')}>
      {numbers.length === 0 ? (
        <p className={`quiet ${styles.inside}`}>{t('patient.identifier.none')}</p>
      ) : (
        <dl className={styles.numbers}>
          {numbers.map((one) => (
            <RevealedNumber
              key={`${one.system ?? ''}|${one.value ?? ''}`}
              label={t(NUMBERS[one.system ?? ''] ?? 'patient.identifier.other')}
              value={one.value ?? ''}
            />
          ))}
        </dl>
      )}
    </Panel>
  );
}
