import { expect, test } from 'vitest';
import { chinese } from '../locale/locale';
import { scanStateOf } from './scan';
import { happeningsOf } from './timeline';

const tagged = (code: string) => ({
  resourceType: 'DocumentReference' as const,
  status: 'current' as const,
  id: 'd',
  meta: {
    tag: [
      { system: 'https://example.org', code: 'infected' },
      { system: 'https://yilian.example/fhir/CodeSystem/scan-state', code },
    ],
  },
  content: [],
});

test('the state of a document is what the server tagged it with, and clean needs no word', () => {
  expect(scanStateOf(tagged('not-scanned'))).toBe('not-scanned');
  expect(scanStateOf(tagged('infected'))).toBe('infected');
  expect(scanStateOf(tagged('clean'))).toBeUndefined();
  expect(scanStateOf({ resourceType: 'DocumentReference', meta: {} })).toBeUndefined();
});

test('the timeline keeps the state of each document', () => {
  const [happening] = happeningsOf([tagged('waiting')], { lang: 'zh', t: chinese, birthDate: undefined });
  expect(happening?.scan).toBe('waiting');
  expect(chinese('scan.waiting')).toBe('安全检查中');
});
