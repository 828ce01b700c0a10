import { describe, expect, test } from 'vitest';
import { draftFaultsOf, EMPTY, faultsOf, fieldOf, type ReferForm, turned } from './form';

const FULL: ReferForm = {
  ...EMPTY,
  direction: 'up',
  specialty: '03.04',
  receiver: { reference: 'Organization/yunxi-first', display: '云溪市第一人民医院' },
  reasons: ['needs-higher-test'],
  impressions: [{ text: '心绞痛', code: 'I20.9', concept: { text: '心绞痛' } }],
  presentIllness: '活动后胸闷 2 周',
  consent: 'written',
};

const fields = (form: ReferForm) => faultsOf(form).map((fault) => fault.field);

describe('what is missing', () => {
  test('a full form has no fault', () => expect(faultsOf(FULL)).toEqual([]));

  test('an empty one names everything in the order of the page', () => {
    expect(fields(EMPTY)).toEqual([
      'direction',
      'specialty',
      'receiver',
      'reasons',
      'impressions',
      'presentIllness',
      'consent',
    ]);
  });

  test('an impression in words will do', () => {
    expect(fields({ ...FULL, impressions: [], otherImpression: '胸痛待查' })).toEqual([]);
  });

  test('only an emergency goes without consent', () => {
    expect(fields({ ...FULL, consent: 'emergency' })).toEqual(['consent']);
    expect(fields({ ...FULL, consent: 'emergency', urgency: 'stat' })).toEqual([]);
  });

  test('a reason of the other direction is a fault', () => {
    expect(fields({ ...FULL, reasons: ['long-term-chronic'] })).toEqual(['reasons']);
  });

  test('a draft needs no more than its direction', () => {
    expect(draftFaultsOf({ ...EMPTY, direction: 'down' })).toEqual([]);
    expect(draftFaultsOf(EMPTY)).toHaveLength(1);
  });
});

test('another direction drops what no longer fits and keeps the rest', () => {
  const down = turned({ ...FULL, reasons: ['needs-higher-test'] }, 'down');
  expect(down).toMatchObject({ direction: 'down', receiver: null, reasons: [], specialty: '03.04' });
  expect(turned(FULL, 'lateral').reasons).toEqual(['needs-higher-test']);
  expect(turned(FULL, 'up')).toBe(FULL);
});

test.each([
  ['ServiceRequest.performer', 'receiver'],
  ['ServiceRequest.supportingInfo[2]', 'evidence'],
  ["Parameters.parameter.where(name='consent')", 'consent'],
  ['ServiceRequest.reasonCode', 'reasons'],
  ['Patient.birthDate', null],
])('the server’s %s is the field %s', (expression, field) => {
  expect(fieldOf({ severity: 'error', code: 'invalid', expression: [expression] })).toBe(field);
});

test('another direction lets go of the place and of the alternatives', () => {
  const there = {
    ...FULL,
    slot: { reference: 'Slot/a' },
    alternatives: [{ reference: 'Organization/x' }],
    automatic: true,
  };
  expect(turned(there, 'lateral')).toMatchObject({ slot: null, alternatives: [], automatic: false, receiver: null });
  expect(turned(there, 'up')).toBe(there);
});
