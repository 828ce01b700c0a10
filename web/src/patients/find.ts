import type { FhirResource, Patient } from 'fhir/r4';
import { linksOneByOne, type Page, type Params, search } from '../client/client';
import { searchesFor } from './search';

/**
 * Patients for what was typed, with further conditions. Digits are looked up as identifier and as phone at once, words as parts of a name and as
 * pinyin; the two answers are put together, each patient once, and their further pages follow one after the other. The total is left open while
 * pages not yet read may hold the same patients.
 */
export async function findPatients(typed: string, conditions: Params, signal: AbortSignal): Promise<Page<Patient>> {
  const [first, second] = await Promise.all(
    searchesFor(typed).map((params) => search<Patient>('Patient', { ...params, ...conditions }, signal)),
  );
  if (!first) return { matches: [], included: new Map(), total: 0, next: undefined };
  if (!second) return first;
  const seen = new Set(first.matches.map((patient) => patient.id));
  const matches = [...first.matches, ...second.matches.filter((patient) => !seen.has(patient.id))];
  const next = linksOneByOne(first.next, second.next);
  const total = second.total === 0 ? first.total : next === undefined ? matches.length : undefined;
  return { matches, included: new Map<string, FhirResource>([...first.included, ...second.included]), total, next };
}
