import { EyeInvisibleOutlined, EyeOutlined } from '@ant-design/icons';
import type { Patient } from 'fhir/r4';
import { useState } from 'react';
import { HEALTH_CARD, HEALTH_FILE, mainIdentifier, masked, RESIDENT_ID } from '../fhir/patient';
import { type Key, useLocale } from '../locale/locale';
import styles from './patient.module.css';

const LABELS: Record<string, Key> = {
  [RESIDENT_ID]: 'patient.identifier.resident',
  [HEALTH_FILE]: 'patient.identifier.file',
  [HEALTH_CARD]: 'patient.identifier.card',
};

/** Masked until asked for; which kind of number it is, is said. */
export function MaskedIdentifier({ patient }: { patient: Patient }) {
  const { t } = useLocale();
  const [whole, setWhole] = useState(false);
  const identifier = mainIdentifier(patient);
  if (!identifier?.value) return <span className="quiet">{t('patient.identifier.none')}</span>;
  return (
    <span className={styles.identifier}>
      <span className="quiet">{t(LABELS[identifier.system ?? ''] ?? 'patient.identifier.other')}</span>{' '}
      {whole ? identifier.value : masked(identifier.value)}
      <button
        type="button"
        className="link"
        aria-label={t(whole ? 'do.hide' : 'patient.identifier.reveal')}
        onClick={() => setWhole(!whole)}
      >
        {whole ? <EyeInvisibleOutlined aria-hidden /> : <EyeOutlined aria-hidden />}
      </button>
    </span>
  );
}
