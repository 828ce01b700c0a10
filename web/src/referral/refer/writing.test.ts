import type { ServiceRequest } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { consentOf, formPart } from '../request';
import { CONSENT, SENDER } from '../systems';
import { EMPTY, type ReferForm } from './form';
import { draftParameters, formOf, referParameters, requestOf } from './writing';

const FORM: ReferForm = {
  ...EMPTY,
  direction: 'up',
  urgency: 'urgent',
  specialty: '03.04',
  receiver: { reference: 'Organization/yunxi-first', display: '云溪市第一人民医院' },
  reasons: ['needs-higher-test'],
  impressions: [
    {
      text: '心绞痛',
      code: 'I20.9',
      concept: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'I20.9' }], text: '心绞痛' },
    },
  ],
  otherImpression: '胸痛待查',
  presentIllness: '活动后胸闷 2 周',
  pastHistory: '高血压 9 年',
  treatment: ' 阿司匹林 100 mg ',
  question: '请评估介入指征',
  careType: 'inpatient',
  transport: '家属陪送',
  consent: 'oral',
  evidence: ['Observation/1', 'DiagnosticReport/2'],
};
const FRAME = { patient: { reference: 'Patient/7', display: '冉卫东' } };
const NAMES = new Map([['Observation/1', '血压']]);
const SIGNED = {
  by: { reference: 'Practitioner/gp', display: '陈志远(青石镇卫生院)' },
  at: '2026-11-22T01:00:00.000Z',
};

describe('the form as a ServiceRequest', () => {
  const request = requestOf(FORM, FRAME, NAMES);

  test('says everything the server asks for', () => {
    expect(request).toMatchObject({
      resourceType: 'ServiceRequest',
      status: 'draft',
      intent: 'order',
      subject: FRAME.patient,
      priority: 'urgent',
      performer: [FORM.receiver],
      supportingInfo: [{ reference: 'Observation/1', display: '血压' }, { reference: 'DiagnosticReport/2' }],
    });
    expect(request.category?.[0]?.coding?.[0]?.code).toBe('up');
    expect(request.locationCode?.[0]?.coding?.[0]).toMatchObject({ code: '03.04', display: '心血管内科' });
    expect(request.reasonCode).toHaveLength(3);
  });

  test('the fields of the paper form travel in one extension, without spaces around and without empty ones', () => {
    expect(formPart(request, 'treatment')).toBe('阿司匹林 100 mg');
    expect(formPart(request, 'care-type')).toBe('inpatient');
    expect(formPart(request, 'escort')).toBe('');
    expect(request.extension?.[0]?.extension).toHaveLength(5);
  });

  test('an unfinished draft has nothing empty in it', () => {
    const draft = requestOf({ ...EMPTY, direction: 'up' }, FRAME);
    expect(Object.keys(draft).sort()).toEqual(['category', 'intent', 'priority', 'resourceType', 'status', 'subject']);
  });

  test('a down-referral names the referral it answers', () => {
    expect(requestOf(FORM, { ...FRAME, basedOn: 'ServiceRequest/1' }).basedOn).toEqual([
      { reference: 'ServiceRequest/1' },
    ]);
  });

  test('goes back into the form as it was', () => {
    const stored: ServiceRequest = {
      ...request,
      note: [{ text: FORM.question }],
      extension: [
        ...(request.extension ?? []),
        { url: SENDER, valueReference: { reference: 'Organization/qingshi' } },
        { url: CONSENT, extension: [{ url: 'way', valueCoding: { code: 'oral' } }] },
      ],
    };
    expect(formOf(stored)).toEqual({ ...FORM, treatment: '阿司匹林 100 mg' });
  });
});

test('$refer carries request, consent, words and whether to send', () => {
  const parameters = referParameters(FORM, requestOf(FORM, FRAME), true);
  expect(parameters.parameter?.map((one) => one.name)).toEqual(['request', 'consent', 'note', 'submit']);
  expect(parameters.parameter?.[1]?.valueCode).toBe('oral');
  const bare = referParameters({ ...FORM, consent: '', question: ' ' }, requestOf(FORM, FRAME), false);
  expect(bare.parameter?.map((one) => one.name)).toEqual(['request', 'submit']);
});

describe('a draft that is rewritten', () => {
  const old: ServiceRequest = {
    ...requestOf(FORM, FRAME),
    note: [{ text: FORM.question, time: '2026-11-20T00:00:00Z' }],
    extension: [
      {
        url: CONSENT,
        extension: [
          { url: 'way', valueCoding: { code: 'oral' } },
          { url: 'time', valueDateTime: '2026-11-20T00:00:00Z' },
        ],
      },
    ],
  };
  const written = (form: ReferForm) =>
    draftParameters('revise', form, FRAME, old, SIGNED).parameter?.[1]?.resource as ServiceRequest;

  test('keeps consent and words with their time where they stay the same', () => {
    expect(consentOf(written(FORM))).toMatchObject({ way: 'oral', time: '2026-11-20T00:00:00Z' });
    expect(written(FORM).note).toEqual(old.note);
  });

  test('signs anew what was changed', () => {
    const changed = written({ ...FORM, consent: 'written', question: '请收住院' });
    expect(consentOf(changed)).toMatchObject({ way: 'written', time: SIGNED.at, by: SIGNED.by.display });
    expect(changed.note).toEqual([{ authorReference: SIGNED.by, time: SIGNED.at, text: '请收住院' }]);
  });

  test('forgets a consent that was taken back', () => {
    expect(consentOf(written({ ...FORM, consent: '' }))).toBeNull();
  });
});

describe('a place and alternatives', () => {
  const more: ReferForm = {
    ...FORM,
    slot: { reference: 'Slot/a' },
    alternatives: [{ reference: 'Organization/yunxi-tcm' }, { reference: 'Organization/yunxi-first' }],
    automatic: true,
  };
  const names = (form: ReferForm, submit: boolean) =>
    (referParameters(form, requestOf(form, FRAME), submit).parameter ?? []).map((one) => one.name);

  test('travel with what is sent; the receiver is no alternative to itself', () => {
    expect(names(more, true)).toEqual(['request', 'consent', 'note', 'slot', 'alternatives', 'automatic', 'submit']);
    expect(names({ ...more, alternatives: [more.receiver ?? {}] }, true)).not.toContain('automatic');
  });

  test('a draft takes neither', () => expect(names(more, false)).toEqual(['request', 'consent', 'note', 'submit']));
});
