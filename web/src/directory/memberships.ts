import type { Organization, OrganizationAffiliation } from 'fhir/r4';
import { create, search } from '../client/client';
import { type Reading, useReading } from '../page/reading';

/** 医联体 and who belongs to them: OrganizationAffiliations. To leave is to end the period; what was stays to be seen. */

const BASE = 'https://yilian.example/fhir/';
export const FORM = `${BASE}CodeSystem/consortium-form`;
export const BOND = `${BASE}CodeSystem/consortium-bond`;
export const ROLE = `${BASE}CodeSystem/consortium-role`;
export const LIAISON = `${BASE}StructureDefinition/affiliation-liaison`;
export const AGREEMENT = `${BASE}StructureDefinition/affiliation-agreement`;
export const BONDS = ['tight', 'loose', 'trusteeship', 'collaboration', 'merger', 'hospital-run'] as const;

const MOST = 500;

export const codeOf = (affiliation: OrganizationAffiliation, system: string): string =>
  affiliation.code?.flatMap((one) => one.coding ?? []).find((coding) => coding.system === system)?.code ?? '';

export const said = (affiliation: OrganizationAffiliation, url: string): string =>
  affiliation.extension?.find((one) => one.url === url)?.valueString ?? '';

/** Whether it holds on this day ("2026-11-23"). */
export const holds = ({ period, active }: OrganizationAffiliation, day: string): boolean =>
  active !== false || period?.end !== undefined
    ? (period?.start ?? '').slice(0, 10) <= day && (period?.end === undefined || period.end.slice(0, 10) >= day)
    : false;

export const useConsortia = (): Reading<readonly Organization[]> =>
  useReading(
    ['consortia'],
    async (signal) =>
      (await search<Organization>('Organization', { type: `${FORM}|`, _count: 100, _sort: '_id' }, signal)).matches,
    { staleTime: 60_000 },
  );

export const useMembers = (consortium: string): Reading<readonly OrganizationAffiliation[]> =>
  useReading(
    ['consortia', 'members', consortium],
    async (signal) =>
      (
        await search<OrganizationAffiliation>(
          'OrganizationAffiliation',
          { 'primary-organization': `Organization/${consortium}`, _count: MOST },
          signal,
        )
      ).matches,
    { enabled: consortium !== '' },
  );

export const useMemberships = (institution: string): Reading<readonly OrganizationAffiliation[]> =>
  useReading(
    ['consortia', 'of', institution],
    async (signal) =>
      (
        await search<OrganizationAffiliation>(
          'OrganizationAffiliation',
          { 'participating-organization': `Organization/${institution}`, _count: MOST },
          signal,
        )
      ).matches,
  );

/** The lead first, then members, those who left last. */
export function inOrder(members: readonly OrganizationAffiliation[], day: string): OrganizationAffiliation[] {
  const rank = (one: OrganizationAffiliation) => (holds(one, day) ? (codeOf(one, ROLE) === 'lead' ? 0 : 1) : 2);
  return [...members].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.participatingOrganization?.display ?? '').localeCompare(b.participatingOrganization?.display ?? '', 'zh-Hans'),
  );
}

export interface Joining {
  readonly member: { reference: string; display: string };
  readonly start: string;
  readonly bond: string;
  readonly bondName: string;
  readonly lead: boolean;
  readonly roleName: string;
  readonly liaison: string;
  readonly phone: string;
  readonly agreement: string;
}

export const join = (consortium: Organization, joining: Joining): Promise<OrganizationAffiliation> =>
  create<OrganizationAffiliation>({
    resourceType: 'OrganizationAffiliation',
    active: true,
    period: { start: joining.start },
    organization: { reference: `Organization/${consortium.id ?? ''}`, display: consortium.name ?? '' },
    participatingOrganization: joining.member,
    code: [
      {
        coding: [{ system: ROLE, code: joining.lead ? 'lead' : 'member', display: joining.roleName }],
        text: joining.roleName,
      },
      ...(joining.lead
        ? []
        : [{ coding: [{ system: BOND, code: joining.bond, display: joining.bondName }], text: joining.bondName }]),
    ],
    ...(joining.phone ? { telecom: [{ system: 'phone' as const, value: joining.phone, use: 'work' as const }] } : {}),
    ...(joining.liaison || joining.agreement
      ? {
          extension: [
            ...(joining.liaison ? [{ url: LIAISON, valueString: joining.liaison }] : []),
            ...(joining.agreement ? [{ url: AGREEMENT, valueString: joining.agreement }] : []),
          ],
        }
      : {}),
  });
