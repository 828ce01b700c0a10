import { EyeInvisibleOutlined, EyeOutlined } from '@ant-design/icons';
import { useState } from 'react';
import { masked } from '../fhir/patient';
import { useLocale } from '../locale/locale';
import styles from './desk.module.css';

/** A number, masked until somebody wants it whole: others stand behind the one at the desk. */
export function RevealedNumber({ label, value }: { label: string; value: string }) {
  const { t } = useLocale();
  const [whole, setWhole] = useState(false);
  return (
    <div className={styles.number}>
      <dt>{label}</dt>
      <dd>
        {whole ? value : masked(value)}{' '}
        <button
          type="button"
          className="link"
          aria-label={t(whole ? 'do.hide' : 'patient.identifier.reveal')}
          onClick={() => setWhole(!whole)}
        >
          {whole ? <EyeInvisibleOutlined aria-hidden /> : <EyeOutlined aria-hidden />}
        </button>
      </dd>
    </div>
  );
}
