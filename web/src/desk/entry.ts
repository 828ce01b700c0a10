import { isDay, tidy } from './residentId';

/** What somebody typed or scanned into the one field of the desk. */
export type Entry =
  | { kind: 'card'; code: string }
  | { kind: 'resident-id'; number: string }
  | { kind: 'visit'; number: string }
  | { kind: 'number'; number: string }
  | { kind: 'person'; name: string; birthDate: string }
  | { kind: 'short' };

const CARD = /^\d{118,2000}$/;
const VISIT = /^(MZ|ZY)\d{6,}$/;
const RESIDENT_ID = /^\d{17}[\dX]$/;
const NUMBER = /^[A-Z0-9-]{6,40}$/;
const PERSON = /^(.*?[^\d\s].*?)\s*(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?$/;

/** A code of the health card is digits alone, some five hundred of them; so no number typed by hand is taken for one. */
export function entryOf(text: string): Entry {
  const number = tidy(text);
  if (CARD.test(number)) return { kind: 'card', code: number };
  if (RESIDENT_ID.test(number)) return { kind: 'resident-id', number };
  if (VISIT.test(number)) return { kind: 'visit', number };
  const person = personOf(text.normalize('NFKC').trim());
  if (person) return person;
  return NUMBER.test(number) && /\d{4}/.test(number) ? { kind: 'number', number } : { kind: 'short' };
}

function personOf(text: string): Entry | null {
  const found = PERSON.exec(text);
  if (!found) return null;
  const [, name = '', year = '', month = '', day = ''] = found;
  const birthDate = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  return isDay(birthDate) && /\p{L}{2}/u.test(name) && !/^[A-Za-z]{1,3}$/.test(name)
    ? { kind: 'person', name: name.trim(), birthDate }
    : null;
}
