import type { Bundle, Encounter, OperationOutcome, Parameters, ParametersParameter, Patient } from 'fhir/r4';
import { ask, operate, search } from '../client/client';
import { HEALTH_CARD, HEALTH_FILE, RESIDENT_ID } from '../fhir/patient';
import type { Entry } from './entry';

/** Who may be meant by what was typed: those whose records this institution may open, and those it may only recognise. */
export interface Candidate {
  patient: Patient;
  /** match-grade, as the server says it; empty for somebody found by a number of our own. */
  grade: string;
  /** There is a ground: the whole resource came back. */
  ours: boolean;
}

export interface Found {
  candidates: readonly Candidate[];
  /** So many share what was typed that nobody was compared. */
  tooCommon: boolean;
}

const GRADE = 'http://hl7.org/fhir/StructureDefinition/match-grade';

export const isWhole = (patient: Patient): boolean => !patient.meta?.tag?.some((tag) => tag.code === 'SUBSETTED');

/** Patient/$match: who in the region may be this person, the likeliest first. */
export async function matching(patient: Patient, count = 10): Promise<Found> {
  const bundle = await operate<Bundle>('Patient/$match', {
    resourceType: 'Parameters',
    parameter: [
      { name: 'resource', resource: patient },
      { name: 'count', valueInteger: count },
    ],
  });
  const entries = bundle.entry ?? [];
  const candidates = entries.flatMap((entry) => {
    const found = entry.resource as Patient | OperationOutcome | undefined;
    if (found?.resourceType !== 'Patient') return [];
    const grade = entry.search?.extension?.find((extension) => extension.url === GRADE)?.valueCode ?? '';
    return [{ patient: found, grade, ours: isWhole(found) }];
  });
  return { candidates, tooCommon: entries.some((entry) => entry.search?.mode === 'outcome') };
}

/** By a number: first exactly, among those we may open; then by matching in the region. */
export async function find(entry: Exclude<Entry, { kind: 'card' | 'short' }>, signal?: AbortSignal): Promise<Found> {
  if (entry.kind === 'person') {
    return matching({ resourceType: 'Patient', name: [{ text: entry.name }], birthDate: entry.birthDate });
  }
  const own = entry.kind === 'visit' ? await byVisit(entry.number, signal) : await byNumber(entry, signal);
  if (own.length > 0 || entry.kind === 'visit') {
    return { candidates: own.map((patient) => ({ patient, grade: '', ours: true })), tooCommon: false };
  }
  return matching({
    resourceType: 'Patient',
    identifier: systemsOf(entry).map((system) => ({ system, value: entry.number })),
  });
}

/** What a number may be: a health file has 17 digits, a health card any. */
const systemsOf = (entry: { kind: string; number: string }): readonly string[] =>
  entry.kind === 'resident-id'
    ? [RESIDENT_ID]
    : /^\d{17}$/.test(entry.number)
      ? [HEALTH_FILE, HEALTH_CARD]
      : [HEALTH_CARD];

async function byNumber(entry: { kind: string; number: string }, signal?: AbortSignal): Promise<readonly Patient[]> {
  const identifier = entry.kind === 'resident-id' ? `${RESIDENT_ID}|${entry.number}` : entry.number;
  return (await search<Patient>('Patient', { identifier, _count: 10 }, signal)).matches;
}

async function byVisit(number: string, signal?: AbortSignal): Promise<readonly Patient[]> {
  const page = await search<Encounter>(
    'Encounter',
    { identifier: number, _include: 'Encounter:patient', _count: 10 },
    signal,
  );
  return [...page.included.values()].filter((one): one is Patient => one.resourceType === 'Patient');
}

/** One referral by which somebody comes. */
export interface Coming {
  number: string;
  task: string;
  state: string;
  priority: string;
  department: string;
  from: string;
  submitted: string;
}

/** Who stands there (`Patient/{id}/$desk`). */
export interface AtDesk {
  patient: Patient;
  visits: readonly Encounter[];
  coming: readonly Coming[];
}

export async function atDesk(id: string, signal?: AbortSignal): Promise<AtDesk> {
  const parts = (await ask<Parameters>(`Patient/${encodeURIComponent(id)}/$desk`, {}, signal)).parameter ?? [];
  const named = (name: string) => parts.filter((part) => part.name === name);
  return {
    patient: named('patient')[0]?.resource as Patient,
    visits: named('visit').map((part) => part.resource as Encounter),
    coming: named('referral').map((part) => comingOf(part.part ?? [])),
  };
}

function comingOf(parts: readonly ParametersParameter[]): Coming {
  const of = (name: string) => parts.find((part) => part.name === name);
  return {
    number: of('number')?.valueString ?? '',
    task: of('task')?.valueReference?.reference ?? '',
    state: of('state')?.valueCoding?.code ?? '',
    priority: of('priority')?.valueCode ?? '',
    department: of('specialty')?.valueCoding?.display?.replace(/专业$/, '') ?? '',
    from: of('from')?.valueString ?? '',
    submitted: of('submitted')?.valueInstant ?? '',
  };
}

/** A health card was scanned: whose it is, and until when the record is open to us by it. */
export async function scanCard(code: string): Promise<{ id: string; until: string }> {
  const answer = await operate('Patient/$scan-card', {
    resourceType: 'Parameters',
    parameter: [{ name: 'code', valueString: code }],
  });
  const part = (name: string) => answer.parameter?.find((one) => one.name === name);
  return { id: part('patient')?.resource?.id ?? '', until: part('until')?.valueInstant ?? '' };
}

export interface NewVisit {
  kind: 'outpatient' | 'emergency' | 'inpatient';
  status: 'arrived' | 'planned';
  specialty: string;
}

export function registerVisit(id: string, visit: NewVisit): Promise<Encounter> {
  return operate<Encounter>(`Patient/${id}/$register-visit`, {
    resourceType: 'Parameters',
    parameter: Object.entries(visit)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => ({ name, valueCode: value })),
  });
}

export function arrive(visit: Encounter): Promise<Encounter> {
  return operate<Encounter>(
    `Encounter/${visit.id ?? ''}/$arrive`,
    { resourceType: 'Parameters' },
    visit.meta?.versionId,
  );
}

export function registerPatient(patient: Patient, reason: string): Promise<Patient> {
  return operate<Patient>('Patient/$register', {
    resourceType: 'Parameters',
    parameter: [{ name: 'patient', resource: patient }, ...(reason ? [{ name: 'reason', valueString: reason }] : [])],
  });
}
