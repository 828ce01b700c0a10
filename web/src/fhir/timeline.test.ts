import type { FhirResource, Observation } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { chinese } from '../locale/locale';
import { byMonth, happeningsOf } from './timeline';

const reader = { lang: 'zh' as const, t: chinese, birthDate: '1961-03-14' };
const subject = { reference: 'Patient/1' };

const observation = (id: string, code: string, when: string, encounter: string, value = 5): Observation => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  category: [{ coding: [{ code: 'laboratory' }] }],
  code: { coding: [{ system: 'http://loinc.org', code }] },
  subject,
  encounter: { reference: encounter },
  effectiveDateTime: when,
  valueQuantity: { value, unit: 'mmol/L' },
  referenceRange: [{ high: { value: 6 } }],
});

const story: FhirResource[] = [
  {
    resourceType: 'Encounter',
    id: 'e2',
    status: 'finished',
    class: { code: 'AMB' },
    type: [{ text: 'Encounter for check up (procedure)' }],
    reasonCode: [{ text: '头晕' }],
    period: { start: '2026-11-20T09:00:00+08:00' },
    serviceProvider: { reference: 'Organization/qingshi', display: '青石镇卫生院' },
  },
  observation('o1', '2339-0', '2026-11-20T09:10:00+08:00', 'Encounter/e2', 8),
  {
    resourceType: 'Condition',
    id: 'c1',
    subject,
    code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'I10' }], text: '高血压' },
    onsetDateTime: '2026-11-20',
    severity: { text: '重度' },
  },
  observation('o2', '2823-3', '2026-11-20T09:12:00+08:00', 'Encounter/e2'),
  observation('o3', '2823-3', '2026-10-02T09:12:00+08:00', 'Encounter/e1'),
  { resourceType: 'Claim', id: 'x' } as FhirResource,
];

describe('the story of a patient', () => {
  const happenings = happeningsOf(story, reader);

  test('puts the results of one visit together and leaves money out', () => {
    expect(happenings.map((one) => `${one.kind} ${one.title}`)).toEqual([
      'Encounter 门诊',
      'Observation 检验 2 项',
      'Condition 高血压',
      'Observation 钾',
    ]);
    expect(happenings[1]?.results.filter((result) => result.mark).map((result) => result.name)).toEqual(['血糖']);
  });

  test('says names, with the ICD-10 code aside', () => {
    expect(happenings[2]).toMatchObject({ code: 'I10', detail: '重度' });
    expect(happenings[0]?.detail).toBe('Encounter for check up、头晕');
  });

  test('knows where, or through which visit it can be found', () => {
    expect(happenings[0]?.where?.display).toBe('青石镇卫生院');
    expect(happenings[3]).toMatchObject({ where: undefined, encounter: 'Encounter/e1', detail: '5 mmol/L' });
  });

  test('goes by months of the region', () => {
    expect(byMonth(happenings).map(({ month, happenings: its }) => [month, its.length])).toEqual([
      ['2026-11', 3],
      ['2026-10', 1],
    ]);
  });
});
