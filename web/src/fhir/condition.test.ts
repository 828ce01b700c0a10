import type { Condition } from 'fhir/r4';
import { expect, test } from 'vitest';
import { problemsOf } from './condition';

const condition = (id: string, text: string, onsetDateTime: string, more: Partial<Condition> = {}): Condition => ({
  resourceType: 'Condition',
  id,
  subject: { reference: 'Patient/1' },
  code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: text === '高血压' ? 'I10' : 'I21.1' }], text },
  onsetDateTime,
  ...more,
});

test('a diagnosis two institutions recorded is one problem, since the earlier of them', () => {
  const problems = problemsOf([
    condition('a', '心肌梗死', '2026-11-18', { severity: { text: '重度' } }),
    condition('b', '心肌梗死', '2026-11-17'),
    condition('c', '高血压', '2021-07'),
  ]);
  expect(problems.map(({ name, since, records, severity }) => [name, since, records, severity])).toEqual([
    ['心肌梗死', '2026-11-17', 2, '重度'],
    ['高血压', '2021-07', 1, ''],
  ]);
});

test('SNOMED codes are not shown', () => {
  const snomed = condition('a', 'x', '2000', {
    code: { coding: [{ system: 'http://snomed.info/sct', code: '59621000', display: 'Hypertension (disorder)' }] },
  });
  expect(problemsOf([snomed])[0]).toMatchObject({ name: 'Hypertension', code: '' });
});
