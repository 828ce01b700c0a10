import type { Patient } from 'fhir/r4';
import { RESIDENT_ID } from '../fhir/patient';
import type { Key, Translate } from '../locale/locale';
import type { Entry } from './entry';
import { type Fault, isDay, readResidentId, tidy } from './residentId';

/** The form of a new patient as it is typed, what is wrong with it, and the Patient it makes. */
export type Kind = 'ordinary' | 'newborn' | 'unknown';
export const KINDS: readonly Kind[] = ['ordinary', 'newborn', 'unknown'];

export interface Form {
  kind: Kind;
  number: string;
  name: string;
  mother: string;
  mark: string;
  gender: '' | 'male' | 'female' | 'unknown';
  birthDate: string;
  phone: string;
  address: string;
}

export const EMPTY: Form = {
  kind: 'ordinary',
  number: '',
  name: '',
  mother: '',
  mark: '',
  gender: '',
  birthDate: '',
  phone: '',
  address: '',
};

/** What was typed at the desk and found nobody is not typed again. */
export function startFrom(entry: Entry | null | undefined, onDay: string): Form {
  if (entry?.kind === 'person') return { ...EMPTY, name: entry.name, birthDate: entry.birthDate };
  if (entry?.kind === 'resident-id') return withNumber(EMPTY, entry.number, onDay);
  return EMPTY;
}

/** The number with the birth date and sex it holds, once it is whole and sound. */
export function withNumber(form: Form, number: string, onDay: string): Form {
  const said = readResidentId(tidy(number), onDay);
  return typeof said === 'string' ? { ...form, number } : { ...form, number, ...said };
}

/** `19560312`, as one types it, with its dashes. */
export const dashed = (typed: string): string => tidy(typed).replace(/^(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})$/, '$1-$2-$3');

export type Faults = Partial<Record<keyof Form, { key: Key; values?: Record<string, string> }>>;

const PHONE = /^\+?[\d-]{6,20}$/;

export function faultsOf(form: Form, onDay: string, t: Translate): Faults {
  const faults: Faults = {};
  const { kind, gender } = form;
  if (kind === 'ordinary' && !form.name.trim()) faults.name = { key: 'desk.new.need.name' };
  if (kind === 'newborn' && !form.mother.trim()) faults.mother = { key: 'desk.new.need.mother' };
  if (!gender) faults.gender = { key: 'desk.new.need.sex' };
  if (kind !== 'unknown' && !form.birthDate) faults.birthDate = { key: 'desk.new.need.born' };
  if (form.birthDate && (!isDay(form.birthDate) || form.birthDate > onDay))
    faults.birthDate = { key: 'desk.new.need.day' };
  if (form.phone.trim() && !PHONE.test(form.phone.trim())) faults.phone = { key: 'desk.new.need.phone' };
  if (kind === 'ordinary' && form.number.trim()) {
    const said: Fault | ReturnType<typeof readResidentId> = readResidentId(tidy(form.number), onDay);
    if (typeof said === 'string') {
      faults.number = { key: 'desk.id.fault', values: { fault: t(`desk.id.fault.${said}`) } };
    } else {
      if (form.birthDate && form.birthDate !== said.birthDate)
        faults.birthDate = { key: 'desk.new.differs.born', values: { born: said.birthDate } };
      if (gender && gender !== said.gender) faults.gender = { key: 'desk.new.differs.sex' };
    }
  }
  return faults;
}

/** The Patient to register. Names given in place of one are Chinese whatever the language of the page: they stand in the record. */
export function patientOf(form: Form, zh: Translate): Patient {
  const phone = form.phone.trim();
  const address = form.address.trim();
  return {
    resourceType: 'Patient',
    active: true,
    ...(form.kind === 'ordinary' && form.number.trim()
      ? { identifier: [{ use: 'official' as const, system: RESIDENT_ID, value: tidy(form.number) }] }
      : {}),
    ...named(form, zh),
    ...(phone ? { telecom: [{ system: 'phone' as const, value: phone, use: 'mobile' as const }] } : {}),
    ...(form.gender ? { gender: form.gender } : {}),
    ...(form.birthDate ? { birthDate: form.birthDate } : {}),
    ...(address ? { address: [{ use: 'home' as const, text: address }] } : {}),
  };
}

function named(form: Form, zh: Translate): Pick<Patient, 'name' | 'contact'> {
  if (form.kind === 'ordinary') return { name: [{ use: 'official', text: form.name.trim() }] };
  if (form.kind === 'unknown') {
    const mark = form.mark.trim();
    const name = zh('desk.new.unknown.name');
    return { name: [{ use: 'anonymous', text: mark ? `${name}(${mark})` : name }] };
  }
  const mother = form.mother.trim();
  const words = { male: 'desk.new.son', female: 'desk.new.daughter' } as const;
  const word = form.gender === 'male' || form.gender === 'female' ? words[form.gender] : 'desk.new.baby';
  return {
    name: [{ use: 'temp', text: zh(word, { mother }) }],
    contact: [
      {
        relationship: [
          {
            coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode', code: 'MTH' }],
            text: zh('desk.new.relation.mother'),
          },
        ],
        name: { text: mother },
      },
    ],
  };
}
