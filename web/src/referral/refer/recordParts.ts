import type { DiagnosticReport, DocumentReference, Encounter, FhirResource, ImagingStudy, Observation } from 'fhir/r4';
import { type Page, search } from '../../client/client';
import { type Reading, useReading } from '../../page/reading';
import { useAllergies, useCurrentMedication, useProblems, useVitalSigns } from '../../record/readings';
import type { RecordParts } from './prefill';

/** Everything of the record the form starts from. What cannot be read is left out and named, so that nobody takes silence for health. */

function useRecent<T extends FhirResource>(
  id: string,
  what: string,
  type: T['resourceType'],
  params: Record<string, string | number>,
) {
  return useReading<Page<T>>(['patient', id, `refer-${what}`], (signal) =>
    search<T>(type, { patient: id, ...params }, signal),
  );
}

const LABORATORY = 100;
const REPORTS = 15;

export interface Gathered {
  /** Null until everything has been answered one way or the other. */
  parts: RecordParts | null;
  /** What could not be read. */
  missing: (keyof RecordParts)[];
}

export function useRecordParts(id: string): Gathered {
  const problems = useProblems(id);
  const allergies = useAllergies(id);
  const medication = useCurrentMedication(id);
  const vitals = useVitalSigns(id);
  const encounters = useRecent<Encounter>(id, 'encounters', 'Encounter', { _sort: '-date', _count: 3 });
  const laboratory = useRecent<Observation>(id, 'laboratory', 'Observation', {
    category: 'laboratory',
    _sort: '-date',
    _count: LABORATORY,
  });
  const reports = useRecent<DiagnosticReport>(id, 'reports', 'DiagnosticReport', { _sort: '-date', _count: REPORTS });
  const documents = useRecent<DocumentReference>(id, 'documents', 'DocumentReference', { _sort: '-date', _count: 10 });
  const imaging = useRecent<ImagingStudy>(id, 'imaging', 'ImagingStudy', { _sort: '-started', _count: 10 });

  const all = { problems, allergies, medication, vitals, encounters, laboratory, reports, documents, imaging };
  const states = Object.entries(all) as [keyof RecordParts, Reading<unknown>][];
  if (states.some(([, reading]) => reading.state === 'loading')) return { parts: null, missing: [] };
  return {
    parts: {
      problems: rows(problems),
      allergies: allergies.state === 'here' ? allergies.value : [],
      medication: rows(medication),
      vitals: rows(vitals),
      encounters: rows(encounters),
      laboratory: rows(laboratory),
      reports: rows(reports),
      documents: rows(documents),
      imaging: rows(imaging),
    },
    missing: states.filter(([, reading]) => reading.state === 'failed').map(([name]) => name),
  };
}

const rows = <T extends FhirResource>(reading: Reading<Page<T>>): readonly T[] =>
  reading.state === 'here' ? reading.value.matches : [];
