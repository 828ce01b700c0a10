import type { MedicationRequest } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { chinese } from '../locale/locale';
import { dosageText, drugName } from './medication';

const request = (dosage: NonNullable<MedicationRequest['dosageInstruction']>): MedicationRequest => ({
  resourceType: 'MedicationRequest',
  status: 'active',
  intent: 'order',
  subject: { reference: 'Patient/1' },
  medicationCodeableConcept: { coding: [{ code: '316672', display: 'Simvistatin 10 MG' }] },
  dosageInstruction: dosage,
});

describe('dosage', () => {
  test('in the words of the prescriber where there are any', () => {
    expect(dosageText(request([{ text: '口服' }]), chinese, 'zh')).toBe('口服');
  });
  test('else from its parts, without a dose that has no unit', () => {
    const repeat = { frequency: 2, period: 1, periodUnit: 'd' as const };
    expect(
      dosageText(request([{ timing: { repeat }, doseAndRate: [{ doseQuantity: { value: 1 } }] }]), chinese, 'zh'),
    ).toBe('每日 2 次');
    const every = { frequency: 1, period: 8, periodUnit: 'h' as const };
    const structured = request([
      { timing: { repeat: every }, doseAndRate: [{ doseQuantity: { value: 5, unit: 'mg' } }], asNeededBoolean: true },
    ]);
    expect(dosageText(structured, chinese, 'zh')).toBe('每次 5 mg，每 8 小时 1 次，必要时');
  });
});

test('a medicine goes by its name, never by its code', () => {
  expect(drugName(request([]))).toBe('Simvistatin 10 MG');
});
