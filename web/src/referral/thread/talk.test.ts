import type { Communication, Task } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { linesOf, unanswered } from './talk';

const said = (id: string, kind: string, sent: string, more: Partial<Communication> = {}): Communication => ({
  resourceType: 'Communication',
  id,
  status: 'completed',
  category: [{ coding: [{ code: kind }] }],
  sender: { reference: 'Practitioner/a', display: '孙丽(云溪市第一人民医院)' },
  sent,
  payload: [{ contentString: id }],
  ...more,
});
const task: Task = {
  resourceType: 'Task',
  status: 'requested',
  intent: 'order',
  note: [{ text: '请尽快', time: '2026-11-23T09:00:00+08:00', authorReference: { display: '张伟(青石镇卫生院)' } }],
};

describe('the conversation', () => {
  test('has notes of steps and what was said in the order of time', () => {
    const lines = linesOf(task, [], [said('q', 'question', '2026-11-23T10:00:00+08:00')]);
    expect(lines.map((one) => [one.text, one.who, one.where])).toEqual([
      ['请尽快', '张伟', '青石镇卫生院'],
      ['q', '孙丽', '云溪市第一人民医院'],
    ]);
  });

  test('knows which questions wait for an answer', () => {
    const q = said('q', 'question', '2026-11-23T10:00:00+08:00');
    const again = said('q2', 'question', '2026-11-23T10:01:00+08:00');
    const a = said('a', 'answer', '2026-11-23T11:00:00+08:00', { inResponseTo: [{ reference: 'Communication/q' }] });
    expect([...unanswered(linesOf(task, [], [q, again, a]))]).toEqual(['q2']);
  });
});
