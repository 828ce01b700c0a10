import type { HealthcareService, Organization } from 'fhir/r4';
import { read, search } from '../client/client';
import { isOutside } from '../outside/outside';
import { mapReading, type Reading, useReading } from '../page/reading';
import type { Direction } from './codes/reasons';
import { SPECIALTY, TIER } from './systems';

/** Who can be sent a patient for a specialty: institutions that offer it and stand where the direction leads. The server has the last word. */

export interface Receiver {
  readonly reference: string;
  readonly name: string;
  readonly alias: readonly string[];
  readonly tier: string;
  /** 三级甲等, empty where not graded. */
  readonly grade: string;
  readonly district: string;
  readonly address: string;
  readonly phone: string;
  readonly service: string;
  /** Not on the platform: it answers by a link. */
  readonly outside: boolean;
}

/** From the village up, as `directory/tiers.py` ranks them. A village post is no receiver of its own: its centre is. */
const RANKS = ['village', 'township', 'county', 'city', 'province', 'national'] as const;
export type Tier = (typeof RANKS)[number];

export const tierOf = (organization: Organization): string => {
  const found = organization.extension?.find((extension) => extension.url === TIER);
  return found?.valueCoding?.code ?? found?.valueCode ?? '';
};

const rank = (tier: string): number => RANKS.indexOf(tier as Tier);

export function stands(direction: Direction | '', own: string, other: string): boolean {
  const here = rank(own);
  const there = rank(other);
  if (there < 1) return false;
  if (here < 0) return true;
  if (direction === 'up') return there >= here;
  if (direction === 'down') return there < here;
  return direction === 'lateral' ? there === here : true;
}

/** Nearest tier first, as patients are to be referred step by step, those of equal tier last; the own district before others (就近). */
export interface Place {
  readonly tier: string;
  /** 县区, empty when unknown. */
  readonly district: string;
}

export function inOrder(
  receivers: readonly Receiver[],
  direction: Direction | '',
  own: Place,
  origin: string,
): Receiver[] {
  const distance = (one: Receiver) => Math.abs(rank(one.tier) - rank(own.tier)) || RANKS.length;
  const isNear = (one: Receiver) => own.district !== '' && one.district === own.district;
  return receivers
    .filter((one) => one.reference === origin || stands(direction, own.tier, one.tier))
    .sort(
      (a, b) =>
        Number(b.reference === origin) - Number(a.reference === origin) ||
        distance(a) - distance(b) ||
        Number(isNear(b)) - Number(isNear(a)) ||
        a.name.localeCompare(b.name, 'zh-Hans'),
    );
}

export function receiver(organization: Organization, service: HealthcareService | undefined): Receiver {
  const address = organization.address?.[0];
  const gradeWords = (organization.type ?? []).flatMap((type) => (type.coding?.length ? [] : (type.text ?? [])));
  return {
    reference: `Organization/${organization.id ?? ''}`,
    name: organization.name ?? '',
    alias: organization.alias ?? [],
    tier: tierOf(organization),
    grade: gradeWords[0] ?? '',
    district: address?.district ?? '',
    address:
      address?.text ??
      [address?.state, address?.city, address?.district, ...(address?.line ?? [])].filter(Boolean).join(''),
    phone: service?.telecom?.[0]?.value ?? organization.telecom?.find((point) => point.system === 'phone')?.value ?? '',
    service: service?.name ?? '',
    outside: isOutside(organization),
  };
}

const MOST = 100;

/** `named`: only institutions whose name, pinyin or initials begin so; asked of the server. */
export function useReceivers(specialty: string, named = ''): Reading<readonly Receiver[]> {
  const reading = useReading(
    ['receivers', specialty, named],
    (signal) =>
      search<HealthcareService>(
        'HealthcareService',
        {
          specialty: `${SPECIALTY}|${specialty}`,
          active: 'true',
          'organization.name': named || undefined,
          _include: 'HealthcareService:organization',
          _count: MOST,
        },
        signal,
      ),
    { enabled: specialty !== '', staleTime: 5 * 60_000 },
  );
  return mapReading(reading, (page) => {
    const services = new Map(page.matches.map((service) => [service.providedBy?.reference ?? '', service]));
    return [...page.included.values()]
      .filter((resource): resource is Organization => resource.resourceType === 'Organization')
      .map((organization) => receiver(organization, services.get(`Organization/${organization.id ?? ''}`)));
  });
}

/** What is shown of those found: part of a Chinese name is looked for here, letters were asked of the server. */
export const namedSo = (one: Receiver, typed: string): boolean =>
  [one.name, ...one.alias].some((name) => name.toLowerCase().includes(typed.trim().toLowerCase()));

/** Where an institution stands, to find who is near it. */
export function useDistrict(institution: string): string {
  const id = institution.replace(/^Organization\//, '');
  const reading = useReading(['organization', id], (signal) => read<Organization>('Organization', id, signal), {
    enabled: id !== '',
    staleTime: 30 * 60_000,
  });
  return reading.state === 'here' ? (reading.value.address?.[0]?.district ?? '') : '';
}
