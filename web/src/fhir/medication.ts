import type { Dosage, MedicationRequest } from 'fhir/r4';
import type { Key, Lang, Translate } from '../locale/locale';
import { conceptText } from './concept';
import { unitText } from './units';

export const drugName = (request: MedicationRequest): string =>
  conceptText(request.medicationCodeableConcept) || (request.medicationReference?.display ?? '');

export const isCurrent = (request: MedicationRequest): boolean =>
  request.status === 'active' || request.status === 'on-hold';

/** How it is taken: the prescriber's words, else put together from the structured dosage. */
export function dosageText(request: MedicationRequest, t: Translate, lang: Lang): string {
  return (request.dosageInstruction ?? [])
    .map((dosage) => oneDosage(dosage, t, lang))
    .filter(Boolean)
    .join(lang === 'zh' ? '；' : '; ');
}

function oneDosage(dosage: Dosage, t: Translate, lang: Lang): string {
  if (dosage.text) return dosage.text;
  const words: string[] = [];
  const route = conceptText(dosage.route);
  if (route) words.push(route);
  const dose = dosage.doseAndRate?.[0]?.doseQuantity;
  // A dose without a unit ("1") says nothing a person could follow.
  if (dose?.value !== undefined && (dose.unit ?? dose.code)) {
    words.push(t('med.dose', { dose: `${dose.value} ${unitText(dose.unit ?? dose.code, lang)}`.trim() }));
  }
  const { frequency, period, periodUnit } = dosage.timing?.repeat ?? {};
  if (frequency && period && periodUnit) {
    const unit = t(`unit.${periodUnit}` as Key);
    words.push(period === 1 ? t('med.times.one', { unit, frequency }) : t('med.times', { period, unit, frequency }));
  }
  if (dosage.asNeededBoolean) words.push(t('med.asneeded'));
  return words.join(lang === 'zh' ? '，' : ', ');
}
