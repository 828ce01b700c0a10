import type { Bundle, FhirResource } from 'fhir/r4';
import { address, request } from '../../client/client';

/** Several resources kept together or not at all (a transaction), each on the version it was read as. */

/** Names a new resource for the others of the same transaction. `crypto.randomUUID` is not there on hospital networks without TLS. */
export function newName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export interface Together {
  readonly resource: FhirResource;
  /** For what is new: how the others refer to it. */
  readonly name?: string;
}

/** Returns the ids, in the order of what was kept. Throws a `Problem`. */
export async function keepTogether(all: readonly Together[]): Promise<string[]> {
  const bundle: Bundle = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: all.map(({ resource, name }) => {
      const { id, meta, resourceType } = resource;
      return id
        ? {
            resource,
            request: {
              method: 'PUT' as const,
              url: `${resourceType}/${id}`,
              ...(meta?.versionId ? { ifMatch: `W/"${meta.versionId}"` } : {}),
            },
          }
        : { ...(name ? { fullUrl: name } : {}), resource, request: { method: 'POST' as const, url: resourceType } };
    }),
  };
  const answer = (await (await request(address(''), { method: 'POST', body: bundle })).json()) as Bundle;
  return (answer.entry ?? []).map(
    (entry, nth) => all[nth]?.resource.id ?? entry.response?.location?.match(/\/([^/]+)\/_history\//)?.[1] ?? '',
  );
}
