import type { Coding, Parameters, ParametersParameter, Reference } from 'fhir/r4';
import { ask, operate, type Params } from '../client/client';

/** What the server tells of beds (`Location/$beds` and its neighbours), as pages use it. */

export const STATES = ['free', 'held', 'occupied', 'cleaning', 'stopped'] as const;
export type State = (typeof STATES)[number];
export const KINDS = ['general', 'child', 'newborn', 'isolation', 'intensive', 'day'] as const;
export type Kind = (typeof KINDS)[number];
export const WAYS_TO_LEAVE = ['1', '2', '3', '4', '5', '9'] as const;

export interface Numbers extends Record<State, number> {
  key: string;
  place: Reference | undefined;
  institution: Reference | undefined;
  specialty: Coding | undefined;
  total: number;
  leaving: number;
}

export interface Somebody {
  id: string;
  name: string;
  gender: string;
  birthDate: string;
}

export interface Hold {
  until: string;
  kept: boolean;
  by: string;
  institution: string;
  patient: Somebody | undefined;
}

export interface Bed {
  id: string;
  name: string;
  number: string;
  room: string;
  state: State;
  kind: Kind;
  sex: string;
  since: string;
  expected: string;
  cleanAt: string;
  diagnosis: string;
  doctor: Reference | undefined;
  why: string;
  patient: Somebody | undefined;
  hold: Hold | undefined;
}

export interface Ward {
  id: string;
  name: string;
  at: string;
  institution: Reference;
  beds: readonly Bed[];
}

export interface Contradiction {
  key: string;
  kind: 'two-in-one-bed' | 'two-beds' | 'held-for-another' | 'out-of-service';
  bed: string;
  ward: string;
  patient: Reference | undefined;
  since: string;
}

type Parts = readonly ParametersParameter[] | undefined;
const part = (parts: Parts, name: string): ParametersParameter | undefined => parts?.find((one) => one.name === name);
const text = (parts: Parts, name: string): string => part(parts, name)?.valueString ?? '';
const time = (parts: Parts, name: string): string => part(parts, name)?.valueInstant ?? '';
const idOf = (reference: Reference | undefined): string => reference?.reference?.split('/')[1] ?? '';

function numbersOf({ part: parts }: ParametersParameter): Numbers {
  const count = (name: string): number => part(parts, name)?.valueInteger ?? 0;
  const place = part(parts, 'place')?.valueReference;
  const specialty = part(parts, 'specialty')?.valueCoding;
  return {
    key: place?.reference ?? specialty?.code ?? '-',
    place,
    institution: part(parts, 'institution')?.valueReference,
    specialty,
    total: count('total'),
    leaving: count('leaving'),
    free: count('free'),
    held: count('held'),
    occupied: count('occupied'),
    cleaning: count('cleaning'),
    stopped: count('stopped'),
  };
}

function somebody(parts: Parts): Somebody | undefined {
  const reference = part(parts, 'patient')?.valueReference;
  if (!reference) return undefined;
  return {
    id: idOf(reference),
    name: reference.display ?? '',
    gender: part(parts, 'patient-gender')?.valueCode ?? '',
    birthDate: part(parts, 'patient-birth-date')?.valueDate ?? '',
  };
}

export function bedOf({ part: parts }: ParametersParameter): Bed {
  const location = part(parts, 'location')?.valueReference;
  const hold = part(parts, 'hold')?.part;
  return {
    id: idOf(location),
    name: location?.display ?? '',
    number: text(parts, 'number') || (location?.display ?? ''),
    room: text(parts, 'room'),
    state: (part(parts, 'state')?.valueCode ?? 'stopped') as State,
    kind: (part(parts, 'kind')?.valueCoding?.code ?? 'general') as Kind,
    sex: part(parts, 'sex')?.valueCode ?? '',
    since: time(parts, 'since'),
    expected: time(parts, 'expected'),
    cleanAt: time(parts, 'clean-at'),
    diagnosis: text(parts, 'diagnosis'),
    doctor: part(parts, 'doctor')?.valueReference,
    why: text(parts, 'why'),
    patient: somebody(parts),
    hold: hold && {
      until: time(hold, 'until'),
      kept: part(hold, 'kept')?.valueBoolean ?? false,
      by: text(hold, 'made-as'),
      institution: part(hold, 'made-by')?.valueReference?.display ?? '',
      patient: somebody(hold),
    },
  };
}

const named = (parameters: Parameters, name: string): ParametersParameter[] =>
  parameters.parameter?.filter((one) => one.name === name) ?? [];

export async function counted(params: Params, signal: AbortSignal): Promise<readonly Numbers[]> {
  return named(await ask<Parameters>('Location/$beds', params, signal), 'group').map(numbersOf);
}

export async function wardOf(id: string, signal: AbortSignal): Promise<Ward> {
  const told = await ask<Parameters>(`Location/${encodeURIComponent(id)}/$beds`, {}, signal);
  const ward = part(told.parameter, 'ward')?.valueReference;
  return {
    id: idOf(ward),
    name: ward?.display ?? '',
    at: time(told.parameter, 'at'),
    institution: part(told.parameter, 'institution')?.valueReference ?? {},
    beds: named(told, 'bed').map(bedOf),
  };
}

export async function contradictions(signal: AbortSignal): Promise<readonly Contradiction[]> {
  const told = named(await ask<Parameters>('Location/$bed-contradictions', {}, signal), 'contradiction');
  return told.map(({ part: parts }, place) => ({
    key: String(place),
    kind: (part(parts, 'kind')?.valueCode ?? 'two-in-one-bed') as Contradiction['kind'],
    bed: part(parts, 'bed')?.valueReference?.display ?? '',
    ward: idOf(part(parts, 'ward')?.valueReference),
    patient: part(parts, 'patient')?.valueReference,
    since: time(parts, 'since'),
  }));
}

/** `Location/{place}/${name}` with these values; empty ones are left out. */
export function act(place: string, name: string, values: Record<string, string> = {}): Promise<unknown> {
  const parameter = Object.entries(values)
    .filter(([, value]) => value)
    .map(([key, value]) => ({ name: key, valueString: value }));
  return operate(`Location/${encodeURIComponent(place)}/$${name}`, {
    resourceType: 'Parameters',
    ...(parameter.length > 0 ? { parameter } : {}),
  });
}

/** Day of the stay as a ward counts: the day of admission is the first. */
export function dayOfStay(since: string, today: string): number {
  const days = (Date.parse(today) - Date.parse(since)) / 86_400_000;
  return Math.max(Math.round(days) + 1, 1);
}

/** Beds by room, in the server's order; a room of "" is of those that are in none. */
export function rooms(beds: readonly Bed[]): [string, Bed[]][] {
  const found = new Map<string, Bed[]>();
  for (const bed of beds) found.set(bed.room, [...(found.get(bed.room) ?? []), bed]);
  return [...found];
}
