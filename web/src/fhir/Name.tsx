import type { Reference } from 'fhir/r4';
import { useName } from './names';

/** The name of an institution or person referred to, or what to say instead. */
export function Name({ of, otherwise = '' }: { of: Reference | undefined; otherwise?: string }) {
  return useName(of) || otherwise;
}
