import type { Patient } from 'fhir/r4';
import { mainIdentifier, patientName, phone } from '../fhir/patient';

/** Two records side by side: which lines agree. Of a record that is not ours, numbers come masked: what is shown of them is compared. */
export type Sameness = 'same' | 'differs' | 'unknown';

export interface Line {
  field: 'name' | 'gender' | 'birthDate' | 'number' | 'phone' | 'address';
  label: string;
  text: string;
}

const WAYS: Record<Line['field'], (patient: Patient) => string> = {
  name: (patient) => patientName(patient).replace(/\s/g, ''),
  gender: (patient) => (patient.gender === 'unknown' ? '' : (patient.gender ?? '')),
  birthDate: (patient) => patient.birthDate ?? '',
  number: (patient) => mainIdentifier(patient)?.value ?? '',
  phone: (patient) => phone(patient).replace(/\D(?<!\*)/g, ''),
  address: (patient) => {
    const address = patient.address?.[0];
    return address?.text ?? [address?.state, address?.city, address?.district, ...(address?.line ?? [])].join('');
  },
};

export function linesOf(typed: Patient, there: Patient, told: readonly Line[]): (Line & { sameness: Sameness })[] {
  return told.map((line) => ({
    ...line,
    sameness: sameness(line.field, WAYS[line.field](typed), WAYS[line.field](there)),
  }));
}

export function sameness(field: Line['field'], typed: string, there: string): Sameness {
  if (!typed || !there) return 'unknown';
  if (field === 'address') return typed.includes(there) || there.includes(typed) ? 'same' : 'differs';
  if (!there.includes('*')) return typed === there ? 'same' : 'differs';
  if (typed.length !== there.length) return 'differs';
  return [...there].every((character, place) => character === '*' || character === typed[place]) ? 'same' : 'differs';
}
