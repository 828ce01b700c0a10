import { describe, expect, test } from 'vitest';
import { DECLINE_REASON } from '../systems';
import { isDoneAtOnce, type LegalAction, legalActions } from './legal';
import { actFaults, actFieldOf, actParameters, EMPTY_ACT, fieldsOf } from './parameters';

const action = (code: string, more: Partial<LegalAction> = {}): LegalAction => ({
  code,
  display: code,
  primary: false,
  danger: false,
  requires: [],
  optional: [],
  oneOf: [],
  ...more,
});
const PATIENT = { reference: 'Patient/1' };
const TODAY = '2026-11-22';
const sent = (one: LegalAction, form = EMPTY_ACT) => actParameters(one, form, PATIENT, TODAY).parameter;

test('$actions is read as the server says it', () => {
  const [accept] = legalActions({
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'action',
        part: [
          { name: 'code', valueCode: 'accept' },
          { name: 'display', valueString: '同意接诊' },
          { name: 'primary', valueBoolean: true },
          { name: 'danger', valueBoolean: false },
          { name: 'optional', valueCode: 'practitioner' },
          { name: 'optional', valueCode: 'start' },
        ],
      },
    ],
  });
  expect(accept).toEqual(action('accept', { display: '同意接诊', primary: true, optional: ['practitioner', 'start'] }));
  expect(legalActions({ resourceType: 'Parameters' })).toEqual([]);
});

test('a form has the fields the server names, in the order one fills them in', () => {
  const complete = action('complete', {
    requires: ['diagnosis', 'treatment', 'advice'],
    optional: ['findings', 'recordNumber', 'attachment', 'note'],
  });
  expect(fieldsOf(complete).map(({ field, required }) => `${field}${required ? '*' : ''}`)).toEqual([
    'diagnosis*',
    'findings',
    'treatment*',
    'advice*',
    'recordNumber',
    'attachment',
    'note',
  ]);
});

test('changes of medication and the next visit stand beside the advice, and the visit is sent as a day', () => {
  const complete = action('complete', { optional: ['nextVisit', 'medication', 'advice', 'treatment'] });
  expect(fieldsOf(complete).map(({ field }) => field)).toEqual(['treatment', 'medication', 'advice', 'nextVisit']);
  expect(sent(complete)).toHaveLength(1);
  expect(sent(complete, { ...EMPTY_ACT, medication: ' 停用阿司匹林 ', nextVisit: '2026-12-07' })).toEqual([
    { name: 'action', valueCode: 'complete' },
    { name: 'medication', valueString: '停用阿司匹林' },
    { name: 'nextVisit', valueDate: '2026-12-07' },
  ]);
});

test('a parameter the pages do not know makes no field', () => {
  expect(fieldsOf(action('book', { requires: ['spaceship'], optional: ['note'] })).map(({ field }) => field)).toEqual([
    'note',
  ]);
});

test('only what is harmless and asks for nothing is done with one click', () => {
  expect(isDoneAtOnce(action('approve', { optional: ['note'] }))).toBe(true);
  expect(isDoneAtOnce(action('arrive'))).toBe(false);
});

describe('faults', () => {
  test('what is required and missing', () => {
    expect(actFaults(action('ask', { requires: ['question'] }), EMPTY_ACT)).toEqual([
      { field: 'question', kind: 'missing' },
    ]);
    expect(actFaults(action('ask', { requires: ['question'] }), { ...EMPTY_ACT, question: '？' })).toEqual([]);
  });

  test('one of several', () => {
    const report = action('report', { optional: ['note', 'findings'], oneOf: ['note', 'findings'] });
    expect(actFaults(report, EMPTY_ACT)).toEqual([{ field: 'findings', kind: 'one-of' }]);
    expect(actFaults(report, { ...EMPTY_ACT, note: '平稳' })).toEqual([]);
  });

  test('the reason "other" says which', () => {
    const decline = action('decline', { requires: ['reason'], optional: ['note'] });
    expect(actFaults(decline, { ...EMPTY_ACT, reason: 'other' })).toEqual([{ field: 'note', kind: 'say-which' }]);
  });

  test('a plan with holes', () => {
    const plan = { wanted: true, title: '', goals: '', visits: [], measures: '' };
    expect(actFaults(action('accept', { optional: ['plan'] }), { ...EMPTY_ACT, plan })).toEqual([
      { field: 'plan', kind: 'plan' },
    ]);
  });
});

describe('Parameters of $act', () => {
  test('carry what was given and nothing else', () => {
    const accept = action('accept', { optional: ['practitioner', 'start', 'plan', 'note'] });
    expect(sent(accept)).toEqual([{ name: 'action', valueCode: 'accept' }]);
    expect(
      sent(accept, {
        ...EMPTY_ACT,
        practitioner: { reference: 'Practitioner/expert' },
        start: { day: '2026-11-25', time: '09:30' },
        note: ' 请空腹 ',
        question: 'not this action’s',
      }),
    ).toEqual([
      { name: 'action', valueCode: 'accept' },
      { name: 'practitioner', valueReference: { reference: 'Practitioner/expert' } },
      { name: 'start', valueDateTime: '2026-11-25T09:30:00+08:00' },
      { name: 'note', valueString: '请空腹' },
    ]);
  });

  test('half a time is a fault: a day without a time is not left out in silence', () => {
    const accept = action('accept', { optional: ['start'] });
    const half = [{ field: 'start', kind: 'half' }];
    expect(actFaults(accept, { ...EMPTY_ACT, start: { day: '2026-11-25', time: '' } })).toEqual(half);
    expect(actFaults(accept, { ...EMPTY_ACT, start: { day: '', time: '09:30' } })).toEqual(half);
    expect(actFaults(accept, { ...EMPTY_ACT, start: { day: '2026-11-25', time: '09:30' } })).toEqual([]);
    expect(actFaults(accept, EMPTY_ACT)).toEqual([]);
  });

  test('declining names a code of its list, cancelling words', () => {
    const reason = (code: string, text: string) =>
      sent(action(code, { requires: ['reason'] }), { ...EMPTY_ACT, reason: text })?.[1]?.valueCodeableConcept;
    expect(reason('decline', 'no-capacity')).toEqual({
      coding: [{ system: DECLINE_REASON, code: 'no-capacity', display: '暂无床位或号源' }],
    });
    expect(reason('cancel', '患者已自行就诊')).toEqual({ text: '患者已自行就诊' });
  });

  test('diagnoses and attachments repeat', () => {
    const names = sent(action('complete', { requires: ['diagnosis'], optional: ['attachment'] }), {
      ...EMPTY_ACT,
      diagnosis: [{ text: '冠心病' }, { text: '高血压' }],
      attachment: ['DiagnosticReport/1'],
    })?.map((one) => one.name);
    expect(names).toEqual(['action', 'diagnosis', 'diagnosis', 'attachment']);
  });
});

test('the field a fault of the server speaks of is found', () => {
  expect(actFieldOf("Parameters.parameter.where(name='advice')")).toBe('advice');
  expect(actFieldOf("Parameters.parameter.where(name='plan').resource.activity[0]")).toBe('plan');
  expect(actFieldOf('Parameters')).toBeNull();
});
