import type {
  Binary,
  Bundle,
  Contract,
  DocumentReference,
  OrganizationAffiliation,
  Parameters,
  ParametersParameter,
  Provenance,
  Resource,
  Task,
} from 'fhir/r4';
import { has, type Person } from '../../access/person';
import { ask, operate, pageOf } from '../../client/client';
import { type Reading, useReading } from '../../page/reading';
import { base64Of } from '../importing';
import { holds } from '../memberships';

/** What a consortium is run with: agreements, papers, notices to rectify, and by which resolution a membership ended. */

const BASE = 'https://yilian.example/fhir/';
export const PAPER = `${BASE}CodeSystem/consortium-paper`;
export const KINDS = ['resolution', 'rule', 'annual-plan', 'agreement'] as const;
export const PAGE = 20;
const MOST = 200;

/** Who reads the papers: those at work at a member today, and administrators. */
export function readsPapers(person: Person, members: readonly OrganizationAffiliation[], day: string): boolean {
  if (has(person, 'admin')) return true;
  return members.some(
    (one) => one.participatingOrganization?.reference === person.institution?.reference && holds(one, day),
  );
}

/** Who keeps them: of these, the consortium office and administrators. */
export const keepsPapers = (person: Person, members: readonly OrganizationAffiliation[], day: string): boolean =>
  has(person, 'office', 'admin') && readsPapers(person, members, day);

export interface Listed<T> {
  readonly matches: readonly T[];
  readonly total: number;
}

async function listed<T extends Resource>(path: string, params: Record<string, string | number>, signal: AbortSignal) {
  const page = pageOf<never>(await ask<Bundle>(path, params, signal));
  return { matches: page.matches as unknown as readonly T[], total: page.total ?? page.matches.length } as Listed<T>;
}

export const useAgreements = (of: string, state: string, page: number): Reading<Listed<Contract>> =>
  useReading(['consortia', 'agreements', of, state, page], (signal) =>
    listed<Contract>(`Organization/${of}/$agreements`, { state, _count: PAGE, _offset: (page - 1) * PAGE }, signal),
  );

export const usePapers = (of: string, kind: string, year: string, page: number): Reading<Listed<DocumentReference>> =>
  useReading(['consortia', 'papers', of, kind, year, page], (signal) =>
    listed<DocumentReference>(
      `Organization/${of}/$papers`,
      { kind, year, _count: PAGE, _offset: (page - 1) * PAGE },
      signal,
    ),
  );

/** To choose from: the papers of one kind that are in force. */
export const usePapersOf = (of: string, kind: string): Reading<readonly DocumentReference[]> =>
  useReading(['consortia', 'papers', of, kind, 'all'], async (signal) =>
    (await listed<DocumentReference>(`Organization/${of}/$papers`, { kind, _count: MOST }, signal)).matches.filter(
      (one) => one.status === 'current',
    ),
  );

export const useNotices = (of: string, enabled: boolean): Reading<readonly Task[]> =>
  useReading(
    ['consortia', 'notices', of],
    async (signal) => (await listed<Task>(`Organization/${of}/$rectifications`, {}, signal)).matches,
    { enabled },
  );

export const useEndings = (of: string, enabled: boolean): Reading<readonly Provenance[]> =>
  useReading(
    ['consortia', 'endings', of],
    async (signal) => (await listed<Provenance>(`Organization/${of}/$endings`, {}, signal)).matches,
    { enabled },
  );

const called = (parameter: ParametersParameter[]): Parameters => ({ resourceType: 'Parameters', parameter });
const words = (given: Readonly<Record<string, string>>): Parameters =>
  called(
    Object.entries(given)
      .filter(([, value]) => value.trim() !== '')
      .map(([name, value]) => ({ name, valueString: value.trim() })),
  );

export const keepAgreement = (of: string, agreement: Contract): Promise<Contract> =>
  operate<Contract>(
    `Organization/${of}/$keep-agreement`,
    called([{ name: 'agreement', resource: agreement }]),
    agreement.meta?.versionId,
  );

export async function keepPaper(of: string, paper: DocumentReference, file: File | null): Promise<DocumentReference> {
  const content: Binary[] = file
    ? [
        {
          resourceType: 'Binary',
          contentType: file.type || 'application/octet-stream',
          data: base64Of(await file.arrayBuffer()),
        },
      ]
    : [];
  return operate<DocumentReference>(
    `Organization/${of}/$keep-paper`,
    called([{ name: 'paper', resource: paper }, ...content.map((resource) => ({ name: 'file', resource }))]),
    paper.meta?.versionId,
  );
}

/** The file as it is stored; null while it is being checked. */
export async function fileOf(of: string, paper: string): Promise<Blob | null> {
  const binary = await ask<Binary>(`Organization/${of}/$paper-file`, { paper });
  if (!binary.data) return null;
  const bytes = Uint8Array.from(atob(binary.data), (one) => one.charCodeAt(0));
  return new Blob([bytes], { type: binary.contentType });
}

export const endMembership = (
  membership: OrganizationAffiliation,
  given: { end: string; resolution: string; reason: string },
): Promise<OrganizationAffiliation> =>
  operate<OrganizationAffiliation>(
    `OrganizationAffiliation/${membership.id ?? ''}/$end-membership`,
    words(given),
    membership.meta?.versionId,
  );

export const rectify = (
  membership: OrganizationAffiliation,
  given: { reason: string; until: string; resolution: string },
): Promise<Task> => operate<Task>(`OrganizationAffiliation/${membership.id ?? ''}/$rectify`, words(given));

export const rectified = (membership: OrganizationAffiliation, note: string): Promise<Task> =>
  operate<Task>(`OrganizationAffiliation/${membership.id ?? ''}/$rectified`, words({ note }));

export const kindOf = (paper: DocumentReference): string =>
  paper.type?.coding?.find((one) => one.system === PAPER)?.code ?? '';

export const dayOf = (paper: DocumentReference): string => paper.context?.period?.start?.slice(0, 10) ?? '';

export type AgreementState = 'draft' | 'in-force' | 'ending' | 'terminated' | 'ended';
const SOON_DAYS = 60;

/** How an agreement stands on this day ("2026-11-23"). */
export function stateOf({ status, applies }: Contract, day: string): AgreementState {
  if (status === 'negotiable') return 'draft';
  const end = applies?.end?.slice(0, 10) ?? '';
  if (end && end < day) return status === 'terminated' ? 'terminated' : 'ended';
  const left = end ? (Date.parse(end) - Date.parse(day)) / 86_400_000 : Number.POSITIVE_INFINITY;
  return left <= SOON_DAYS ? 'ending' : 'in-force';
}

/** The notice to this member that is not closed. */
export const openNotice = (notices: readonly Task[], membership: OrganizationAffiliation): Task | undefined =>
  notices.find(
    (one) => one.status === 'requested' && one.focus?.reference === `OrganizationAffiliation/${membership.id ?? ''}`,
  );

/** On what the end of this membership rests. */
export const endingOf = (endings: readonly Provenance[], membership: OrganizationAffiliation): Provenance | undefined =>
  endings.find((one) =>
    one.target.some((target) =>
      target.reference?.startsWith(`OrganizationAffiliation/${membership.id ?? ''}/_history/`),
    ),
  );
