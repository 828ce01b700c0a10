import type { Person } from '../access/person';
import type { Params } from '../client/client';
import { today } from '../fhir/dates';

export interface PatientFilters {
  sex: string;
  /** child | youth | adult | old */
  age: string;
  /** ours | mine */
  whose: string;
}

/** Ages by completed years: [at least, below]. */
const AGES: Record<string, [number, number | null]> = {
  child: [0, 7],
  youth: [7, 18],
  adult: [18, 65],
  old: [65, null],
};

/** The day on which someone now exactly so many years old was born; 29 February counts as 28 in other years. */
function bornOn(day: string, yearsAgo: number): string {
  const [year = '', month = '', dayOf = ''] = day.split('-');
  const then = Number(year) - yearsAgo;
  const leap = (then % 4 === 0 && then % 100 !== 0) || then % 400 === 0;
  return `${then}-${month}-${month === '02' && dayOf === '29' && !leap ? '28' : dayOf}`;
}

/** The filters of a list of patients as FHIR search parameters. */
export function conditionsFor(filters: PatientFilters, person: Person, now: Date): Params {
  const params: Params = {};
  if (filters.sex) params.gender = filters.sex;
  const range = AGES[filters.age];
  if (range) {
    const [atLeast, below] = range;
    const born: string[] = [];
    if (atLeast > 0) born.push(`le${bornOn(today(now), atLeast)}`);
    if (below !== null) born.push(`gt${bornOn(today(now), below)}`);
    params.birthdate = born;
  }
  if (filters.whose === 'ours' && person.institution) params.organization = person.institution.reference;
  if (filters.whose === 'mine' && person.agent) params['general-practitioner'] = person.agent;
  return params;
}
