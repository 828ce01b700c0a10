import { Select } from 'antd';
import { useLocale } from '../../locale/locale';
import { dayOf, usePapersOf } from './papers';

interface ResolutionFieldProps {
  id?: string;
  consortium: string;
  /** A code of the kind of paper to choose from. */
  kind?: string;
  /** "DocumentReference/1" */
  value?: string;
  onChange?: (reference: string) => void;
  empty: string;
}

/** One paper of a consortium that is in force: a resolution, or the signed text of an agreement. */
export function ResolutionField({ id, consortium, kind = 'resolution', value, onChange, empty }: ResolutionFieldProps) {
  const { t } = useLocale();
  const found = usePapersOf(consortium, kind);
  const options = (found.state === 'here' ? found.value : []).map((one) => ({
    value: `DocumentReference/${one.id ?? ''}`,
    label: [one.description, one.masterIdentifier?.value, dayOf(one)].filter(Boolean).join(' · '),
  }));
  return (
    <Select
      {...(id ? { id } : {})}
      {...(value ? { value } : {})}
      showSearch={{ optionFilterProp: 'label' }}
      allowClear={{ label: t('kept.clear') }}
      loading={found.state === 'loading'}
      notFoundContent={empty}
      options={options}
      onChange={(next?: string) => onChange?.(next ?? '')}
    />
  );
}
