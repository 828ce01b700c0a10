import type { Condition, Encounter, MedicationRequest, Observation } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { chinese } from '../../locale/locale';
import { evidenceOptions, prefilled, type RecordParts } from './prefill';

const now = new Date('2026-11-22T10:00:00+08:00');
const reader = { t: chinese, lang: 'zh' as const, birthDate: '1960-06-01' };
const NOTHING: RecordParts = {
  problems: [],
  allergies: [],
  medication: [],
  encounters: [],
  vitals: [],
  laboratory: [],
  reports: [],
  documents: [],
  imaging: [],
};

const condition = (text: string, onset: string): Condition => ({
  resourceType: 'Condition',
  id: text,
  subject: {},
  code: { text },
  onsetDateTime: onset,
});
const measured = (id: string, code: string, name: string, value: number, unit: string, when: string): Observation => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code }], text: name },
  effectiveDateTime: when,
  valueQuantity: { value, unit },
});
const laboratory = (id: string, name: string, flag: string, when: string): Observation => ({
  ...measured(id, '', name, 9, 'mmol/L', when),
  code: { text: name },
  ...(flag ? { interpretation: [{ coding: [{ code: flag }] }] } : {}),
});

describe('what the record already says', () => {
  test('new diagnoses are the impression, all of them the history', () => {
    const form = prefilled(
      { ...NOTHING, problems: [condition('心绞痛', '2026-11-19'), condition('原发性高血压', '2017-04-08')] },
      reader,
      now,
    );
    expect(form.impressions?.map((one) => one.text)).toEqual(['心绞痛']);
    expect(form.pastHistory).toBe('心绞痛（2026 年起）；原发性高血压（2017 年起）');
  });

  test('without a new diagnosis the newest one is offered', () => {
    const form = prefilled({ ...NOTHING, problems: [condition('糖尿病', '2020-01-01')] }, reader, now);
    expect(form.impressions?.map((one) => one.text)).toEqual(['糖尿病']);
  });

  test('the last visit and its signs begin the story, an old visit does not', () => {
    const visit = (start: string): Encounter => ({
      resourceType: 'Encounter',
      status: 'finished',
      class: { code: 'AMB' },
      reasonCode: [{ text: '活动后胸闷 2 周' }],
      period: { start },
    });
    const { valueQuantity: _, ...pressure } = measured('bp', '85354-9', '血压', 0, '', '2026-11-19T09:40:00+08:00');
    const vitals: Observation[] = [
      {
        ...pressure,
        component: [
          {
            code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
            valueQuantity: { value: 148, unit: 'mm[Hg]' },
          },
          {
            code: { coding: [{ system: 'http://loinc.org', code: '8462-4' }] },
            valueQuantity: { value: 84, unit: 'mm[Hg]' },
          },
        ],
      },
      measured('pulse', '8867-4', '心率', 74, '/min', '2026-11-19T09:40:00+08:00'),
      measured('height', '8302-2', '身高', 170, 'cm', '2026-11-19T09:40:00+08:00'),
    ];
    const form = prefilled({ ...NOTHING, encounters: [visit('2026-11-19T09:40:00+08:00')], vitals }, reader, now);
    expect(form.presentIllness).toBe('2026-11-19 活动后胸闷 2 周。\n血压 148/84 mmHg，心率 74 次/分。');
    const old = prefilled({ ...NOTHING, encounters: [visit('2026-05-01T09:00:00+08:00')] }, reader, now);
    expect(old.presentIllness).toBe('');
  });

  test('current medicines are the treatment so far', () => {
    const medication: MedicationRequest[] = [
      {
        resourceType: 'MedicationRequest',
        status: 'active',
        intent: 'order',
        subject: {},
        medicationCodeableConcept: { text: '阿司匹林肠溶片' },
        dosageInstruction: [{ text: '100mg 每日一次' }],
      },
    ];
    expect(prefilled({ ...NOTHING, medication }, reader, now).treatment).toBe('阿司匹林肠溶片 100mg 每日一次');
  });
});

describe('what travels along', () => {
  const parts: RecordParts = {
    ...NOTHING,
    vitals: [
      measured('pulse', '8867-4', '心率', 74, '/min', '2026-10-01'),
      measured('weight', '29463-7', '体重', 70, 'kg', '2026-10-01'),
    ],
    laboratory: [
      laboratory('new', '空腹血糖', 'H', '2026-11-14'),
      laboratory('older', '空腹血糖', 'H', '2026-08-14'),
      laboratory('normal', '甘油三酯', 'N', '2026-11-14'),
      laboratory('past', '肌酐', 'H', '2026-01-14'),
    ],
  };
  const options = evidenceOptions(parts, reader, now);
  const chosen = options.filter((option) => option.chosen).map((option) => option.reference);

  test('last signs and recent abnormal values are marked, height and weight of long ago are not', () => {
    expect(chosen).toEqual(['Observation/pulse', 'Observation/new']);
  });

  test('each test is offered once, with its last value, abnormal ones first', () => {
    expect(options.map((option) => option.reference)).toEqual([
      'Observation/pulse',
      'Observation/weight',
      'Observation/new',
      'Observation/past',
      'Observation/normal',
    ]);
  });
});
