import type { Observation } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { chinese } from '../locale/locale';
import {
  isCritical,
  numberText,
  placesOf,
  type Reader,
  type Result,
  rangeText,
  resultsOf,
  seriesOf,
  testName,
  valueText,
} from './observation';

const reader: Reader = { lang: 'zh', t: chinese, birthDate: '1961-03-14' };

function laboratory(more: Partial<Observation>): Observation {
  return {
    resourceType: 'Observation',
    status: 'final',
    category: [{ coding: [{ code: 'laboratory' }] }],
    code: { coding: [{ system: 'http://loinc.org', code: '2339-0', display: 'Glucose' }], text: 'Glucose' },
    effectiveDateTime: '2026-11-20T08:00:00+08:00',
    ...more,
  };
}

function one(observation: Observation, as: Reader = reader): Result {
  const [result] = resultsOf(observation, as);
  if (!result) throw new Error('no result');
  return result;
}

const glucose = (value: number, more: Partial<Observation> = {}) =>
  laboratory({ valueQuantity: { value, unit: 'mmol/L' }, ...more });
const range = [{ low: { value: 3.9, unit: 'mmol/L' }, high: { value: 6.1, unit: 'mmol/L' } }];

describe('names', () => {
  test('an English name of a well-known code is said in Chinese', () => {
    expect(one(glucose(5)).name).toBe('血糖');
  });
  test('a Chinese name is kept, and said in English to an English reader', () => {
    const concept = {
      coding: [{ system: 'http://loinc.org', code: '1558-6', display: '空腹血糖' }],
      text: '空腹血糖(静脉)',
    };
    expect(testName(concept, 'zh')).toBe('空腹血糖(静脉)');
    expect(testName(concept, 'en')).toBe('Fasting glucose');
  });
  test('an unknown code is called what the record calls it, never by its code', () => {
    expect(testName({ coding: [{ system: 'http://loinc.org', code: '0-0', display: 'Odd\u200bity' }] }, 'zh')).toBe(
      'Oddity',
    );
    expect(testName({ coding: [{ system: 'http://loinc.org', code: '0-0' }] }, 'zh')).toBe('');
  });
});

describe('marks', () => {
  test('what the laboratory said comes first', () => {
    const said = one(glucose(5, { referenceRange: range, interpretation: [{ coding: [{ code: 'HH' }] }] }));
    expect(said).toMatchObject({ mark: 'critical-high', markSource: 'record' });
    expect(isCritical(said.mark)).toBe(true);
    expect(one(glucose(9, { referenceRange: range, interpretation: [{ coding: [{ code: 'N' }] }] })).mark).toBeNull();
  });
  test('else the printed range decides, its ends being normal', () => {
    expect(one(glucose(6.2, { referenceRange: range }))).toMatchObject({ mark: 'high', markSource: 'range' });
    expect(one(glucose(6.1, { referenceRange: range })).mark).toBeNull();
    expect(one(glucose(3.8, { referenceRange: range })).mark).toBe('low');
  });
  test('a range in another unit says nothing about the value', () => {
    const result = one(glucose(97, { referenceRange: [{ high: { value: 6.1, unit: 'g/L' } }] }));
    expect(result.mark).toBeNull();
    expect(rangeText(result)).toBe('');
  });
  test('a laboratory value without a range is never judged by us', () => {
    expect(one(laboratory({ valueQuantity: { value: 400, unit: 'mg/dL' } })).mark).toBeNull();
  });
});

describe('blood pressure', () => {
  const pressure = (systolic: number, diastolic: number): Observation => ({
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '55284-4', display: 'Blood Pressure' }] },
    effectiveDateTime: '2026-11-20T08:00:00+08:00',
    component: [
      {
        code: { coding: [{ system: 'http://loinc.org', code: '8462-4' }] },
        valueQuantity: { value: diastolic, unit: 'mm[Hg]' },
      },
      {
        code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
        valueQuantity: { value: systolic, unit: 'mm[Hg]' },
      },
    ],
  });
  const systolicMark = (value: number, as = reader) => resultsOf(pressure(value, 70), as)[1]?.mark;

  test('is two results with readable units', () => {
    const results = resultsOf(pressure(148, 92), reader);
    expect(results.map((result) => `${result.name} ${valueText(result, chinese)}`)).toEqual([
      '舒张压 92 mmHg',
      '收缩压 148 mmHg',
    ]);
  });
  test('of an adult is judged by the limits of the national guideline', () => {
    expect(systolicMark(139)).toBeNull();
    expect(systolicMark(140)).toBe('high');
    expect(systolicMark(180)).toBe('critical-high');
    expect(systolicMark(89)).toBe('low');
  });
  test('of a child, or of somebody of unknown age, is not', () => {
    expect(systolicMark(150, { ...reader, birthDate: '2020-01-01' })).toBeNull();
    expect(systolicMark(150, { ...reader, birthDate: undefined })).toBeNull();
  });
});

describe('values in words', () => {
  test.each([
    [{ valueCodeableConcept: { text: 'Never smoker (finding)' } }, 'Never smoker'],
    [{ valueString: '阴性' }, '阴性'],
    [{ valueBoolean: true }, '是'],
    [{ valueInteger: 12 }, '12'],
    [{ valueQuantity: { value: 0.01, comparator: '<' as const, unit: 'ug/L' } }, '<0.01 μg/L'],
    [{ valueQuantity: { value: 4.6, unit: '%' } }, '4.6%'],
    [{ valueQuantity: { value: 6.2, unit: '10*9/L' } }, '6.2 ×10⁹/L'],
    [{}, '未给出结果'],
  ])('%j is shown as %s', (more, shown) => {
    expect(valueText(one(laboratory(more)), chinese)).toBe(shown);
  });
});

test('numbers a machine computed are shortened, those a person wrote are not', () => {
  expect(numberText(97.12336842304296)).toBe('97.1');
  expect(numberText(3.3721239)).toBe('3.37');
  expect(numberText(0.00712345)).toBe('0.007');
  expect(numberText(0.012)).toBe('0.012');
  expect(placesOf(140)).toBe(0);
});

test('a series is even in its decimals, newest first, and its range too', () => {
  const results = [
    glucose(6, { effectiveDateTime: '2026-01-01' }),
    glucose(6.2, { referenceRange: [{ low: { value: 4 }, high: { value: 6 } }] }),
  ];
  const [series] = seriesOf(results.flatMap((observation) => resultsOf(observation, reader)));
  expect(series?.results.map((result) => valueText(result, chinese, series.places))).toEqual([
    '6.2 mmol/L',
    '6.0 mmol/L',
  ]);
  expect(series && rangeText(series.latest, series.places)).toBe('4.0–6.0');
});
