import { Select } from 'antd';
import type { Patient } from 'fhir/r4';
import { useEffect, useState } from 'react';
import { mainIdentifier, masked, patientLine } from '../fhir/patient';
import { useLocale } from '../locale/locale';
import { findPatients } from '../patients/find';

const PAUSE_MS = 250;
const MOST = 12;

/** A patient whose record the asker may open, found by name, pinyin, number or telephone. */
export function PatientField({ id, onChoose }: { id: string; onChoose: (patient: Patient | null) => void }) {
  const { t } = useLocale();
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState<readonly Patient[]>([]);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    if (typed.trim().length < 1) return setFound([]);
    const asking = new AbortController();
    const later = setTimeout(() => {
      setBusy(true);
      findPatients(typed.trim(), { _count: MOST }, asking.signal)
        .then((page) => setFound(page.matches))
        .catch(() => setFound([]))
        .finally(() => setBusy(false));
    }, PAUSE_MS);
    return () => {
      clearTimeout(later);
      asking.abort();
    };
  }, [typed]);

  return (
    <Select
      id={id}
      autoFocus
      loading={busy}
      showSearch={{ filterOption: false, onSearch: setTyped }}
      placeholder={t('bed.patient.hint')}
      notFoundContent={typed && !busy ? t('bed.patient.none') : null}
      onChange={(chosen: string | undefined) => onChoose(found.find((one) => one.id === chosen) ?? null)}
      options={found.map((one) => ({
        value: one.id ?? '',
        label: `${patientLine(one, new Date(), t)} ${masked(mainIdentifier(one)?.value)}`,
      }))}
    />
  );
}
