import type { ServiceRequest } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { DIRECTION, REASON, SPECIALTY } from '../systems';
import { cardOf, frameOf, newStart, proposalAddress, startingForm, startName } from './start';

const PROPOSAL: ServiceRequest = {
  resourceType: 'ServiceRequest',
  status: 'draft',
  intent: 'proposal',
  category: [{ coding: [{ system: DIRECTION, code: 'up' }] }],
  priority: 'urgent',
  subject: { reference: 'Patient/1' },
  performer: [{ reference: 'Organization/city', display: '云溪市第一人民医院' }],
  locationCode: [{ coding: [{ system: SPECIALTY, code: '03.04' }] }],
  reasonCode: [
    { coding: [{ system: REASON, code: 'critical-beyond-capability' }] },
    { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'I20.9' }], text: '心绞痛' },
  ],
  note: [{ text: '下转后随访发现:收缩压 186 mmHg' }],
};
const query = new URLSearchParams({ visit: 't1' });

describe('a visit that asks for a referral', () => {
  const start = newStart(query, { proposal: PROPOSAL });

  test('fills the form with what it proposes, and leaves the rest to the record', () => {
    const form = startingForm(start, { pastHistory: '原发性高血压', presentIllness: '血压 186/104 mmHg。' });
    expect(form).toMatchObject({
      direction: 'up',
      urgency: 'urgent',
      specialty: '03.04',
      receiver: { reference: 'Organization/city', display: '云溪市第一人民医院' },
      reasons: ['critical-beyond-capability'],
      pastHistory: '原发性高血压',
      presentIllness: '血压 186/104 mmHg。',
      question: '下转后随访发现:收缩压 186 mmHg',
      consent: '',
    });
    expect(form.impressions.map(({ text }) => text)).toEqual(['心绞痛']);
  });

  test('tells the story itself where the record tells none, and takes its diagnosis where the proposal has none', () => {
    const silent = { ...PROPOSAL, reasonCode: [] };
    const known = [{ text: '糖尿病', code: 'E11.9', concept: { text: '糖尿病' } }];
    const form = startingForm(newStart(query, { proposal: silent }), { impressions: known, presentIllness: '' });
    expect(form.impressions).toEqual(known);
    expect(form.presentIllness).toBe('下转后随访发现:收缩压 186 mmHg');
  });

  test('is a new referral of its own, kept apart from another that was begun', () => {
    expect(startName(start)).toBe('visit.t1');
    expect(startName({ kind: 'new' })).toBe('');
    expect(proposalAddress('Patient/1', 't1')).toBe('/patients/1/refer?visit=t1');
    expect(frameOf(start, { reference: 'Patient/1', display: '冉卫东' })).toEqual({
      patient: { reference: 'Patient/1', display: '冉卫东' },
    });
  });
});

test('without a proposal, or with something else in the history, a referral begins blank', () => {
  for (const state of [null, undefined, { sent: true }, { proposal: { resourceType: 'Patient' } }])
    expect(newStart(query, state)).toEqual({ kind: 'new' });
  expect(newStart(new URLSearchParams(), { proposal: PROPOSAL })).toEqual({ kind: 'new' });
});

test('a card names its criterion, what begins otherwise names none', () => {
  const proposal = {
    ...PROPOSAL,
    instantiatesCanonical: ['https://yilian.example/fhir/PlanDefinition/criterion-x|2'],
  };
  expect(cardOf({ kind: 'new', card: 'c1', proposal })).toBe(proposal.instantiatesCanonical[0]);
  expect(cardOf({ kind: 'new', visit: 't1', proposal })).toBe('');
  expect(cardOf({ kind: 'new' })).toBe('');
});
