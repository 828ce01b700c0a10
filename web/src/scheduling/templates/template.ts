import type { Extension, Parameters, ParametersParameter, Schedule } from 'fhir/r4';

/** The template in a Schedule (docs/reference/schedules.md) as a form has it, and back; what the server says of it. Pure. */

const BASE = 'https://yilian.example/fhir/StructureDefinition/';
const TEMPLATE = `${BASE}schedule-template`;
const EXCEPTION = `${BASE}schedule-exception`;
export const BOOKING_KIND = 'https://yilian.example/fhir/CodeSystem/booking-kind';
export const SPECIALTY = 'https://yilian.example/fhir/CodeSystem/clinical-department';

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];
export const KINDS = ['clinic', 'expert', 'examination', 'equipment', 'day-surgery'] as const;
export type Kind = (typeof KINDS)[number];

/** Times are `08:00`, days `2026-12-01`; empty where not given. */
export interface Row {
  weekdays: Weekday[];
  from: string;
  to: string;
  minutes: number;
  places: number;
  since: string;
  until: string;
  holidays: boolean;
}

export interface Exception {
  kind: 'leave' | 'extra';
  since: string;
  until: string;
  from: string;
  to: string;
  minutes: number;
  places: number;
  reason: string;
}

export const newRow = (): Row => ({
  weekdays: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '08:00',
  to: '12:00',
  minutes: 60,
  places: 5,
  since: '',
  until: '',
  holidays: false,
});

export const newException = (kind: Exception['kind'], day: string): Exception => ({
  kind,
  since: day,
  until: day,
  from: kind === 'extra' ? '08:00' : '',
  to: kind === 'extra' ? '12:00' : '',
  minutes: 60,
  places: 5,
  reason: '',
});

const partsOf = (extension: Extension, name: string) => (extension.extension ?? []).filter(({ url }) => url === name);
const one = (extension: Extension, name: string): Extension | undefined => partsOf(extension, name)[0];
const clock = (text: string | undefined): string => (text ?? '').slice(0, 5);

export function rowsOf(schedule: Schedule): Row[] {
  return (schedule.extension ?? [])
    .filter(({ url }) => url === TEMPLATE)
    .map((row) => ({
      weekdays: partsOf(row, 'weekday').map(({ valueCode }) => valueCode as Weekday),
      from: clock(one(row, 'from')?.valueTime),
      to: clock(one(row, 'to')?.valueTime),
      minutes: one(row, 'minutes')?.valuePositiveInt ?? 60,
      places: one(row, 'places')?.valuePositiveInt ?? 1,
      since: one(row, 'period')?.valuePeriod?.start ?? '',
      until: one(row, 'period')?.valuePeriod?.end ?? '',
      holidays: one(row, 'holidays')?.valueBoolean ?? false,
    }));
}

export function exceptionsOf(schedule: Schedule): Exception[] {
  return (schedule.extension ?? [])
    .filter(({ url }) => url === EXCEPTION)
    .map((part) => ({
      kind: one(part, 'kind')?.valueCode === 'extra' ? 'extra' : 'leave',
      since: one(part, 'period')?.valuePeriod?.start ?? '',
      until: one(part, 'period')?.valuePeriod?.end ?? '',
      from: clock(one(part, 'from')?.valueTime),
      to: clock(one(part, 'to')?.valueTime),
      minutes: one(part, 'minutes')?.valuePositiveInt ?? 60,
      places: one(part, 'places')?.valuePositiveInt ?? 1,
      reason: one(part, 'reason')?.valueString ?? '',
    }));
}

const time = (url: string, value: string): Extension => ({ url, valueTime: `${value}:00` });
const hours = (row: { from: string; to: string; minutes: number; places: number }): Extension[] => [
  time('from', row.from),
  time('to', row.to),
  { url: 'minutes', valuePositiveInt: row.minutes },
  { url: 'places', valuePositiveInt: row.places },
];

function rowExtension(row: Row): Extension {
  const period = { ...(row.since ? { start: row.since } : {}), ...(row.until ? { end: row.until } : {}) };
  return {
    url: TEMPLATE,
    extension: [
      ...row.weekdays.map((day) => ({ url: 'weekday', valueCode: day })),
      ...hours(row),
      ...(row.since || row.until ? [{ url: 'period', valuePeriod: period }] : []),
      ...(row.holidays ? [{ url: 'holidays', valueBoolean: true }] : []),
    ],
  };
}

function exceptionExtension(one: Exception): Extension {
  return {
    url: EXCEPTION,
    extension: [
      { url: 'kind', valueCode: one.kind },
      { url: 'period', valuePeriod: { start: one.since, end: one.until || one.since } },
      ...(one.kind === 'extra' ? hours(one) : []),
      ...(one.kind === 'leave' && one.from ? [time('from', one.from)] : []),
      ...(one.kind === 'leave' && one.to ? [time('to', one.to)] : []),
      ...(one.reason.trim() ? [{ url: 'reason', valueString: one.reason.trim() }] : []),
    ],
  };
}

/** The Schedule with these rows and exceptions; its other extensions stay. */
export function withTemplate(schedule: Schedule, rows: readonly Row[], exceptions: readonly Exception[]): Schedule {
  const others = (schedule.extension ?? []).filter(({ url }) => url !== TEMPLATE && url !== EXCEPTION);
  const extension = [...others, ...rows.map(rowExtension), ...exceptions.map(exceptionExtension)];
  const { extension: _, ...rest } = schedule;
  return extension.length > 0 ? { ...rest, extension } : rest;
}

export const kindOf = (schedule: Schedule): Kind =>
  (schedule.serviceCategory?.flatMap(({ coding }) => coding ?? []).find(({ system }) => system === BOOKING_KIND)
    ?.code as Kind | undefined) ?? 'clinic';

/** What a template would make, or has made, of one time. */
export type Fate = 'make' | 'resize' | 'remove' | 'stop' | 'stay';
export const FATES: readonly Fate[] = ['make', 'resize', 'remove', 'stop', 'stay'];

export interface Time {
  fate: Fate;
  start: string;
  end: string;
  places: number;
  taken: number;
}

export interface Outlook {
  times: Time[];
  same: number;
  /** Days other than by the week, `2026-10-01` → "国庆节". */
  days: Map<string, { name: string; works: boolean }>;
  unknownYears: number[];
}

const value = (parts: readonly ParametersParameter[] | undefined, name: string) =>
  parts?.find((part) => part.name === name);

export function outlookOf({ parameter = [] }: Parameters): Outlook {
  const times = parameter
    .filter(({ name }) => FATES.includes(name as Fate))
    .map(({ name, part }) => ({
      fate: name as Fate,
      start: value(part, 'start')?.valueInstant ?? '',
      end: value(part, 'end')?.valueInstant ?? '',
      places: value(part, 'places')?.valueInteger ?? 0,
      taken: value(part, 'taken')?.valueInteger ?? 0,
    }));
  return {
    times: times.sort((a, b) => a.start.localeCompare(b.start)),
    same: value(parameter, 'same')?.valueInteger ?? 0,
    days: new Map(
      parameter
        .filter(({ name }) => name === 'day')
        .map(({ part }) => [
          value(part, 'date')?.valueDate ?? '',
          { name: value(part, 'name')?.valueString ?? '', works: value(part, 'works')?.valueBoolean ?? false },
        ]),
    ),
    unknownYears: parameter.flatMap(({ name, valueInteger }) =>
      name === 'unknown-year' && valueInteger ? [valueInteger] : [],
    ),
  };
}

export const count = ({ times }: Outlook, fate: Fate): number => times.filter((time) => time.fate === fate).length;

/** Somebody who has a place in what was stopped. */
export interface Stopped {
  appointment: string;
  schedule: string;
  patient: string;
  name: string;
  phone: string;
  status: string;
  start: string;
  proposal: { start: string; with: string; same: boolean } | null;
}

export function stoppedOf({ parameter = [] }: Parameters): { rows: Stopped[]; next: string } {
  const rows = parameter
    .filter(({ name }) => name === 'appointment')
    .map(({ part }) => {
      const proposal = value(part, 'proposal')?.part;
      const patient = value(part, 'patient')?.valueReference;
      return {
        appointment: value(part, 'reference')?.valueReference?.reference ?? '',
        schedule: value(part, 'schedule')?.valueReference?.reference ?? '',
        patient: patient?.reference ?? '',
        name: patient?.display ?? '',
        phone: value(part, 'phone')?.valueString ?? '',
        status: value(part, 'status')?.valueCode ?? '',
        start: value(part, 'start')?.valueInstant ?? '',
        proposal: proposal
          ? {
              start: value(proposal, 'start')?.valueInstant ?? '',
              with: value(proposal, 'with')?.valueString ?? '',
              same: value(proposal, 'same')?.valueBoolean ?? false,
            }
          : null,
      };
    });
  return { rows, next: value(parameter, 'next')?.valueString ?? '' };
}

/** Parameters of an operation, by name. */
export function parametersOf(values: Record<string, string | number | boolean | readonly string[]>): Parameters {
  const parameter = Object.entries(values).flatMap(([name, given]) =>
    (Array.isArray(given) ? (given as readonly string[]) : [given]).map((each) =>
      typeof each === 'boolean'
        ? { name, valueBoolean: each }
        : typeof each === 'number'
          ? { name, valueInteger: each }
          : { name, valueString: String(each) },
    ),
  );
  return { resourceType: 'Parameters', ...(parameter.length > 0 ? { parameter } : {}) };
}
