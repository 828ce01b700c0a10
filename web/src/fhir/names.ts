import { useQueries, useQuery } from '@tanstack/react-query';
import type { HealthcareService, Location, Organization, Practitioner, Reference } from 'fhir/r4';
import { search } from '../client/client';
import { nameText } from './patient';

/**
 * The name behind a reference. Usually the reference carries it (`display`); records from elsewhere often do not, then it is looked up,
 * many at a time, and kept.
 */
type Named = Organization | Practitioner | Location | HealthcareService;

const LOOKED_UP = ['Organization', 'Practitioner', 'Location', 'HealthcareService'];
const AT_ONCE = 50;
const GATHER_MS = 15;

interface Waiter {
  id: string;
  done: (name: string) => void;
  failed: (error: unknown) => void;
}

const waiting = new Map<string, Waiter[]>();

function nameOf(reference: string): Promise<string> {
  const [type = '', id = ''] = reference.split('/');
  return new Promise((done, failed) => {
    const queue = waiting.get(type);
    if (queue) {
      queue.push({ id, done, failed });
      return;
    }
    waiting.set(type, [{ id, done, failed }]);
    setTimeout(() => {
      const waiters = waiting.get(type) ?? [];
      waiting.delete(type);
      for (let from = 0; from < waiters.length; from += AT_ONCE) void lookUp(type, waiters.slice(from, from + AT_ONCE));
    }, GATHER_MS);
  });
}

async function lookUp(type: string, waiters: Waiter[]): Promise<void> {
  try {
    const ids = [...new Set(waiters.map((waiter) => waiter.id))];
    const page = await search<Named>(type, { _id: ids.join(','), _count: ids.length });
    const names = new Map(page.matches.map((resource) => [resource.id, ownName(resource)]));
    for (const waiter of waiters) waiter.done(names.get(waiter.id) ?? '');
  } catch (error) {
    for (const waiter of waiters) waiter.failed(error);
  }
}

function ownName(resource: Named): string {
  if (resource.resourceType === 'Practitioner') {
    const names = resource.name ?? [];
    return nameText(names.find((name) => name.use === 'official') ?? names[0]);
  }
  if (resource.resourceType === 'Organization') return shortest(resource.name, resource.alias);
  return resource.name ?? '';
}

/** Institutions go by their short name where they have one. */
function shortest(name: string | undefined, alias: string[] | undefined): string {
  return (
    [...(alias ?? []), name].filter((one): one is string => Boolean(one)).sort((a, b) => a.length - b.length)[0] ?? ''
  );
}

/** The request for one name, shared by all who ask. Nothing is asked when the reference carries its name or is of another kind. */
function query(reference: Reference | undefined) {
  const target = reference?.reference ?? '';
  return {
    queryKey: ['name', target],
    queryFn: () => nameOf(target),
    enabled: !reference?.display && LOOKED_UP.includes(target.split('/')[0] ?? ''),
    staleTime: 30 * 60_000,
    gcTime: 60 * 60_000,
  };
}

/** Empty while it is looked up, and when nobody may say. */
export function useName(reference: Reference | undefined): string {
  const { data } = useQuery(query(reference));
  return reference?.display ?? data ?? '';
}

/** The names of several, in their order. */
export function useNames(references: readonly Reference[]): string[] {
  const answers = useQueries({ queries: references.map(query) });
  return references.map((reference, index) => reference.display ?? answers[index]?.data ?? '');
}
