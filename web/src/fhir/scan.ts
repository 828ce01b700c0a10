import type { Resource } from 'fhir/r4';

const STATES = 'https://yilian.example/fhir/CodeSystem/scan-state';

/** Of the contents of a resource, the worst: whether they were scanned for malware. What is clean needs no word. */
export type ScanState = 'waiting' | 'infected' | 'not-scanned';

export const isScanState = (code: string | undefined): code is ScanState =>
  code === 'waiting' || code === 'infected' || code === 'not-scanned';

/** What the server says of it, as a tag; nothing where a resource has no contents, or they are clean. */
export function scanStateOf(resource: Resource): ScanState | undefined {
  const code = resource.meta?.tag?.find((tag) => tag.system === STATES)?.code;
  return isScanState(code) ? code : undefined;
}
