import type {
  AllergyIntolerance,
  CarePlan,
  Condition,
  FhirResource,
  Flag,
  Immunization,
  MedicationRequest,
  Observation,
  Patient,
} from 'fhir/r4';
import { type Page, type Params, read, search } from '../client/client';
import { isCurrentAllergy } from '../fhir/allergy';
import { mapReading, type Reading, useReading } from '../page/reading';

/**
 * What the record page asks for when it opens: one read and seven searches side by side, each for one patient and with a bound, each failing on its
 * own. The rest is asked for when its tab is opened. Query keys start with ['patient', id], so that everything about one patient can be renewed.
 */

const keyOf = (id: string, what: string) => ['patient', id, what] as const;

function useFirstPage<T extends FhirResource>(
  id: string,
  what: string,
  type: T['resourceType'],
  params: Params,
): Reading<Page<T>> {
  return useReading(keyOf(id, what), (signal) => search<T>(type, { patient: id, ...params }, signal));
}

export const usePatient = (id: string): Reading<Patient> =>
  useReading(keyOf(id, 'identity'), (signal) => read<Patient>('Patient', id, signal));

export function useAllergies(id: string): Reading<readonly AllergyIntolerance[]> {
  return mapReading(useFirstPage<AllergyIntolerance>(id, 'allergies', 'AllergyIntolerance', { _count: 50 }), (page) =>
    page.matches.filter(isCurrentAllergy),
  );
}

/** Flags cannot be searched by status in R4; a patient has few. */
export function useFlags(id: string): Reading<readonly Flag[]> {
  return mapReading(useFirstPage<Flag>(id, 'flags', 'Flag', { _count: 50 }), (page) =>
    page.matches.filter((flag) => flag.status === 'active'),
  );
}

export const useProblems = (id: string): Reading<Page<Condition>> =>
  useFirstPage<Condition>(id, 'problems', 'Condition', {
    'clinical-status': 'active,recurrence,relapse',
    _sort: '-onset-date',
    _count: 30,
    _total: 'accurate',
  });

export const useCurrentMedication = (id: string): Reading<Page<MedicationRequest>> =>
  useFirstPage<MedicationRequest>(id, 'current-medication', 'MedicationRequest', {
    status: 'active,on-hold',
    _sort: '-authoredon',
    _count: 30,
    _total: 'accurate',
  });

export const useVitalSigns = (id: string): Reading<Page<Observation>> =>
  useFirstPage<Observation>(id, 'vital-signs', 'Observation', { category: 'vital-signs', _sort: '-date', _count: 40 });

export const useImmunizations = (id: string): Reading<Page<Immunization>> =>
  useFirstPage<Immunization>(id, 'immunizations', 'Immunization', { _sort: '-date', _count: 8, _total: 'accurate' });

export const useCarePlans = (id: string): Reading<Page<CarePlan>> =>
  useFirstPage<CarePlan>(id, 'care-plans', 'CarePlan', {
    status: 'active',
    _sort: '-date',
    _count: 8,
    _total: 'accurate',
  });
