import type { ParametersParameter } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { EMPTY } from '../referral/refer/form';
import { requestOf } from '../referral/refer/writing';
import { criteriaOf } from './answers';
import { followed } from './CriteriaField';
import { holds, keyOf, moreUrgent, verdictsOf, worthShowing } from './verdict';

const BASE = 'https://yilian.example/fhir/PlanDefinition/criterion-';
const part = (state: string, extra: ParametersParameter[] = []) => ({
  name: 'criterion',
  part: [
    { name: 'criterion', valueCanonical: `${BASE}hypertension-severe|2026.1` },
    { name: 'title', valueString: '血压 ≥180/110 mmHg' },
    { name: 'direction', valueCode: 'up' },
    { name: 'urgency', valueCode: 'urgent' },
    { name: 'state', valueCoding: { code: state } },
    { name: 'reason', valueCode: 'critical-beyond-capability' },
    { name: 'specialty', valueCode: '03.04' },
    {
      name: 'finding',
      part: [
        { name: 'key', valueString: 'hypertension-severe.high' },
        { name: 'text', valueString: '收缩压 ≥180 mmHg' },
        { name: 'state', valueCode: state === 'met' ? 'found' : 'near' },
        {
          name: 'value',
          part: [
            { name: 'text', valueString: '186 mmHg' },
            { name: 'reference', valueReference: { reference: 'Observation/o1' } },
          ],
        },
      ],
    },
    ...extra,
  ],
});
const one = (state: string, extra: ParametersParameter[] = []) => {
  const [verdict] = verdictsOf({ resourceType: 'Parameters', parameter: [part(state, extra)] });
  if (!verdict) throw new Error('no verdict');
  return verdict;
};

describe('a verdict', () => {
  test('tells which value met which rule', () => {
    const verdict = one('met');
    expect(keyOf(verdict.canonical)).toBe('hypertension-severe');
    expect(verdict.findings[0]?.values[0]).toMatchObject({ text: '186 mmHg', reference: 'Observation/o1' });
    expect(holds(verdict)).toBe(true);
    expect(worthShowing(one('lacking'))).toBe(false);
  });

  test('does not hold while something urgent speaks against it', () => {
    expect(holds(one('met', [{ name: 'heldBy', valueString: '休克' }]))).toBe(false);
  });

  test('the more urgent of two wins', () => {
    expect(moreUrgent('stat', 'routine')).toBe('stat');
    expect(moreUrgent('routine', 'asap')).toBe('asap');
  });
});

describe('a followed criterion', () => {
  test('fills reason, urgency and specialty, and leaves what was chosen', () => {
    const form = followed({ ...EMPTY, direction: 'up', specialty: '20', urgency: 'stat' }, one('met'));
    expect(form).toMatchObject({ specialty: '20', urgency: 'stat', reasons: ['critical-beyond-capability'] });
    expect(followed(EMPTY, one('met'))).toMatchObject({ direction: 'up', specialty: '03.04', urgency: 'urgent' });
  });

  test('travels with the request and comes back from it', () => {
    const form = followed(EMPTY, one('met'));
    const request = requestOf(form, { patient: { reference: 'Patient/1' } });
    expect(criteriaOf(request.extension)).toEqual(form.criteria);
    expect(form.criteria[0]).toMatchObject({ answer: 'followed', evidence: ['Observation/o1'] });
  });
});
