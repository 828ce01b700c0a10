import type { Patient } from 'fhir/r4';
import { useMemo } from 'react';
import { usePerson } from '../access/person';
import { ListPage } from '../list/ListPage';
import type { Filter, Source } from '../list/list';
import { useFilters } from '../list/useFilters';
import { useLocale } from '../locale/locale';
import { patientColumns } from './columns';
import { conditionsFor } from './conditions';
import { findPatients } from './find';

const PAGE = 50;

/** `/patients`: everyone the person may see, found and narrowed down. */
export default function PatientList() {
  const { t } = useLocale();
  const person = usePerson();
  const [get] = useFilters();
  const typed = get('q');
  const conditions = conditionsFor({ sex: get('sex'), age: get('age'), whose: get('whose') }, person, new Date());
  const key = JSON.stringify(conditions);

  const source: Source<Patient> = useMemo(
    () => ({
      key: ['patients', 'list', typed, key],
      first: (signal) =>
        findPatients(
          typed,
          { ...(JSON.parse(key) as Record<string, string>), _sort: '-_lastUpdated', _count: PAGE, _total: 'accurate' },
          signal,
        ),
    }),
    [typed, key],
  );

  const filters: Filter[] = [
    { kind: 'text', name: 'q', label: t('patients.find') },
    ...(person.institution
      ? [
          {
            kind: 'choice' as const,
            name: 'whose',
            label: t('patients.filter.whose'),
            choices: [
              { value: '', label: t('patients.filter.whose.all') },
              { value: 'ours', label: t('patients.filter.whose.ours') },
              ...(person.roles.includes('gp') ? [{ value: 'mine', label: t('patients.filter.whose.mine') }] : []),
            ],
          },
        ]
      : []),
    {
      kind: 'choice',
      name: 'sex',
      label: t('patients.filter.sex'),
      choices: [
        { value: '', label: t('patients.filter.sex.all') },
        { value: 'male', label: t('sex.male') },
        { value: 'female', label: t('sex.female') },
      ],
    },
    {
      kind: 'choice',
      name: 'age',
      label: t('patients.filter.age'),
      choices: [
        { value: '', label: t('patients.filter.age.all') },
        { value: 'child', label: t('patients.filter.age.child') },
        { value: 'youth', label: t('patients.filter.age.youth') },
        { value: 'adult', label: t('patients.filter.age.adult') },
        { value: 'old', label: t('patients.filter.age.old') },
      ],
    },
  ];

  return (
    <>
      <h1 className="unseen">{t('patients.title')}</h1>
      <ListPage
        what={t('patients.what')}
        source={source}
        columns={patientColumns(t)}
        filters={filters}
        linkOf={(patient) => `/patients/${patient.id ?? ''}`}
        empty={{ title: t('patients.empty.title'), how: t('patients.empty.how') }}
      />
    </>
  );
}
