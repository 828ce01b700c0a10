import { expect, test } from 'vitest';
import { answerOf, daysLeft, emptyVisit, fieldOf, visitParameters, withoutContradiction } from './visit';

test('what was left empty is not sent, and numbers keep their digits', () => {
  const form = {
    ...emptyVisit('2026-11-23'),
    measures: { systolic: '136', diastolic: '84', glucose: ' 7.20 ' },
    symptoms: ['none'],
  };
  const sent = Object.fromEntries((visitParameters(form).parameter ?? []).map((one) => [one.name, one.valueString]));
  expect(sent).toEqual({
    on: '2026-11-23',
    way: 'clinic',
    systolic: '136',
    diastolic: '84',
    glucose: '7.20',
    symptom: 'none',
    outcome: 'continue',
  });
});

test('the answer says what asks for a referral', () => {
  const answer = answerOf({
    resourceType: 'Parameters',
    parameter: [{ name: 'alarm', valueString: '收缩压 186 mmHg' }],
  });
  expect(answer.alarms).toEqual(['收缩压 186 mmHg']);
  expect(answer.proposal).toBeUndefined();
});

test('a fault is found by its field and days are counted over the end of a month', () => {
  expect(fieldOf("Parameters.parameter.where(name='systolic')")).toBe('systolic');
  expect(daysLeft('2026-12-02', '2026-11-30')).toBe(2);
  expect(daysLeft('2026-11-29', '2026-12-01')).toBe(-2);
});

test('no symptom and a symptom are not ticked together', () => {
  expect(withoutContradiction([], ['none'])).toEqual(['none']);
  expect(withoutContradiction(['chest', 'oedema'], ['chest', 'oedema', 'none'])).toEqual(['none']);
  expect(withoutContradiction(['none'], ['none', 'chest'])).toEqual(['chest']);
  expect(withoutContradiction(['chest'], ['chest', 'thirst'])).toEqual(['chest', 'thirst']);
  expect(withoutContradiction(['none'], [])).toEqual([]);
});
