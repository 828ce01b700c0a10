import { Tag } from 'antd';
import type {
  Bundle,
  Device,
  FhirResource,
  HealthcareService,
  Organization,
  Practitioner,
  PractitionerRole,
} from 'fhir/r4';
import { Link } from 'react-router';
import { usePerson } from '../../access/person';
import { ask, type Page, type Params, pageOf, search } from '../../client/client';
import { today } from '../../fhir/dates';
import { ListPage } from '../../list/ListPage';
import type { Column, Filter } from '../../list/list';
import { useFilters } from '../../list/useFilters';
import { type Key, useLocale } from '../../locale/locale';
import { Nothing } from '../../page/Nothing';
import { called } from '../../referral/codes/search';
import { SPECIALTIES } from '../../referral/codes/specialties';
import { keepsDirectory } from '..';
import styles from '../directory.module.css';
import { isShared, kindOf } from '../equipment';
import { settingsOf } from '../settings';
import { InstitutionField } from './InstitutionField';
import {
  addressOf,
  addressOfForm,
  endedOn,
  holdsOn,
  KINDS,
  type Kind,
  levelOf,
  nameOf,
  phoneOf,
  specialtyOf,
  tierOf,
  titleOf,
} from './kept';
import { postName } from './postName';

const PAGE = 30;

/** `/directory/keep`: what there is in the directory, kind by kind, to be changed by form; with what has ended. */
export default function KeepPage() {
  const { t } = useLocale();
  const [get] = useFilters();
  const kind = KINDS.find((one) => one === get('kind')) ?? 'institutions';
  return (
    <section className={styles.page}>
      <p>
        <Link to="/directory">{t('directory.back')}</Link>
      </p>
      <h1>{t('kept.title')}</h1>
      {keepsDirectory(usePerson()) ? <List key={kind} kind={kind} /> : <Nothing title={t('import.not-yours')} />}
    </section>
  );
}

function List({ kind }: { kind: Kind }) {
  const { t } = useLocale();
  const [get, set] = useFilters();
  const [text, state, of] = [get('q'), get('state'), get('of')];
  const columns = useColumns(kind);
  const filters: Filter[] = [
    {
      kind: 'tabs',
      name: 'kind',
      label: t('kept.kind'),
      choices: KINDS.map((one) => ({ value: one === 'institutions' ? '' : one, label: t(`kept.kind.${one}` as Key) })),
    },
    {
      kind: 'text',
      name: 'q',
      label: t('kept.find'),
      placeholder: t(kind === 'people' ? 'kept.find.person' : 'directory.find.how'),
    },
    ...(kind === 'people'
      ? []
      : [
          {
            kind: 'choice' as const,
            name: 'state',
            label: t('kept.element.state'),
            choices: [
              { value: '', label: t('kept.state.all') },
              { value: 'active', label: t('equipment.working') },
              { value: 'ended', label: t('equipment.not-working') },
            ],
          },
        ]),
  ];
  return (
    <ListPage<FhirResource>
      what={t(`kept.kind.${kind}` as Key)}
      source={{ key: ['kept', kind, text, state, of], first: (signal) => firstPage(kind, { text, state, of }, signal) }}
      columns={columns}
      filters={filters}
      linkOf={(row) => addressOfForm(kind, row)}
      empty={{ title: t('kept.none'), how: t('kept.none.how') }}
      actions={
        <>
          {kind !== 'institutions' && (
            <InstitutionField
              label={t('kept.field.owner')}
              placeholder={t('kept.of.all')}
              {...(of ? { value: `Organization/${of}` } : {})}
              onChange={(reference) => set('of', reference.replace('Organization/', ''))}
            />
          )}
          <Link className={styles.button} to={`/directory/keep/${kind}/new`}>
            {t(`kept.new.${kind}` as Key)}
          </Link>
          <Link to="/directory/import">{t('import.title')}</Link>
        </>
      }
    />
  );
}

interface Narrowed {
  text: string;
  state: string;
  of: string;
}

async function firstPage(kind: Kind, { text, state, of }: Narrowed, signal: AbortSignal): Promise<Page<FhirResource>> {
  const active = state === 'active' ? 'true' : state === 'ended' ? 'false' : '';
  const shared: Params = { _count: PAGE, _total: 'accurate' };
  switch (kind) {
    case 'institutions':
    case 'departments':
      return pageOf(await ask<Bundle>('Organization/$kept', { kind, text, of, state, _count: PAGE }, signal));
    case 'people':
      return search<Practitioner>(
        'Practitioner',
        {
          ...shared,
          name: text,
          '_has:PractitionerRole:practitioner:organization': of && `Organization/${of}`,
          _revinclude: 'PractitionerRole:practitioner',
          '_include:iterate': 'PractitionerRole:organization',
          _sort: 'name',
        },
        signal,
      );
    case 'equipment':
      return pageOf(
        await ask<Bundle>(
          'HealthcareService/$equipment',
          { text, working: active, organization: of && `Organization/${of}`, _count: PAGE },
          signal,
        ),
      );
    case 'services':
      return search<HealthcareService>(
        'HealthcareService',
        {
          ...shared,
          'name:contains': text,
          active,
          organization: of && `Organization/${of}`,
          _include: 'HealthcareService:organization',
          _sort: '_id',
        },
        signal,
      );
  }
}

function useColumns(kind: Kind): Column<FhirResource>[] {
  const { t, lang } = useLocale();
  const ended = (one: FhirResource, isActive: boolean) =>
    isActive ? (
      <Tag color="green">{t('equipment.working')}</Tag>
    ) : (
      <Tag>
        {endedOn(one as Organization)
          ? t('kept.ended.since', { day: endedOn(one as Organization) })
          : t('equipment.not-working')}
      </Tag>
    );
  const organizations: Column<FhirResource>[] = [
    { key: 'name', title: t('kept.field.name'), render: (row) => (row as Organization).name },
    ...(kind === 'departments'
      ? [
          {
            key: 'of',
            title: t('kept.field.owner'),
            render: (row: FhirResource) => (row as Organization).partOf?.display,
          },
        ]
      : [
          {
            key: 'tier',
            title: t('kept.field.tier'),
            render: (row: FhirResource) => {
              const one = row as Organization;
              return [t(`referral.tier.${tierOf(one)}` as Key), levelOf(one)].filter(Boolean).join(' ');
            },
          },
          {
            key: 'address',
            title: t('kept.field.address'),
            render: (row: FhirResource) => addressOf((row as Organization).address?.[0]),
          },
        ]),
    {
      key: 'phone',
      title: t('kept.field.phone'),
      whole: true,
      render: (row) => phoneOf((row as Organization).telecom),
    },
    {
      key: 'state',
      title: t('kept.element.state'),
      whole: true,
      render: (row) => ended(row, (row as Organization).active !== false),
    },
  ];
  if (kind === 'institutions' || kind === 'departments') return organizations;
  if (kind === 'people')
    return [
      { key: 'name', title: t('kept.field.person'), whole: true, render: (row) => nameOf(row as Practitioner) },
      { key: 'title', title: t('kept.field.title'), whole: true, render: (row) => titleOf(row as Practitioner) },
      {
        key: 'posts',
        title: t('kept.posts'),
        render: (row, included) => <PostsOf person={row as Practitioner} included={included} />,
      },
    ];
  if (kind === 'equipment')
    return [
      { key: 'name', title: t('kept.field.name'), render: (row) => (row as Device).deviceName?.[0]?.name },
      {
        key: 'kind',
        title: t('kept.field.equipment-kind'),
        render: (row) =>
          kindOf(row as Device) ? t(`equipment.kind.${kindOf(row as Device)}` as Key) : (row as Device).type?.text,
      },
      { key: 'owner', title: t('kept.field.owner'), render: (row) => (row as Device).owner?.display },
      {
        key: 'model',
        title: t('equipment.model'),
        render: (row) => [(row as Device).manufacturer, (row as Device).modelNumber].filter(Boolean).join(' '),
      },
      {
        key: 'state',
        title: t('kept.element.state'),
        whole: true,
        render: (row) => (
          <>
            {ended(row, (row as Device).status !== 'inactive')}
            {isShared(row as Device) && <Tag color="blue">{t('equipment.shared')}</Tag>}
          </>
        ),
      },
    ];
  return [
    {
      key: 'name',
      title: t('kept.field.name'),
      render: (row) =>
        (row as HealthcareService).name ?? called(SPECIALTIES, specialtyOf(row as HealthcareService), lang),
    },
    {
      key: 'provider',
      title: t('kept.field.owner'),
      render: (row, included) => {
        const { reference, display } = (row as HealthcareService).providedBy ?? {};
        const found = included.get(reference ?? '');
        return found?.resourceType === 'Organization' ? found.name : display;
      },
    },
    {
      key: 'specialty',
      title: t('kept.field.specialty'),
      render: (row) => called(SPECIALTIES, specialtyOf(row as HealthcareService), lang),
    },
    {
      key: 'accepts',
      title: t('settings.accepts'),
      whole: true,
      render: (row) =>
        settingsOf(row as HealthcareService)
          .accepts.map((way) => t(`settings.accepts.${way}` as Key))
          .join(t('list.separator')),
    },
    {
      key: 'state',
      title: t('kept.element.state'),
      whole: true,
      render: (row) => ended(row, (row as HealthcareService).active !== false),
    },
  ];
}

/** Where somebody works today, one post a line. */
function PostsOf({ person, included }: { person: Practitioner; included: ReadonlyMap<string, FhirResource> }) {
  const { t } = useLocale();
  const day = today(new Date());
  const posts = [...included.values()].filter(
    (one): one is PractitionerRole =>
      one.resourceType === 'PractitionerRole' &&
      one.practitioner?.reference === `Practitioner/${person.id ?? ''}` &&
      holdsOn(one, day),
  );
  return posts.map((role) => {
    const found = included.get(role.organization?.reference ?? '');
    const where = found?.resourceType === 'Organization' ? found.name : role.organization?.display;
    return <div key={role.id}>{[where, postName(role, t)].filter(Boolean).join(' ')}</div>;
  });
}
