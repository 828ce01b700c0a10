import { Select } from 'antd';
import type { Bundle, Organization } from 'fhir/r4';
import { useState } from 'react';
import { ask, pageOf } from '../../client/client';
import { useLocale } from '../../locale/locale';
import { useReading } from '../../page/reading';

interface InstitutionFieldProps {
  id?: string;
  label?: string;
  placeholder?: string;
  /** "Organization/1" */
  value?: string;
  /** How it is called as long as it is not among what was found. */
  name?: string;
  onChange?: (reference: string, name: string) => void;
}

const MOST = 30;

/** One institution that is in use, found by name, pinyin or initials. */
export function InstitutionField({ id, label, placeholder, value, name, onChange }: InstitutionFieldProps) {
  const { t } = useLocale();
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState({ reference: value ?? '', name: name ?? '' });
  const found = useReading(
    ['kept', 'choose', typed],
    async (signal) =>
      pageOf<Organization>(
        await ask<Bundle>(
          'Organization/$kept',
          { kind: 'institutions', state: 'active', text: typed, _count: MOST },
          signal,
        ),
      ).matches,
    { staleTime: 30_000 },
  );
  const options = (found.state === 'here' ? found.value : []).map((one) => ({
    value: `Organization/${one.id ?? ''}`,
    label: one.name ?? '',
  }));
  const known = value ? (chosen.reference === value ? chosen.name : name) : '';
  if (value && known && !options.some((option) => option.value === value)) options.unshift({ value, label: known });
  return (
    <Select
      {...(id ? { id } : {})}
      {...(label ? { 'aria-label': label } : {})}
      {...(placeholder ? { placeholder } : {})}
      {...(value && (known || options.some((option) => option.value === value)) ? { value } : {})}
      showSearch={{ filterOption: false, onSearch: setTyped }}
      allowClear={{ label: t('kept.clear') }}
      loading={found.state === 'loading'}
      options={options}
      onChange={(next?: string) => {
        const label = options.find((option) => option.value === next)?.label ?? '';
        setChosen({ reference: next ?? '', name: label });
        setTyped('');
        onChange?.(next ?? '', label);
      }}
      style={{ minWidth: 220 }}
    />
  );
}
