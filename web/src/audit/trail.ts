import type { AuditEvent, Reference } from 'fhir/r4';
import { dateTime, day } from '../fhir/dates';
import type { Key, Translate } from '../locale/locale';

/** Ways into an AuditEvent of this server (`audit/balp.py`): who did what with whose record, and on what ground. */

const BASE = 'https://yilian.example/fhir/';
const GROUND = `${BASE}StructureDefinition/access-ground`;
const COUNT = `${BASE}StructureDefinition/event-count`;
const OPERATION = `${BASE}CodeSystem/operation`;
const PERSON = '1';
const QUERY = '24';
const ENTITY_ROLE = 'http://terminology.hl7.org/CodeSystem/object-role';

export const GROUNDS = [
  'self',
  'guardian',
  'encounter',
  'registered',
  'visit',
  'contract',
  'referral',
  'consultation',
  'consent',
  'public-health',
  'emergency',
  'region',
] as const;

export function groundOf(event: AuditEvent): string {
  const parts = event.extension?.find((one) => one.url === GROUND)?.extension;
  return parts?.find((part) => part.url === 'kind')?.valueCode ?? '';
}

/** How many events a line of the access log stands for; 1 for a single event. */
export function timesOf(event: AuditEvent): number {
  return event.extension?.find((one) => one.url === COUNT)?.valuePositiveInt ?? 1;
}

export interface Agent {
  name: string;
  account: string;
  roles: string[];
  /** A program that asks for itself. */
  system: boolean;
}

export function agentOf(event: AuditEvent): Agent {
  const one = event.agent.find((agent) => agent.requestor);
  return {
    name: one?.name ?? one?.who?.display ?? '',
    account: one?.altId ?? '',
    roles: (one?.role ?? []).flatMap((role) => role.coding?.[0]?.code ?? []),
    system: one?.role === undefined,
  };
}

export function houseOf(event: AuditEvent): Reference | undefined {
  return event.agent.find((agent) => agent.who?.reference?.startsWith('Organization/'))?.who;
}

export function addressOf(event: AuditEvent): string {
  return event.agent.find((agent) => agent.network?.type === '2')?.network?.address ?? '';
}

/** The patient concerned: a name where one may know it. */
export function patientOf(event: AuditEvent): { id: string; name: string } | null {
  const one = event.entity?.find((entity) => entity.type?.code === PERSON);
  const id = one?.what?.reference?.replace(/^Patient\//, '');
  return id ? { id, name: one?.name ?? '' } : null;
}

/** Types of what was read or written, each once. */
export function kindsOf(event: AuditEvent): string[] {
  const named = (event.entity ?? [])
    .filter(
      (entity) => entity.type?.code !== PERSON && entity.role?.system === ENTITY_ROLE && entity.role.code !== QUERY,
    )
    .map((entity) => entity.what?.reference?.split('/')[0] ?? entity.type?.code ?? '');
  return [...new Set(named.filter(Boolean))];
}

export function queryOf(event: AuditEvent): string {
  const coded = event.entity?.find((entity) => entity.query)?.query;
  if (!coded) return '';
  const bytes = Uint8Array.from(atob(coded), (letter) => letter.charCodeAt(0));
  const text = new TextDecoder().decode(bytes);
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** "09:12" or "09:12–10:40": when on that day. */
export function clockOf(event: AuditEvent): string {
  const start = dateTime(event.period?.start ?? event.recorded).slice(11);
  const end = dateTime(event.period?.end ?? event.recorded).slice(11);
  return start === end ? start : `${start}–${end}`;
}

export type Did =
  | 'read'
  | 'print'
  | 'export'
  | 'create'
  | 'update'
  | 'delete'
  | 'sign-in'
  | 'sign-out'
  | 'log'
  | 'malware'
  | 'other';

/** What was done, in the words of the pages. */
export function didOf(event: AuditEvent): Did {
  const operation = event.subtype?.find((one) => one.system === OPERATION)?.code ?? '';
  const subtype = event.subtype?.[0]?.code ?? '';
  if (operation === 'slip') return 'print';
  if (operation === 'export') return 'export';
  if (operation === 'access-log') return 'log';
  if (operation === 'malware-found') return 'malware';
  if (subtype === '110122') return 'sign-in';
  if (subtype === '110123') return 'sign-out';
  if (event.action === 'C') return 'create';
  if (event.action === 'U') return 'update';
  if (event.action === 'D') return 'delete';
  return event.type.code === 'rest' ? 'read' : 'other';
}

const KINDS = new Set([
  'Encounter', 'Condition', 'Observation', 'DiagnosticReport', 'MedicationRequest', 'Procedure', 'Immunization', 'CarePlan',
  'AllergyIntolerance', 'ServiceRequest', 'ImagingStudy', 'DocumentReference',
]); // biome-ignore format: a list of words

/** "检验与体征、报告": what it was about, each kind once. */
export function kindsText(event: AuditEvent, t: Translate): string {
  const words = kindsOf(event).map((kind) => {
    if (kind === 'Patient') return t('trail.kind.Patient');
    if (kind === 'Task') return t('timeline.kind.ServiceRequest');
    return t((KINDS.has(kind) ? `timeline.kind.${kind}` : 'trail.kind.other') as Key);
  });
  const other = t('trail.kind.other');
  const distinct = [...new Set(words)];
  return [...distinct.filter((word) => word !== other), ...distinct.filter((word) => word === other)].join(
    t('list.separator'),
  );
}

export function groundText(event: AuditEvent, t: Translate): string {
  const ground = groundOf(event);
  if (!ground) return '';
  const known = (GROUNDS as readonly string[]).includes(ground);
  return t((known ? `trail.ground.${ground}` : 'trail.ground.unknown') as Key);
}

/** Lines under the day they happened on, in the order given. */
export function byDay(events: readonly AuditEvent[]): { day: string; events: AuditEvent[] }[] {
  const days: { day: string; events: AuditEvent[] }[] = [];
  for (const event of events) {
    const on = day(event.recorded);
    const last = days.at(-1);
    if (last?.day === on) last.events.push(event);
    else days.push({ day: on, events: [event] });
  }
  return days;
}
