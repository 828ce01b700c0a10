import type { ServiceRequest, Task } from 'fhir/r4';
import { expect, test } from 'vitest';
import { chinese } from '../../locale/locale';
import { durationText } from '../duration';
import { CLOSED } from '../state';
import { DIRECTION, OUTPUT, SENDER, STATE } from '../systems';
import { owed, reasonLabel } from './owed';
import type { Thread } from './thread';

const thread = (state: string, more: Partial<Task> = {}, direction = 'up', post = ''): Thread => ({
  task: {
    resourceType: 'Task',
    status: 'requested',
    intent: 'order',
    businessStatus: { coding: [{ system: STATE, code: state }] },
    owner: { display: '市一院' },
    extension: [{ url: SENDER, valueReference: { display: '青石' } }],
    ...more,
  },
  request: { category: [{ coding: [{ system: DIRECTION, code: direction }] }] } as ServiceRequest,
  patient: undefined,
  steps: [],
  approvals: post
    ? [{ resourceType: 'Task', status: 'requested', intent: 'order', performerType: [{ coding: [{ display: post }] }] }]
    : [],
});
const said = (one: Thread) => {
  const { key, values } = owed(one);
  return chinese(key, values);
};

test('who owes what is said in every state', () => {
  expect(said(thread('in-approval', {}, 'up', '科主任'))).toBe('待青石科主任审批');
  expect(said(thread('in-approval'))).toBe('待青石院内审批');
  expect(said(thread('submitted'))).toBe('待市一院接收并安排接诊');
  expect(said(thread('need-info'))).toBe('待青石补充资料，接诊计时暂停');
  expect(said(thread('draft', { statusReason: { text: '资料不全' } }))).toBe('已退回修改，待青石修改后再提交');
  for (const state of ['draft', 'received', 'accepted', 'arrived', 'held', 'booked', 'deferred', 'no-show', ...CLOSED])
    expect(said(thread(state))).not.toMatch(/[{}]|undefined/);
  expect(owed(thread('unheard-of')).key).toBe('owed.unknown');
});

test('a down-referral that was accepted owes its plan until it is written', () => {
  expect(said(thread('accepted', {}, 'down'))).toBe('市一院已同意接诊，待其制定随访计划');
  const planned = {
    output: [{ type: { coding: [{ system: OUTPUT, code: 'plan' }] }, valueReference: { reference: 'CarePlan/1' } }],
  };
  expect(said(thread('accepted', planned, 'down'))).toBe('市一院已同意接诊，待患者到诊');
});

test('the stated reason is called what it is', () => {
  expect(reasonLabel(thread('need-info'))).toBe('thread.reason.question');
  expect(reasonLabel(thread('declined'))).toBe('thread.reason.why');
  expect(reasonLabel(thread('accepted'))).toBe('thread.reason');
});

test.each([
  [10_000, '不到 1 分钟'],
  [35 * 60_000, '35 分'],
  [130 * 60_000, '2 小时 10 分'],
  [76 * 3_600_000, '3 天 4 小时'],
])('%i ms are %s', (ms, text) => expect(durationText(ms, chinese)).toBe(text));
