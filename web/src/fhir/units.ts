import type { Lang } from '../locale/locale';

/** Units as people write them. FHIR carries UCUM (`mm[Hg]`, `10*9/L`), printed sheets do not. [both] or [中文, English]. */
const UNITS: Readonly<Record<string, string | readonly [string, string]>> = {
  'mm[Hg]': 'mmHg',
  '10*9/L': '×10⁹/L',
  '10*12/L': '×10¹²/L',
  '10*3/uL': '×10³/μL',
  '10*6/uL': '×10⁶/μL',
  'umol/L': 'μmol/L',
  'ug/L': 'μg/L',
  'ug/mL': 'μg/mL',
  'm[IU]/L': 'mIU/L',
  'k[IU]/L': 'kIU/L',
  'kg/m2': 'kg/m²',
  Cel: '℃',
  '[pH]': '',
  pH: '',
  '{INR}': '',
  '/min': ['次/分', '/min'],
  '{beats}/min': ['次/分', '/min'],
  '{score}': ['分', 'points'],
  '(score)': ['分', 'points'],
  '{count}': ['次', ''],
  'mL/min/{1.73_m2}': 'mL/min/1.73m²',
  'mL/min/1.73_m2': 'mL/min/1.73m²',
  '1': '',
};

export function unitText(unit: string | undefined, lang: Lang): string {
  if (!unit) return '';
  const known = UNITS[unit];
  if (typeof known === 'string') return known;
  if (known) return known[lang === 'zh' ? 0 : 1];
  // An annotation in braces is a remark, not a unit: {nominal}, {T-score}.
  return unit.replace(/\{[^}]*\}/g, '');
}
