import type { FhirResource, Patient } from 'fhir/r4';
import { type Page, type Params, search } from '../client/client';
import { searchesFor } from './search';

/**
 * Patients for what was typed, with further conditions. Digits are looked up as identifier and as phone at once; the two answers are put together,
 * each patient once. (A number names very few people, so the second answer never has a second page worth keeping.)
 */
export async function findPatients(typed: string, conditions: Params, signal: AbortSignal): Promise<Page<Patient>> {
  const pages = await Promise.all(
    searchesFor(typed).map((params) => search<Patient>('Patient', { ...params, ...conditions }, signal)),
  );
  const [first, second] = pages;
  if (!first) return { matches: [], included: new Map(), total: 0, next: undefined };
  if (!second) return first;
  const seen = new Set(first.matches.map((patient) => patient.id));
  const added = second.matches.filter((patient) => !seen.has(patient.id));
  return {
    matches: [...first.matches, ...added],
    included: new Map<string, FhirResource>([...first.included, ...second.included]),
    total:
      first.total === undefined
        ? undefined
        : first.total + (second.total ?? added.length) - (second.matches.length - added.length),
    next: first.next ?? second.next,
  };
}
