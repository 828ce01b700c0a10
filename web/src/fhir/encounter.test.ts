import type { Encounter } from 'fhir/r4';
import { expect, test } from 'vitest';
import { chinese } from '../locale/locale';
import { encounterDoctor, encounterKind, encounterReasons, stayDays } from './encounter';

const stay: Encounter = {
  resourceType: 'Encounter',
  status: 'finished',
  class: { code: 'IMP' },
  type: [{ text: '心内科住院' }],
  reasonCode: [{ text: '胸痛' }],
  diagnosis: [{ condition: { display: '急性心肌梗死' } }, { condition: { display: '胸痛' } }],
  period: { start: '2026-11-01T20:00:00+08:00', end: '2026-11-07T10:30:00+08:00' },
  participant: [
    { individual: { display: '护士' } },
    { individual: { display: '周明' }, type: [{ coding: [{ code: 'ATND' }] }] },
  ],
};

test('the class is said in words, also when it is written in capitals or unknown', () => {
  expect(encounterKind(stay, chinese)).toBe('住院');
  expect(encounterKind({ ...stay, class: { code: 'WELLNESS' } }, chinese)).toBe('体检');
  expect(encounterKind({ ...stay, class: { code: '??' } }, chinese)).toBe('就诊');
});

test('reasons and diagnoses are each said once', () => {
  expect(encounterReasons(stay)).toEqual(['心内科住院', '胸痛', '急性心肌梗死']);
});

test('a stay is counted in days, a visit is not', () => {
  expect(stayDays(stay)).toBe(6);
  expect(stayDays({ ...stay, class: { code: 'AMB' } })).toBeNull();
  expect(stayDays({ ...stay, period: { start: '2026-11-01' } })).toBeNull();
});

test('the attending doctor is the one named', () => {
  expect(encounterDoctor(stay)?.display).toBe('周明');
});
