import type { Patient } from 'fhir/r4';
import { useMemo } from 'react';
import { Link } from 'react-router';
import { has, type Person, type Post } from '../access/person';
import { search } from '../client/client';
import { ListPage } from '../list/ListPage';
import type { Source } from '../list/list';
import { useFilters } from '../list/useFilters';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { patientColumns } from '../patients/columns';
import { findPatients } from '../patients/find';
import { OpenReferrals, type Worklist } from '../referral';
import { Waitings } from './Waitings';
import styles from './workbench.module.css';

const PAGE = 20;

/** The day of someone who treats or coordinates: what waits, what is under way, and the patients. */
export function ClinicalDay({ person }: { person: Person }) {
  const { t } = useLocale();
  return (
    <div className={styles.day}>
      <Waitings person={person} />
      {firstLists(person).map((list) => (
        <Panel
          key={list}
          title={list === 'sent' ? t('referral.open') : t(`referral.list.${list}` as Key)}
          aside={<Link to={`/worklist/${list}`}>{t('referral.open.all')}</Link>}
        >
          <OpenReferrals list={list} />
        </Panel>
      ))}
      <Panel
        bare
        title={t(keepsPatients(person) ? 'today.patients' : 'today.seen')}
        aside={<Link to="/patients">{t('today.patients.all')}</Link>}
      >
        <MyPatients person={person} />
      </Panel>
    </div>
  );
}

/** What a post looks at first. */
const FIRST: Partial<Record<Post, readonly Worklist[]>> = {
  head: ['approval'],
  'medical-affairs': ['approval'],
  president: ['approval'],
  coordinator: ['inbox'],
  consultant: ['here', 'inbox'],
  physician: ['inbox'],
  gp: ['sent'],
};

const firstLists = (person: Person): Worklist[] => [...new Set(person.roles.flatMap((post) => FIRST[post] ?? []))];

/** Grassroots keep patients; a hospital sees those it treats or is referred. */
const keepsPatients = (person: Person): boolean => has(person, 'gp', 'head');

/** Of those who keep patients the institution's own, of others everyone they may see; the last changed first. */
function MyPatients({ person }: { person: Person }) {
  const { t } = useLocale();
  const [get] = useFilters();
  const typed = get('q');
  const institution = keepsPatients(person) ? (person.institution?.reference ?? '') : '';
  const source: Source<Patient> = useMemo(
    () => ({
      key: ['patients', 'mine', institution, typed],
      first: (signal) => {
        const conditions = { organization: institution, _sort: '-_lastUpdated', _count: PAGE, _total: 'accurate' };
        return typed ? findPatients(typed, conditions, signal) : search<Patient>('Patient', conditions, signal);
      },
    }),
    [institution, typed],
  );
  return (
    <ListPage
      what={t('today.patients.what')}
      source={source}
      columns={patientColumns(t).filter((column) => !institution || column.key !== 'institution')}
      filters={[{ kind: 'text', name: 'q', label: t('patients.find') }]}
      linkOf={(patient) => `/patients/${patient.id ?? ''}`}
      empty={{ title: t('today.patients.empty.title'), how: t('today.patients.empty.how') }}
    />
  );
}
