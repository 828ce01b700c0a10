/** 公民身份号码 (GB 11643-1999): its check character, and the birth date and sex it holds. `fhir/identifiers.py` has the same rules. */

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2] as const;
const CHECKS = '10X98765432';

export type Fault = 'length' | 'form' | 'date' | 'check';

export interface InNumber {
  birthDate: string;
  gender: 'male' | 'female';
}

/** As it is written: without spaces, half-width, the X large. */
export const tidy = (text: string): string => text.normalize('NFKC').replace(/\s/g, '').toUpperCase();

export function checkCharacter(first17: string): string {
  const sum = WEIGHTS.reduce((all, weight, place) => all + weight * Number(first17[place]), 0);
  return CHECKS[sum % 11] ?? '';
}

/** What is wrong with a number, or what it says. `onDay`: today, `2026-11-23`. */
export function readResidentId(number: string, onDay: string): Fault | InNumber {
  if (number.length !== 18) return 'length';
  if (!/^\d{17}[\dX]$/.test(number)) return 'form';
  const birthDate = `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`;
  if (!isDay(birthDate) || birthDate > onDay) return 'date';
  if (checkCharacter(number) !== number[17]) return 'check';
  return { birthDate, gender: Number(number[16]) % 2 ? 'male' : 'female' };
}

export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}
