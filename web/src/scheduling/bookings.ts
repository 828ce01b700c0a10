import type { Appointment, Bundle, Parameters, ParametersParameter } from 'fhir/r4';
import { ask, operate } from '../client/client';

/** What the pages of booking ask the server, and its answers as plain objects (docs/reference/attendance.md). */

type Parts = readonly ParametersParameter[];

const named = (parts: Parts | undefined, name: string): ParametersParameter | undefined =>
  parts?.find((part) => part.name === name);
const text = (parts: Parts, name: string): string => {
  const found = named(parts, name);
  return found?.valueString ?? found?.valueCode ?? found?.valueInstant ?? found?.valueDate ?? '';
};
const count = (parts: Parts, name: string): number => named(parts, name)?.valueInteger ?? 0;
const flag = (parts: Parts, name: string): boolean => named(parts, name)?.valueBoolean ?? false;
const reference = (parts: Parts, name: string): string => named(parts, name)?.valueReference?.reference ?? '';
const many = (parameters: { parameter?: ParametersParameter[] }, name: string): Parts[] =>
  (parameters.parameter ?? []).filter((one) => one.name === name).map((one) => one.part ?? []);

export const POOLS = ['grassroots', 'family-doctor', 'follow-up', 'on-site', 'emergency'] as const;
export type Pool = (typeof POOLS)[number];

export interface Institution {
  reference: string;
  name: string;
  tier: string;
  schedules: number;
}

/** Places of a schedule on a day, or of one slot. free: open to the asker now; left: free, opened or not. */
export interface Places {
  date: string;
  starts: string;
  ends: string;
  slot: string;
  places: number;
  free: number;
  left: number;
  held: number;
  taken: number;
  stopped: number;
  opens: string;
  pools: readonly (readonly [Pool, number])[];
}

export interface Line {
  schedule: string;
  kind: string;
  specialty: string;
  actor: string;
  title: string;
  days: readonly Places[];
}

export async function institutions(signal: AbortSignal): Promise<Institution[]> {
  const told = await ask<Parameters>('Schedule/$institutions', {}, signal);
  return many(told, 'institution').map((parts) => ({
    reference: reference(parts, 'organization'),
    name: named(parts, 'organization')?.valueReference?.display ?? '',
    tier: text(parts, 'tier'),
    schedules: count(parts, 'schedules'),
  }));
}

interface CalendarQuestion {
  organization: string;
  start: string;
  end: string;
  schedule?: string;
  patient?: string;
  slots?: boolean;
}

export async function calendar(question: CalendarQuestion, signal: AbortSignal): Promise<Line[]> {
  const told = await ask<Parameters>('Schedule/$calendar', { ...question }, signal);
  return many(told, 'schedule').map((parts) => ({
    schedule: reference(parts, 'schedule'),
    kind: text(parts, 'kind'),
    specialty: named(parts, 'specialty')?.valueCoding?.code ?? '',
    actor: text(parts, 'actor-name'),
    title: text(parts, 'title'),
    days: parts.filter((one) => one.name === 'day').map((one) => placesOf(one.part ?? [])),
  }));
}

function placesOf(parts: Parts): Places {
  return {
    date: text(parts, 'date'),
    starts: text(parts, 'starts'),
    ends: text(parts, 'ends'),
    slot: reference(parts, 'slot'),
    places: count(parts, 'places'),
    free: count(parts, 'free'),
    left: count(parts, 'left'),
    held: count(parts, 'held'),
    taken: count(parts, 'taken'),
    stopped: count(parts, 'stopped'),
    opens: text(parts, 'opens'),
    pools: POOLS.map((pool) => [pool, count(parts, `pool-${pool}`)] as const).filter(([, many]) => many > 0),
  };
}

export interface Booking {
  id: string;
  status: string;
  starts: string;
  ends: string;
  organization: string;
  organizationName: string;
  specialty: string;
  actor: string;
  heldUntil: string;
  cancelsUntil: string;
  lateIsMarked: boolean;
  number: number;
  before: number;
  queueState: string;
  mark: string;
  lifted: boolean;
  appeal: string;
  fromWait: boolean;
  /** Which course of visits it belongs to, "" for none; the how manyth of how many. */
  series: string;
  nth: number;
  of: number;
}

export interface Wait {
  id: string;
  status: string;
  organizationName: string;
  specialty: string;
  actor: string;
  start: string;
  end: string;
  before: number;
}

export interface Mine {
  bookings: Booking[];
  waits: Wait[];
  barred: { institution: string; until: string }[];
}

export async function mine(patient: string, signal: AbortSignal): Promise<Mine> {
  const told = await ask<Parameters>(`${patient}/$bookings`, {}, signal);
  return {
    bookings: many(told, 'booking').map(bookingOf),
    waits: many(told, 'wait').map((parts) => ({
      id: text(parts, 'id'),
      status: text(parts, 'status'),
      organizationName: named(parts, 'organization')?.valueReference?.display ?? '',
      specialty: named(parts, 'specialty')?.valueCoding?.code ?? '',
      actor: text(parts, 'actor-name'),
      start: text(parts, 'start'),
      end: text(parts, 'end'),
      before: count(parts, 'before'),
    })),
    barred: many(told, 'barred').map((parts) => ({
      institution: text(parts, 'institution'),
      until: text(parts, 'until'),
    })),
  };
}

function bookingOf(parts: Parts): Booking {
  return {
    id: text(parts, 'id'),
    status: text(parts, 'status'),
    starts: text(parts, 'starts'),
    ends: text(parts, 'ends'),
    organization: reference(parts, 'organization'),
    organizationName: named(parts, 'organization')?.valueReference?.display ?? '',
    specialty: named(parts, 'specialty')?.valueCoding?.code ?? '',
    actor: text(parts, 'actor-name'),
    heldUntil: text(parts, 'held-until'),
    cancelsUntil: text(parts, 'cancels-until'),
    lateIsMarked: flag(parts, 'late-is-marked'),
    number: count(parts, 'number'),
    before: count(parts, 'before'),
    queueState: text(parts, 'queue-state'),
    mark: text(parts, 'mark'),
    lifted: flag(parts, 'lifted'),
    appeal: text(parts, 'appeal'),
    fromWait: flag(parts, 'from-wait'),
    series: text(parts, 'series'),
    nth: count(parts, 'series-number'),
    of: count(parts, 'series-of'),
  };
}

export const GROUPS = ['expected', 'late', 'waiting', 'called', 'done', 'missed', 'cancelled'] as const;
export type Group = (typeof GROUPS)[number];

/** One appointment on the list of a day. */
export interface Expected {
  id: string;
  patient: string;
  name: string;
  sex: string;
  birthDate: string;
  phone: string;
  status: Group;
  starts: string;
  ends: string;
  schedule: string;
  actor: string;
  channel: string;
  bookedBy: string;
  number: number;
  first: boolean;
  why: string;
  calls: number;
  queueState: string;
}

export interface DayList {
  rows: Expected[];
  counts: Record<Group, number>;
  next: string;
}

interface DayQuestion {
  date: string;
  schedule?: string;
  status?: string;
  patient?: string;
  _cursor?: string;
  _count?: number;
}

export async function dayList(question: DayQuestion, signal?: AbortSignal): Promise<DayList> {
  const told = await ask<Parameters>('Appointment/$day', { ...question }, signal);
  const top = told.parameter ?? [];
  return {
    rows: many(told, 'appointment').map((parts) => ({
      id: text(parts, 'id'),
      patient: reference(parts, 'patient'),
      name: text(parts, 'patient-name'),
      sex: text(parts, 'sex'),
      birthDate: text(parts, 'birth-date'),
      phone: text(parts, 'phone'),
      status: text(parts, 'status') as Group,
      starts: text(parts, 'starts'),
      ends: text(parts, 'ends'),
      schedule: reference(parts, 'schedule'),
      actor: text(parts, 'actor-name'),
      channel: text(parts, 'channel'),
      bookedBy: text(parts, 'booked-by'),
      number: count(parts, 'number'),
      first: flag(parts, 'first'),
      why: text(parts, 'why'),
      calls: count(parts, 'calls'),
      queueState: text(parts, 'queue-state'),
    })),
    counts: Object.fromEntries(GROUPS.map((group) => [group, count(top, `count-${group}`)])) as Record<Group, number>,
    next: text(top, 'next'),
  };
}

/** Somebody in the queue, as the board of a waiting room has it. */
export interface Queued {
  number: number;
  session: string;
  state: string;
  first: boolean;
  name: string;
  starts: string;
}

export async function queue(schedule: string, signal: AbortSignal): Promise<Queued[]> {
  const told = await ask<Parameters>(`${schedule}/$queue`, {}, signal);
  return many(told, 'waiting').map((parts) => ({
    number: count(parts, 'number'),
    session: text(parts, 'session'),
    state: text(parts, 'state'),
    first: flag(parts, 'first'),
    name: text(parts, 'name'),
    starts: text(parts, 'starts'),
  }));
}

export interface Appeal {
  id: string;
  state: string;
  mark: string;
  asked: string;
  starts: string;
  name: string;
  reason: string;
  answer: string;
}

export async function appeals(status: string, signal: AbortSignal): Promise<Appeal[]> {
  const told = await ask<Parameters>('Appointment/$appeals', { status }, signal);
  return many(told, 'appeal').map((parts) => ({
    id: text(parts, 'id'),
    state: text(parts, 'state'),
    mark: text(parts, 'mark'),
    asked: text(parts, 'asked'),
    starts: text(parts, 'starts'),
    name: text(parts, 'patient-name'),
    reason: text(parts, 'reason'),
    answer: text(parts, 'answer'),
  }));
}

const said = (values: Record<string, string>): Parameters => ({
  resourceType: 'Parameters',
  parameter: Object.entries(values)
    .filter(([, value]) => value)
    .map(([name, valueString]) => ({ name, valueString })),
});

const appointmentIn = (bundle: Bundle): Appointment => bundle.entry?.[0]?.resource as Appointment;

const wantedOf = (slot: string, patient: string): Appointment => ({
  resourceType: 'Appointment',
  status: 'proposed',
  slot: [{ reference: slot }],
  participant: [{ actor: { reference: patient }, status: 'accepted' }],
});

/** Keeps a place for some minutes. channel: web on one's own, on-site or phone at a desk. */
export async function hold(slot: string, patient: string, channel: string): Promise<Appointment> {
  return appointmentIn(
    await operate<Bundle>('Appointment/$hold', {
      resourceType: 'Parameters',
      parameter: [
        { name: 'appointment-resource', resource: wantedOf(slot, patient) },
        { name: 'channel', valueString: channel },
      ],
    }),
  );
}

/** 疗程: so many visits, so many days apart. */
export interface Course {
  visits: number;
  everyDays: number;
}

/** Books the first visit and those that follow it, all or none: when they are. */
export async function bookSeries(slot: string, patient: string, channel: string, course: Course): Promise<string[]> {
  const made = await operate<Bundle>('Appointment/$book-series', {
    resourceType: 'Parameters',
    parameter: [
      { name: 'appointment-resource', resource: wantedOf(slot, patient) },
      { name: 'channel', valueString: channel },
      { name: 'visits', valueInteger: course.visits },
      { name: 'every-days', valueInteger: course.everyDays },
    ],
  });
  return (made.entry ?? []).map(({ resource }) => (resource as Appointment).start ?? '');
}

/** Cancels this visit of a series and those after it: how many. */
export const cancelSeries = (id: string, reason: string): Promise<number> =>
  operate<Bundle>(`Appointment/${id}/$cancel-series`, said({ reason })).then(({ total }) => total ?? 0);

/** Somebody one is the guardian of. */
export interface Ward {
  reference: string;
  name: string;
  birthDate: string;
}

/** Those the asking resident may book for. */
export async function wards(signal: AbortSignal): Promise<Ward[]> {
  const told = await ask<Parameters>('Patient/$wards', {}, signal);
  return many(told, 'ward').map((parts) => ({
    reference: reference(parts, 'patient'),
    name: named(parts, 'patient')?.valueReference?.display ?? '',
    birthDate: text(parts, 'birth-date'),
  }));
}

const HELD_UNTIL = 'https://yilian.example/fhir/StructureDefinition/held-until';
export const heldUntil = (held: Appointment): string =>
  held.extension?.find((one) => one.url === HELD_UNTIL)?.valueInstant ?? '';

export const book = (id: string) =>
  operate<Bundle>('Appointment/$book', said({ 'appointment-reference': `Appointment/${id}` })).then(appointmentIn);
export const cancel = (id: string, reason: string) => operate<Bundle>(`Appointment/${id}/$cancel`, said({ reason }));
export const move = (id: string, slot: string) =>
  operate<Bundle>(`Appointment/${id}/$reschedule`, said({ slot })).then(appointmentIn);
export const checkIn = (id: string, why = '') => operate(`Appointment/${id}/$check-in`, said({ why }));
export const step = (id: string, name: 'call' | 'pass' | 'fulfil') => operate(`Appointment/${id}/$${name}`, said({}));
export const callNext = (schedule: string) => operate(`${schedule}/$call-next`, said({}));
export const leave = (id: string) => operate(`Appointment/${id}/$leave`, said({}));
export const appeal = (id: string, reason: string) => operate(`Appointment/${id}/$appeal`, said({ reason }));
export const decide = (id: string, action: 'grant' | 'refuse', answer: string) =>
  operate('Appointment/$decide-appeal', said({ appeal: id, action, answer }));
export const wait = (values: {
  patient: string;
  organization: string;
  schedule: string;
  start: string;
  end: string;
  channel: string;
}) => operate('Appointment/$wait', said(values));

/** The number of a check-in, or of who was called; 0 where nobody waits. */
export const numberIn = (told: Parameters): number => count(told.parameter ?? [], 'number');
