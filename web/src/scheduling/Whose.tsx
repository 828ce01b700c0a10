import { Segmented } from 'antd';
import type { Patient } from 'fhir/r4';
import { useSearchParams } from 'react-router';
import { usePerson } from '../access/person';
import { read } from '../client/client';
import { patientName } from '../fhir/patient';
import type { Key } from '../locale/locale';
import { useLocale } from '../locale/locale';
import { useReading } from '../page/reading';
import styles from './booking.module.css';
import { wards } from './bookings';

/** Of whom the page in front is: oneself, or whom the address names (`?patient=`): a ward, or at a desk anybody. */
export function useWhose(): { patient: string; atDesk: boolean } {
  const person = usePerson();
  const [asked] = useSearchParams();
  const named = asked.get('patient');
  return { patient: named ? `Patient/${named}` : (person.patient ?? ''), atDesk: Boolean(named) && !person.patient };
}

/** For a resident who is the guardian of somebody: whose bookings these are, chosen at the top. Nothing for anybody else. */
export function WardChooser({ onChoose }: { onChoose: (patient: string) => void }) {
  const { t } = useLocale();
  const person = usePerson();
  const { patient } = useWhose();
  const reading = useReading(['wards'], wards, { enabled: Boolean(person.patient), staleTime: 300_000 });
  if (!person.patient || reading.state !== 'here' || reading.value.length === 0) return null;
  const own = person.patient;
  return (
    <Segmented
      block
      className={styles.wards ?? ''}
      aria-label={t('booking.whose')}
      value={patient}
      onChange={(chosen) => onChoose(chosen === own ? '' : chosen.replace('Patient/', ''))}
      options={[
        { value: own, label: t('booking.whose.own') },
        ...reading.value.map((one) => ({ value: one.reference, label: one.name })),
      ]}
    />
  );
}

/** For whom a desk works: read as the desk may. */
export function Whom({ patient, words }: { patient: string; words: Key }) {
  const { t } = useLocale();
  const reading = useReading(['booking', 'whom', patient], (signal) =>
    read<Patient>('Patient', patient.replace('Patient/', ''), signal),
  );
  if (reading.state === 'loading') return null;
  const name = reading.state === 'here' ? patientName(reading.value) : '';
  return <strong>{t(words, { name: name || t('patient.unnamed') })}</strong>;
}
