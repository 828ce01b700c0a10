import { Select } from 'antd';
import type { PractitionerRole, Reference } from 'fhir/r4';
import { useEffect, useState } from 'react';
import { usePerson } from '../../../access/person';
import { search } from '../../../client/client';
import { conceptText } from '../../../fhir/concept';
import { useLocale } from '../../../locale/locale';
import { mapReading, useReading } from '../../../page/reading';
import { Field } from '../../refer/Field';
import { SPECIALTY } from '../../systems';
import styles from '../actions.module.css';

interface Doctor {
  readonly reference: string;
  readonly name: string;
  readonly title: string;
  readonly department: string;
  readonly fits: boolean;
}

const SEES_PATIENTS = ['gp', 'physician', 'consultant'];
const MOST = 200;
const AFTER_TYPING_MS = 250;

function doctorOf(role: PractitionerRole, specialty: string): Doctor[] {
  const posts = (role.code ?? []).flatMap((code) => code.coding ?? []).flatMap((coding) => coding.code ?? []);
  if (!role.practitioner?.reference || !posts.some((post) => SEES_PATIENTS.includes(post))) return [];
  const titles = (role.code ?? []).flatMap((code) => (code.coding?.length ? [] : (code.text ?? [])));
  return [
    {
      reference: role.practitioner.reference,
      name: role.practitioner.display ?? '',
      title: titles[0] ?? '',
      department: (role.specialty ?? []).map(conceptText).filter(Boolean).join('、'),
      fits: (role.specialty ?? []).some((one) =>
        one.coding?.some((coding) => coding.system === SPECIALTY && coding.code === specialty),
      ),
    },
  ];
}

/** Doctors of the own institution: those of the specialty first; letters are looked up as pinyin by the server. */
function useDoctors(specialty: string, letters: string) {
  const person = usePerson();
  const organization = person.institution?.reference ?? '';
  const reading = useReading(
    ['doctors', organization, letters],
    (signal) =>
      search<PractitionerRole>(
        'PractitionerRole',
        { organization, active: 'true', 'practitioner.name': letters || undefined, _count: MOST },
        signal,
      ),
    { enabled: organization !== '', staleTime: 10 * 60_000 },
  );
  return mapReading(reading, (page) =>
    page.matches.flatMap((role) => doctorOf(role, specialty)).sort((a, b) => Number(b.fits) - Number(a.fits)),
  );
}

interface DoctorFieldProps {
  specialty: string;
  value: Reference | null;
  required: boolean;
  fault: string | undefined;
  onChange: (doctor: Reference | null) => void;
}

export function DoctorField({ specialty, value, required, fault, onChange }: DoctorFieldProps) {
  const { t } = useLocale();
  const [typed, setTyped] = useState('');
  const [letters, setLetters] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setLetters(/^[a-z]+$/i.test(typed.trim()) ? typed.trim() : ''), AFTER_TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const reading = useDoctors(specialty, letters);
  const all = reading.state === 'here' ? reading.value : [];
  const text = letters ? '' : typed.trim();
  const shown = all.filter((one) => !text || one.name.includes(text) || one.department.includes(text));
  const options = shown.map((one) => ({ value: one.reference, label: one.name, one }));
  if (value && !options.some((option) => option.value === value.reference))
    options.unshift({
      value: value.reference ?? '',
      label: value.display ?? '',
      one: { reference: value.reference ?? '', name: value.display ?? '', title: '', department: '', fits: false },
    });
  return (
    <Field name="act-practitioner" label={t('act.practitioner')} required={required} fault={fault}>
      {(ids) => (
        <Select
          {...ids}
          allowClear
          className={styles.wide ?? ''}
          showSearch={{ filterOption: false, onSearch: setTyped, searchValue: typed }}
          loading={reading.state === 'loading'}
          placeholder={t('act.practitioner.find')}
          notFoundContent={t(reading.state === 'failed' ? 'problem.unreachable' : 'act.practitioner.none')}
          options={options}
          optionRender={({ data }) => (
            <span className={styles.doctor}>
              <strong>{data.one.name}</strong> <span>{data.one.title}</span>
              <span className="quiet">{data.one.department}</span>
            </span>
          )}
          value={value?.reference ?? null}
          onChange={(reference) => {
            setTyped('');
            const chosen = all.find((one) => one.reference === reference);
            onChange(chosen ? { reference: chosen.reference, display: chosen.name } : null);
          }}
        />
      )}
    </Field>
  );
}
