import type {
  Device,
  FhirResource,
  HealthcareService,
  Location,
  Organization,
  Practitioner,
  PractitionerRole,
} from 'fhir/r4';
import { useParams } from 'react-router';
import { usePerson } from '../../access/person';
import { ask, read, search } from '../../client/client';
import { useLocale } from '../../locale/locale';
import NotFound from '../../page/NotFound';
import { Nothing } from '../../page/Nothing';
import { Read, useReading } from '../../page/reading';
import { keepsDirectory } from '..';
import { DepartmentForm } from './DepartmentForm';
import { EquipmentForm } from './EquipmentForm';
import { InstitutionForm } from './InstitutionForm';
import { KINDS, type Kind } from './kept';
import { PersonForm } from './PersonForm';
import { ServiceForm } from './ServiceForm';

const MOST = 200;

/** `/directory/keep/:kind/new` and `/directory/keep/:kind/:id`: the form of one thing of the directory. */
export default function KeepOnePage() {
  const { kind: asked = '', id = '' } = useParams();
  const { t } = useLocale();
  const person = usePerson();
  const kind = KINDS.find((one) => one === asked);
  if (!kind) return <NotFound />;
  if (!keepsDirectory(person))
    return (
      <section>
        <h1>{t('kept.title')}</h1>
        <Nothing title={t('import.not-yours')} />
      </section>
    );
  return <One key={`${kind} ${id}`} kind={kind} id={id === 'new' ? '' : id} />;
}

interface Found {
  readonly one: FhirResource;
  /** What came along, by "Type/id". */
  readonly beside: ReadonlyMap<string, FhirResource>;
}

function One({ kind, id }: { kind: Kind; id: string }) {
  const { t } = useLocale();
  const found = useReading(['kept', 'one', kind, id], (signal) => load(kind, id, signal), {
    staleTime: id ? 0 : Number.POSITIVE_INFINITY,
  });
  return (
    <Read of={found} what={t(`kept.kind.${kind}`)} rows={8}>
      {({ one, beside }) => <FormOf key={versionsOf(one, beside)} kind={kind} one={one} beside={beside} />}
    </Read>
  );
}

/** A form starts anew when what it stands on has changed. */
const versionsOf = (one: FhirResource, beside: ReadonlyMap<string, FhirResource>): string =>
  [one, ...beside.values()]
    .filter(({ resourceType }) => resourceType !== 'PractitionerRole')
    .map((each) => `${each.id ?? ''}.${each.meta?.versionId ?? ''}`)
    .join(' ');

async function load(kind: Kind, id: string, signal: AbortSignal): Promise<Found> {
  const beside = new Map<string, FhirResource>();
  const along = async (reference: string | undefined) => {
    const [type = '', other = ''] = (reference ?? '').split('/');
    if (type === 'Organization' && other && !beside.has(`${type}/${other}`))
      beside.set(`${type}/${other}`, await read<Organization>('Organization', other, signal));
  };
  switch (kind) {
    case 'institutions':
    case 'departments': {
      if (!id) return { one: { resourceType: 'Organization', active: true }, beside };
      const one = await read<Organization>('Organization', id, signal);
      await along(one.partOf?.reference);
      if (kind === 'institutions') {
        const at = `Organization/${id}`;
        const [sites, services] = await Promise.all([
          search<Location>(
            'Location',
            { organization: at, 'partof:missing': 'true', _count: MOST, _sort: '_id' },
            signal,
          ),
          search<HealthcareService>(
            'HealthcareService',
            { organization: at, active: 'true', _count: MOST, _sort: '_id' },
            signal,
          ),
        ]);
        const site = sites.matches.find(({ position, status }) => position && (status ?? 'active') === 'active');
        for (const each of [...(site ? [site] : []), ...services.matches])
          beside.set(`${each.resourceType}/${each.id ?? ''}`, each);
      }
      return { one, beside };
    }
    case 'people': {
      if (!id) return { one: { resourceType: 'Practitioner', active: true }, beside };
      const one = await read<Practitioner>('Practitioner', id, signal);
      const roles = await search<PractitionerRole>(
        'PractitionerRole',
        { practitioner: `Practitioner/${id}`, _include: 'PractitionerRole:organization', _count: MOST, _sort: '_id' },
        signal,
      );
      for (const each of [...roles.matches, ...roles.included.values()])
        beside.set(`${each.resourceType}/${each.id ?? ''}`, each);
      return { one, beside };
    }
    case 'equipment': {
      if (!id) return { one: { resourceType: 'Device', status: 'active' }, beside };
      const one = await ask<Device>(`Device/${encodeURIComponent(id)}/$equipment-record`, {}, signal);
      await along(one.owner?.reference);
      return { one, beside };
    }
    case 'services': {
      if (!id) return { one: { resourceType: 'HealthcareService', active: true }, beside };
      const one = await read<HealthcareService>('HealthcareService', id, signal);
      await along(one.providedBy?.reference);
      return { one, beside };
    }
  }
}

function FormOf({ kind, one, beside }: Found & { kind: Kind }) {
  const nameOf = (reference: string | undefined): string => {
    const found = beside.get(reference ?? '');
    return found?.resourceType === 'Organization' ? (found.name ?? '') : '';
  };
  const every = [...beside.values()];
  if (kind === 'institutions' && one.resourceType === 'Organization')
    return (
      <InstitutionForm
        one={one}
        site={every.find((each): each is Location => each.resourceType === 'Location')}
        services={every.filter((each): each is HealthcareService => each.resourceType === 'HealthcareService')}
        above={nameOf(one.partOf?.reference)}
      />
    );
  if (kind === 'departments' && one.resourceType === 'Organization')
    return <DepartmentForm one={one} of={nameOf(one.partOf?.reference)} />;
  if (one.resourceType === 'Practitioner')
    return (
      <PersonForm
        one={one}
        roles={every.filter((each): each is PractitionerRole => each.resourceType === 'PractitionerRole')}
        included={beside}
      />
    );
  if (one.resourceType === 'Device') return <EquipmentForm one={one} owner={nameOf(one.owner?.reference)} />;
  if (one.resourceType === 'HealthcareService')
    return <ServiceForm one={one} provider={nameOf(one.providedBy?.reference)} />;
  return null;
}
