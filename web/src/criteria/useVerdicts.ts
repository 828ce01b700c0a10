import type { Parameters } from 'fhir/r4';
import { ask } from '../client/client';
import { type Reading, useReading } from '../page/reading';
import { type Verdict, verdictsOf } from './verdict';

/** What the criteria say of a patient, as far as this person may know it. */
export function useVerdicts(patient: string, confirmed: readonly string[] = []): Reading<readonly Verdict[]> {
  return useReading(
    ['patient', patient, 'criteria', ...confirmed],
    (signal) =>
      ask<Parameters>(`Patient/${patient}/$criteria`, { state: 'met,nearly,ask,lacking', confirmed }, signal).then(
        verdictsOf,
      ),
    { staleTime: 30_000 },
  );
}
