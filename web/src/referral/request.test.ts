import type { ServiceRequest } from 'fhir/r4';
import { expect, test } from 'vitest';
import {
  consentOf,
  directionOf,
  evidenceOf,
  impressions,
  matter,
  reasonTexts,
  specialtyName,
  urgencyOf,
} from './request';
import { DIRECTION, REASON, SPECIALTY } from './systems';

const request: ServiceRequest = {
  resourceType: 'ServiceRequest',
  status: 'active',
  intent: 'order',
  subject: { reference: 'Patient/1' },
  category: [
    { coding: [{ system: 'http://snomed.info/sct', code: '3457005' }] },
    { coding: [{ system: DIRECTION, code: 'up' }] },
  ],
  locationCode: [{ coding: [{ system: SPECIALTY, code: '03.04', display: '心血管内科专业' }] }],
  reasonCode: [
    { coding: [{ system: REASON, code: 'infectious', display: '传染病,按规定转往定点医疗机构' }] },
    {
      coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'I20.9', display: '心绞痛' }],
      text: '心绞痛（加重）',
    },
    { text: '胸痛待查' },
  ],
  supportingInfo: [{ reference: 'Observation/1' }],
  reasonReference: [{ reference: 'Condition/2' }],
};

test('reasons of the list and diagnoses are told apart', () => {
  expect(reasonTexts(request, 'zh')).toEqual(['传染病，按规定转往定点医疗机构']);
  expect(reasonTexts(request, 'en')).toEqual(['Infectious disease']);
  expect(impressions(request).map(({ text, code }) => [text, code])).toEqual([
    ['心绞痛（加重）', 'I20.9'],
    ['胸痛待查', ''],
  ]);
  expect(matter(request, 'zh')).toBe('心绞痛（加重）');
});

test('direction, specialty and evidence are read by their systems', () => {
  expect(directionOf(request)).toBe('up');
  expect(specialtyName(request, 'zh')).toBe('心血管内科');
  expect(evidenceOf(request).map((one) => one.reference)).toEqual(['Observation/1', 'Condition/2']);
});

test('a code of the region’s own register is called as the record calls it', () => {
  const own = {
    ...request,
    locationCode: [{ coding: [{ system: SPECIALTY, code: '08.99', display: '小儿骨科专业' }] }],
  };
  expect(specialtyName(own, 'zh')).toBe('小儿骨科');
});

test('what is not said is nothing, and nothing breaks', () => {
  expect(urgencyOf(undefined)).toBe('routine');
  expect(consentOf(undefined)).toBeNull();
  expect(directionOf({ ...request, category: [] })).toBeUndefined();
  expect(matter(undefined, 'zh')).toBe('—');
});
