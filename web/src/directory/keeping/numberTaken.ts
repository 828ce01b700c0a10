import type { Organization, Practitioner } from 'fhir/r4';
import { search } from '../../client/client';

/** Who else has this number: what carries it in `system` and is not the one that is being kept. */
export async function takenBy<T extends Organization | Practitioner>(
  one: T,
  system: string,
  number: string,
): Promise<T | undefined> {
  if (!number) return undefined;
  const { matches } = await search<T>(one.resourceType, { identifier: `${system}|${number.trim()}`, _count: 2 });
  return matches.find((found) => found.id !== one.id);
}
