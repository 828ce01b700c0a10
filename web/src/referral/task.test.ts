import type { Provenance, Task } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { stateCode } from './state';
import { ACTION, ARRANGED, NOTE, OUTPUT, SENDER, STATE } from './systems';
import { arrangedOf, conversationOf, outputsOf, outputText, roadOf, signature } from './task';

const task: Task = {
  resourceType: 'Task',
  id: 't',
  status: 'accepted',
  intent: 'order',
  authoredOn: '2026-11-20T10:00:00+08:00',
  requester: { display: '陈志远' },
  businessStatus: {
    coding: [
      { system: 'other', code: 'x' },
      { system: STATE, code: 'accepted' },
    ],
  },
  extension: [
    { url: SENDER, valueReference: { reference: 'Organization/qingshi', display: '青石镇卫生院' } },
    {
      url: ARRANGED,
      extension: [
        { url: 'practitioner', valueReference: { reference: 'Practitioner/expert', display: '沈立新' } },
        { url: 'start', valueDateTime: '2026-11-25T09:30:00+08:00' },
      ],
    },
  ],
  note: [
    {
      extension: [{ url: NOTE, valueCode: 'ask' }],
      authorReference: { reference: 'Practitioner/c', display: '周丽娟(云溪市第一人民医院)' },
      time: '2026-11-20T12:00:00+08:00',
      text: '请补充心电图',
    },
  ],
  output: [
    { type: { coding: [{ system: OUTPUT, code: 'diagnosis' }] }, valueCodeableConcept: { text: '冠心病' } },
    { type: { coding: [{ system: OUTPUT, code: 'advice' }] }, valueString: '规律服药' },
  ],
};

const step = (action: string, recorded: string, reason?: string): Provenance => ({
  resourceType: 'Provenance',
  id: action,
  target: [{ reference: 'Task/t/_history/2' }],
  recorded,
  activity: { coding: [{ system: ACTION, code: action }] },
  reason: [
    ...(reason ? [{ text: reason }] : []),
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }] },
  ],
  agent: [{ who: { display: '周丽娟' }, onBehalfOf: { display: '云溪市第一人民医院' } }],
});

test('state, arrangement and outcome are read by their systems', () => {
  expect(stateCode(task)).toBe('accepted');
  expect(arrangedOf(task)).toMatchObject({ practitioner: { display: '沈立新' }, start: '2026-11-25T09:30:00+08:00' });
  expect(outputsOf(task, 'diagnosis').map(outputText)).toEqual(['冠心病']);
  expect(outputsOf(task, 'findings')).toEqual([]);
});

test.each([
  ['周丽娟(云溪市第一人民医院)', { who: '周丽娟', where: '云溪市第一人民医院' }],
  ['陈志远（青石镇卫生院）', { who: '陈志远', where: '青石镇卫生院' }],
  ['Jane Doe', { who: 'Jane Doe', where: '' }],
  [undefined, { who: '', where: '' }],
])('the signature %s is read', (display, said) => expect(signature(display)).toEqual(said));

test('what approvers said stands in its place and is marked as inside', () => {
  const approval: Task = {
    ...task,
    id: 'a',
    note: [{ time: '2026-11-20T11:00:00+08:00', text: '同意', authorReference: { display: '罗国华(青石镇卫生院)' } }],
  };
  expect(conversationOf(task, [approval]).map(({ text, inside }) => [text, inside])).toEqual([
    ['同意', true],
    ['请补充心电图', false],
  ]);
});

describe('the road', () => {
  const steps = [step('accept', '2026-11-20T14:30:00+08:00'), step('approve', '2026-11-20T10:50:00+08:00', '同意转出')];

  test('is in the order of time, with what each step took and why, and without the purpose of use', () => {
    const road = roadOf(steps);
    expect(road.map(({ action, since, reason }) => [action, since, reason?.text])).toEqual([
      ['approve', null, '同意转出'],
      ['accept', 220 * 60_000, undefined],
    ]);
  });

  test('begins with the writing for the receiver too, who does not see the sender’s own steps', () => {
    const [first, second] = roadOf(steps, task);
    expect(first).toMatchObject({ action: 'submit', who: '陈志远', where: '青石镇卫生院', time: task.authoredOn });
    expect(second?.since).toBe(50 * 60_000);
  });

  test('is not given a second beginning', () => {
    expect(roadOf([step('submit', '2026-11-20T10:00:00+08:00'), ...steps], task).map(({ action }) => action)).toEqual([
      'submit',
      'approve',
      'accept',
    ]);
  });
});
