import type { HumanName, Identifier, Patient } from 'fhir/r4';
import type { Lang, Translate } from '../locale/locale';
import { today } from './dates';

/** Ways into a Patient, named once. */

/** Identifier systems (WS/T 364 and the house's own), as `urls.py` has them. */
export const RESIDENT_ID = 'urn:oid:2.16.156.10011.1.3';
export const HEALTH_FILE = 'urn:oid:2.16.156.10011.1.2';
export const HEALTH_CARD = 'urn:oid:2.16.156.10011.1.19';

const HAN = /\p{Script=Han}/u;

/** 张三丰 without a space; "Graham902 Kunze215" as given, family last, for names that are not Chinese. */
export function nameText(name: HumanName | undefined): string {
  if (!name) return '';
  const family = name.family ?? '';
  const given = (name.given ?? []).join(' ');
  if (HAN.test(family + given + (name.text ?? ''))) return name.text ?? family + given.replaceAll(' ', '');
  return [...(name.prefix ?? []), given, family].filter(Boolean).join(' ') || (name.text ?? '');
}

export function patientName(patient: Patient): string {
  const names = patient.name ?? [];
  return nameText(
    names.find((name) => name.use === 'official') ?? names.find((name) => name.use === 'usual') ?? names[0],
  );
}

export interface Age {
  years: number;
  /** Full months beyond the years. */
  months: number;
  /** Full days beyond the months. */
  days: number;
}

/** Age on a day (`2026-11-22`); null when the birth date is missing, later, or not precise enough to say. */
export function ageOn(birthDate: string | undefined, onDay: string): Age | null {
  if (!birthDate) return null;
  const [year, month = 1, dayOf = 1] = birthDate.split('-').map(Number) as [number, number?, number?];
  const [nowYear, nowMonth, nowDay] = onDay.split('-').map(Number) as [number, number, number];
  let years = nowYear - year;
  let months = nowMonth - month;
  let days = nowDay - dayOf;
  if (days < 0) {
    months -= 1;
    days += new Date(Date.UTC(nowYear, nowMonth - 1, 0)).getUTCDate();
  }
  if (months < 0) {
    years -= 1;
    months += 12;
  }
  return years < 0 ? null : { years, months, days: Math.max(days, 0) };
}

/** 岁 from six years on, 岁+月 from one, 月+天 below, 天 in the first month: how a ward says it. */
export function ageText(age: Age | null, t: Translate): string {
  if (!age) return t('age.unknown');
  if (age.years >= 6) return t('age.years', { y: age.years });
  if (age.years >= 1)
    return age.months ? t('age.years.months', { y: age.years, m: age.months }) : t('age.years', { y: age.years });
  if (age.months >= 1)
    return age.days ? t('age.months.days', { m: age.months, d: age.days }) : t('age.months', { m: age.months });
  return t('age.days', { d: age.days });
}

/** Age now, or at death. */
export function patientAge(patient: Patient, now: Date, t: Translate): string {
  const died = patient.deceasedDateTime;
  return ageText(ageOn(patient.birthDate, died ? died.slice(0, 10).padEnd(10, '-01') : today(now)), t);
}

export const isDeceased = (patient: Patient): boolean =>
  patient.deceasedBoolean === true || Boolean(patient.deceasedDateTime);

export function sexText(patient: Patient, t: Translate): string {
  return t(`sex.${patient.gender ?? 'unknown'}`);
}

/** The identifier a person is known by here: resident id, else health file, else card, else whatever comes first. */
export function mainIdentifier(patient: Patient): Identifier | undefined {
  const all = (patient.identifier ?? []).filter((identifier) => identifier.value && identifier.use !== 'old');
  for (const system of [RESIDENT_ID, HEALTH_FILE, HEALTH_CARD]) {
    const found = all.find((identifier) => identifier.system === system);
    if (found) return found;
  }
  return all.find((identifier) => identifier.type?.coding?.some((coding) => coding.code === 'MR')) ?? all[0];
}

/** `530***********1234`: enough to tell two people apart, not enough to use. Short values keep their last two. */
export function masked(value: string | undefined): string {
  if (!value) return '';
  if (value.length < 8) return '*'.repeat(Math.max(value.length - 2, 0)) + value.slice(-2);
  const shown = Math.min(4, Math.floor(value.length / 4));
  const head = Math.min(3, shown);
  return value.slice(0, head) + '*'.repeat(Math.min(value.length - head - shown, 11)) + value.slice(-shown);
}

export function phone(patient: Patient): string {
  const points = (patient.telecom ?? []).filter((point) => point.system === 'phone' && point.use !== 'old');
  return (points.find((point) => point.use === 'mobile') ?? points[0])?.value ?? '';
}

/** The address in one line, in the order of the reader's country. */
export function addressText(patient: Patient, lang: Lang): string {
  const address = (patient.address ?? []).find((one) => one.use !== 'old') ?? patient.address?.[0];
  if (!address) return '';
  if (address.text) return address.text;
  const large = [address.state, address.city, address.district];
  const small = address.line ?? [];
  const text = [...large, ...small].join('');
  return lang === 'zh' || HAN.test(text)
    ? [...large, ...small].filter(Boolean).join(HAN.test(text) ? '' : ' ')
    : [...small, ...large.reverse()].filter(Boolean).join(', ');
}

/** Names in an ordinary sentence or link: 张三(男,45 岁). */
export function patientLine(patient: Patient, now: Date, t: Translate): string {
  return t('patient.line', { name: patientName(patient), sex: sexText(patient, t), age: patientAge(patient, now, t) });
}

/** Blood group, when the record of identity has it (HL7's patient blood-group extensions are not in R4; ours and CN Core's end the same way). */
export function bloodGroup(patient: Patient): string {
  const found = patient.extension?.find((extension) => /blood-?(group|type)$/i.test(extension.url));
  return (
    found?.valueCodeableConcept?.text ?? found?.valueCodeableConcept?.coding?.[0]?.display ?? found?.valueString ?? ''
  );
}
