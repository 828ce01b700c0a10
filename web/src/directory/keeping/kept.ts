import type {
  Address,
  CodeableConcept,
  ContactPoint,
  Extension,
  FhirResource,
  HealthcareService,
  Identifier,
  Location,
  Organization,
  Practitioner,
  PractitionerRole,
  Reference,
} from 'fhir/r4';
import { called } from '../../referral/codes/search';
import { SPECIALTIES } from '../../referral/codes/specialties';

/** What the forms of the directory read from its resources and write into them; everything else in them stays as it is. */

const BASE = 'https://yilian.example/fhir/';
export const KINDS = ['institutions', 'departments', 'people', 'equipment', 'services'] as const;
export type Kind = (typeof KINDS)[number];

export const TIERS = ['village', 'township', 'county', 'city', 'province', 'national'] as const;
export const LEVELS = ['三级甲等', '三级乙等', '二级甲等', '二级乙等', '一级甲等', '一级乙等', '未定级'] as const;
export const POSTS = ['gp', 'physician', 'consultant', 'head', 'coordinator', 'pharmacist', 'registrar'] as const;
export const POSITION_KINDS = ['main', 'multi-site', 'county-managed', 'seconded'] as const;

export const TIER = `${BASE}StructureDefinition/institution-tier`;
export const TIER_CODES = `${BASE}CodeSystem/institution-tier`;
export const SCOPE = `${BASE}StructureDefinition/service-scope`;
export const ENDED = `${BASE}StructureDefinition/ended-on`;
export const POSITION = `${BASE}StructureDefinition/position`;
export const SPECIALTY = `${BASE}CodeSystem/clinical-department`;
export const ROLE = `${BASE}CodeSystem/post`;
export const INSTITUTION_NO = 'urn:oid:2.16.156.10011.1.5';
export const DEPARTMENT_NO = `${BASE}NamingSystem/department-number`;
export const PERSON_NO = 'urn:oid:2.16.156.10011.1.4';
const ORGANIZATION_TYPE = 'http://terminology.hl7.org/CodeSystem/organization-type';
const PLACE_TYPE = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
/** mCSD asks every Organization, Location and HealthcareService for a type (the server's `directory/importing.py`). */
const PROVIDER: CodeableConcept = {
  coding: [{ system: ORGANIZATION_TYPE, code: 'prov', display: 'Healthcare Provider' }],
};
export const DEPARTMENT: CodeableConcept = {
  coding: [{ system: ORGANIZATION_TYPE, code: 'dept', display: 'Hospital Department' }],
};
const HOSPITAL: CodeableConcept = { coding: [{ system: PLACE_TYPE, code: 'HOSP', display: 'Hospital' }] };
const CLINIC: CodeableConcept = { coding: [{ system: PLACE_TYPE, code: 'PC', display: 'Primary care clinic' }] };
const CONTACT = 'http://terminology.hl7.org/CodeSystem/contactentity-type';

interface Extended {
  extension?: Extension[];
}

export const identified = (resource: { identifier?: Identifier[] }, system: string): string =>
  resource.identifier?.find((one) => one.system === system)?.value ?? '';

export const withIdentifier = (identifiers: Identifier[] | undefined, system: string, value: string): Identifier[] => [
  ...(identifiers ?? []).filter((one) => one.system !== system),
  ...(value
    ? [{ ...(identifiers ?? []).find((one) => one.system === system), system, value } satisfies Identifier]
    : []),
];

export const saidIn = (resource: Extended, url: string): Extension | undefined =>
  resource.extension?.find((one) => one.url === url);

/** The extensions with this one in place of the one that was there; `undefined` takes it out. */
export function withExtension(
  resource: Extended,
  url: string,
  said: Extension | undefined,
): { extension?: Extension[] } {
  const extension = [...(resource.extension ?? []).filter((one) => one.url !== url), ...(said ? [said] : [])];
  return extension.length > 0 ? { extension } : {};
}

/** The resource with these extensions and nothing of the former ones. */
export function extended<T extends Extended>(resource: T, url: string, said: Extension | undefined): T {
  const { extension: _, ...rest } = resource;
  return { ...rest, ...withExtension(resource, url, said) } as T;
}

export const endedOn = (resource: FhirResource): string => saidIn(resource as Extended, ENDED)?.valueDate ?? '';

/** Whether it is not used any more, with a day or without one. */
export const isEnded = (resource: FhirResource): boolean =>
  resource.resourceType === 'Device'
    ? resource.status === 'inactive'
    : 'active' in resource && resource.active === false;

export const phoneOf = (telecom: readonly ContactPoint[] | undefined): string =>
  telecom?.find((one) => one.system === 'phone')?.value ?? '';

export function withPhone(telecom: ContactPoint[] | undefined, phone: string): { telecom?: ContactPoint[] } {
  const first = telecom?.find((one) => one.system === 'phone');
  const kept = [
    ...(phone ? [{ use: 'work' as const, ...first, system: 'phone' as const, value: phone }] : []),
    ...(telecom ?? []).filter((one) => one !== first),
  ];
  return kept.length > 0 ? { telecom: kept } : {};
}

export const specialtyOf = (resource: { specialty?: CodeableConcept[] }): string =>
  resource.specialty?.flatMap(({ coding }) => coding ?? []).find(({ system }) => system === SPECIALTY)?.code ?? '';

export const specialtyConcept = (code: string): CodeableConcept => {
  const name = called(SPECIALTIES, code, 'zh');
  return { coding: [{ system: SPECIALTY, code, ...(name ? { display: name } : {}) }], ...(name ? { text: name } : {}) };
};

// --- institutions

export const tierOf = (one: Organization): string => {
  const said = saidIn(one, TIER);
  return said?.valueCoding?.code ?? said?.valueCode ?? '';
};

export const levelOf = (one: Organization): string => one.type?.find(({ coding }) => !coding)?.text ?? '';

export const addressOf = (address: Address | undefined): string =>
  address?.text ?? [address?.city, address?.district, ...(address?.line ?? [])].filter(Boolean).join('');

const liaisonIn = (one: Organization) =>
  one.contact?.find(({ purpose }) =>
    purpose?.coding?.some(({ system, code }) => system === CONTACT && code === 'ADMIN'),
  );

export interface InstitutionFields {
  name: string;
  short?: string;
  code: string;
  tier: string;
  level?: string;
  above?: string;
  scope?: string;
  district?: string;
  address?: string;
  phone?: string;
  liaison?: string;
  hotline?: string;
  latitude?: string;
  longitude?: string;
}

export function institutionFields(one: Organization, site: Location | undefined): InstitutionFields {
  const liaison = liaisonIn(one);
  return {
    name: one.name ?? '',
    short: one.alias?.[0] ?? '',
    code: identified(one, INSTITUTION_NO),
    tier: tierOf(one),
    level: levelOf(one) || LEVELS[LEVELS.length - 1] || '',
    above: one.partOf?.reference ?? '',
    scope: saidIn(one, SCOPE)?.valueString ?? '',
    district: one.address?.[0]?.district ?? '',
    address: addressOf(one.address?.[0]),
    phone: phoneOf(one.telecom),
    liaison: liaison?.name?.text ?? '',
    hotline: phoneOf(liaison?.telecom),
    latitude: String(site?.position?.latitude ?? ''),
    longitude: String(site?.position?.longitude ?? ''),
  };
}

export function withInstitution(
  one: Organization,
  fields: InstitutionFields,
  tierName: string,
  above: string,
): Organization {
  const { telecom, address, contact, partOf, alias, ...rest } = one;
  const [first, ...others] = address ?? [];
  const text = fields.address?.trim() ?? '';
  const district = fields.district?.trim() ?? '';
  const same = addressOf(first) === text && (first?.district ?? '') === district;
  const spoken = liaisonIn(one);
  const name = fields.liaison?.trim() ?? '';
  const hotline = fields.hotline?.trim() ?? '';
  const contacts = [
    ...(contact ?? []).filter((each) => each !== spoken),
    ...(name || hotline
      ? [
          {
            ...spoken,
            purpose: { coding: [{ system: CONTACT, code: 'ADMIN' }] },
            ...(name ? { name: { text: name } } : {}),
            ...(hotline ? { telecom: [{ system: 'phone' as const, value: hotline, use: 'work' as const }] } : {}),
          },
        ]
      : []),
  ];
  const short = fields.short?.trim() ?? '';
  const level = fields.level ?? '';
  const kinds = (one.type ?? []).filter(({ coding }) => coding);
  const addresses = same
    ? (address ?? [])
    : text || district
      ? [{ use: 'work' as const, text: text || fields.name, ...(district ? { district } : {}) }, ...others]
      : others;
  const made: Organization = {
    ...rest,
    name: fields.name.trim(),
    identifier: withIdentifier(one.identifier, INSTITUTION_NO, fields.code.trim()),
    type: [...(kinds.length > 0 ? kinds : [PROVIDER]), ...(level ? [{ text: level }] : [])],
    ...(short ? { alias: [short, ...(alias ?? []).slice(1)] } : {}),
    ...(addresses.length > 0 ? { address: addresses } : {}),
    ...withPhone(telecom, fields.phone?.trim() ?? ''),
    ...(contacts.length > 0 ? { contact: contacts } : {}),
    ...(fields.above
      ? {
          partOf:
            fields.above === partOf?.reference
              ? partOf
              : { reference: fields.above, ...(above ? { display: above } : {}) },
        }
      : {}),
  };
  const scope = fields.scope?.trim() ?? '';
  return extended(
    extended(made, TIER, { url: TIER, valueCoding: { system: TIER_CODES, code: fields.tier, display: tierName } }),
    SCOPE,
    scope ? { url: SCOPE, valueString: scope } : undefined,
  );
}

export const withSite = (site: Location | undefined, fields: InstitutionFields, owner: Reference): Location => ({
  ...(site ?? { resourceType: 'Location', mode: 'instance' }),
  status: 'active',
  name: fields.name.trim(),
  type: site?.type ?? [fields.tier === 'village' || fields.tier === 'township' ? CLINIC : HOSPITAL],
  position: { ...site?.position, latitude: Number(fields.latitude), longitude: Number(fields.longitude) },
  managingOrganization: owner,
});

/** Not used any more since `day`, or used again ("" ). */
export const withEnd = <T extends Organization | HealthcareService>(one: T, day: string): T =>
  extended({ ...one, active: day === '' }, ENDED, day ? { url: ENDED, valueDate: day } : undefined);

// --- people and their posts

export const nameOf = (one: Practitioner | undefined): string =>
  one?.name?.[0]?.text ?? `${one?.name?.[0]?.family ?? ''}${one?.name?.[0]?.given?.join('') ?? ''}`;

export const titleOf = (one: Practitioner): string => one.qualification?.[0]?.code.text ?? '';

export const postOf = (role: PractitionerRole): string =>
  role.code?.flatMap(({ coding }) => coding ?? []).find(({ system }) => system === ROLE)?.code ?? '';

const partOfPosition = (role: PractitionerRole, url: string): Extension | undefined =>
  saidIn(role, POSITION)?.extension?.find((part) => part.url === url);

export const positionOf = (role: PractitionerRole): string => partOfPosition(role, 'kind')?.valueCode ?? '';
export const employerOf = (role: PractitionerRole): Reference | undefined =>
  partOfPosition(role, 'employer')?.valueReference;

export interface PostFields {
  where: string;
  post: string;
  specialty?: string;
  position: string;
  employer?: string;
  start?: string;
  end?: string;
}

export const postFields = (role: PractitionerRole): PostFields => ({
  where: role.organization?.reference ?? '',
  post: postOf(role),
  specialty: specialtyOf(role),
  position: positionOf(role) || 'main',
  employer: employerOf(role)?.reference ?? '',
  start: role.period?.start?.slice(0, 10) ?? '',
  end: role.period?.end?.slice(0, 10) ?? '',
});

interface Named {
  where: string;
  employer: string;
  post: string;
}

export function withPost(role: PractitionerRole, fields: PostFields, names: Named): PractitionerRole {
  const { period: _, specialty, ...rest } = role;
  const concept = { coding: [{ system: ROLE, code: fields.post, display: names.post }], text: names.post };
  const others = (role.code ?? []).filter(({ coding }) => !coding?.some(({ system }) => system === ROLE));
  const more = (role.code ?? [])
    .filter(({ coding }) => coding?.some(({ system }) => system === ROLE))
    .slice(1)
    .filter(({ coding }) => !coding?.some(({ code }) => code === fields.post));
  const period = { ...(fields.start ? { start: fields.start } : {}), ...(fields.end ? { end: fields.end } : {}) };
  const made: PractitionerRole = {
    ...rest,
    active: true,
    organization:
      fields.where === role.organization?.reference
        ? role.organization
        : { reference: fields.where, ...(names.where ? { display: names.where } : {}) },
    code: [concept, ...more, ...others],
    ...(fields.specialty
      ? {
          specialty:
            specialtyOf(role) === fields.specialty && specialty ? specialty : [specialtyConcept(fields.specialty)],
        }
      : {}),
    ...(fields.start || fields.end ? { period } : {}),
  };
  return extended(made, POSITION, {
    url: POSITION,
    extension: [
      { url: 'kind', valueCode: fields.position },
      ...(fields.employer
        ? [
            {
              url: 'employer',
              valueReference: { reference: fields.employer, ...(names.employer ? { display: names.employer } : {}) },
            },
          ]
        : []),
    ],
  });
}

/** Whether a post holds on this day ("2026-11-23"). */
export const holdsOn = (role: PractitionerRole, day: string): boolean =>
  role.active !== false &&
  (role.period?.start ?? '').slice(0, 10) <= day &&
  (role.period?.end === undefined || role.period.end.slice(0, 10) >= day);

/** The kind of form a resource is kept with. */
export const addressOfForm = (kind: Kind, one: { id?: string }): string => `/directory/keep/${kind}/${one.id ?? ''}`;
