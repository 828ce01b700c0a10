import type { DiagnosticReport, FhirResource, Observation, Reference } from 'fhir/r4';
import { search } from '../../client/client';
import { conceptText } from '../../fhir/concept';
import { type Reading, useReading } from '../../page/reading';

/** What was attached, read many at a time: one request for each kind. */
export interface Evidence {
  readonly observations: readonly Observation[];
  readonly reports: readonly DiagnosticReport[];
  /** Results of the reports, by "Observation/id". */
  readonly included: ReadonlyMap<string, FhirResource>;
  readonly others: readonly FhirResource[];
  /** Attached, and not to be read by this person (or gone). */
  readonly closed: readonly Reference[];
}

const MOST = 100;

async function readEvidence(references: readonly Reference[], signal: AbortSignal): Promise<Evidence> {
  const ids = new Map<string, string[]>();
  for (const { reference } of references) {
    const [type, id] = (reference ?? '').split('/');
    if (type && id) ids.set(type, [...(ids.get(type) ?? []), id]);
  }
  const pages = await Promise.all(
    [...ids].map(([type, some]) =>
      search<FhirResource>(
        type,
        {
          _id: some.slice(0, MOST).join(','),
          _count: MOST,
          _include: type === 'DiagnosticReport' ? 'DiagnosticReport:result' : undefined,
        },
        signal,
      ),
    ),
  );
  const found = pages.flatMap((page) => page.matches);
  const here = new Set(found.map((one) => `${one.resourceType}/${one.id ?? ''}`));
  return {
    observations: found.filter((one): one is Observation => one.resourceType === 'Observation'),
    reports: found.filter((one): one is DiagnosticReport => one.resourceType === 'DiagnosticReport'),
    included: new Map(pages.flatMap((page) => [...page.included])),
    others: found.filter((one) => one.resourceType !== 'Observation' && one.resourceType !== 'DiagnosticReport'),
    closed: references.filter((one) => !here.has(one.reference ?? '')),
  };
}

export function useEvidence(task: string, references: readonly Reference[]): Reading<Evidence> {
  const wanted = references.flatMap((one) => one.reference ?? []).sort();
  return useReading(['referral', task, 'evidence', wanted.join()], (signal) => readEvidence(references, signal), {
    enabled: wanted.length > 0,
    staleTime: 5 * 60_000,
  });
}

/** A name for whatever may be attached. */
export function titleOf(resource: FhirResource): string {
  const known = resource as {
    code?: Parameters<typeof conceptText>[0];
    type?: Parameters<typeof conceptText>[0] | Parameters<typeof conceptText>[0][];
    description?: string;
    title?: string;
  };
  const type = Array.isArray(known.type) ? known.type[0] : known.type;
  return conceptText(known.code) || conceptText(type) || (known.description ?? known.title ?? '');
}
