import type { Encounter } from 'fhir/r4';
import type { Key, Translate } from '../locale/locale';
import { conceptText } from './concept';
import { instant } from './dates';

const KNOWN = ['AMB', 'IMP', 'EMER', 'ACUTE', 'NONAC', 'OBSENC', 'SS', 'HH', 'VR', 'urgent', 'wellness'];

/** 门诊, 住院, 急诊 …: the class, never its code. */
export function encounterKind(encounter: Encounter, t: Translate): string {
  const code = encounter.class.code ?? '';
  const known = KNOWN.find((one) => one.toLowerCase() === code.toLowerCase());
  return known ? t(`encounter.class.${known}` as Key) : (encounter.class.display ?? t('encounter.class.other'));
}

/** What it was about: kind of visit, complaint and diagnoses, each said once. */
export function encounterReasons(encounter: Encounter): string[] {
  const words = [
    ...(encounter.type ?? []).map(conceptText),
    ...(encounter.reasonCode ?? []).map(conceptText),
    ...(encounter.diagnosis ?? []).map((diagnosis) => diagnosis.condition.display ?? ''),
  ];
  return [...new Set(words.filter(Boolean))];
}

const DAY_MS = 86_400_000;

/** Days of a stay, counted as nights and at least one; null for what ended on its first day or is no stay. */
export function stayDays(encounter: Encounter): number | null {
  const { start, end } = encounter.period ?? {};
  const length = instant(end) - instant(start);
  return encounter.class.code === 'IMP' && length >= DAY_MS / 4 ? Math.max(1, Math.round(length / DAY_MS)) : null;
}

/** The person who saw the patient: the attending one when several are named. */
export function encounterDoctor(encounter: Encounter) {
  const people = (encounter.participant ?? []).filter((one) => one.individual);
  const attending = people.find((one) =>
    one.type?.some((type) => type.coding?.some((coding) => coding.code === 'ATND')),
  );
  return (attending ?? people[0])?.individual;
}
