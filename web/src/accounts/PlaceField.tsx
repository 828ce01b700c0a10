import { useQuery } from '@tanstack/react-query';
import { Select } from 'antd';
import type { Organization } from 'fhir/r4';
import { useDeferredValue, useState } from 'react';
import { search } from '../client/client';
import { useLocale } from '../locale/locale';

interface PlaceFieldProps {
  /** Where posts may be given; null: anywhere in the region, found by name. */
  places: { reference: string; name: string }[] | null;
  /** "Organization/…", or '' for a post that speaks for no institution. */
  value: string;
  /** What the value is called, where it is known already. */
  name: string | undefined;
  onChange: (reference: string) => void;
}

const SHOWN = 20;

/** The institution or department of a post. */
export function PlaceField({ places, value, name, onChange }: PlaceFieldProps) {
  const { t } = useLocale();
  const [typed, setTyped] = useState('');
  const asked = useDeferredValue(typed.trim());
  const found = useQuery({
    queryKey: ['accounts-places', asked],
    enabled: places === null && asked !== '',
    queryFn: async ({ signal }) => {
      const page = await search<Organization>('Organization', { 'name:contains': asked, _count: SHOWN }, signal);
      return page.matches.map((one) => ({ value: `Organization/${one.id ?? ''}`, label: one.name ?? '' }));
    },
  });
  const all = places?.map((one) => ({ value: one.reference, label: one.name }));
  const known = value && name ? [{ value, label: name }] : [];
  return (
    <Select
      aria-label={t('manage.form.place')}
      allowClear={places === null}
      showSearch={all ? { optionFilterProp: 'label' } : { filterOption: false, onSearch: setTyped }}
      placeholder={t('manage.form.place')}
      notFoundContent={places === null && !asked ? t('manage.form.place.anywhere') : undefined}
      value={value || null}
      onChange={(chosen: string | undefined) => onChange(chosen ?? '')}
      options={all ?? found.data ?? known}
    />
  );
}
