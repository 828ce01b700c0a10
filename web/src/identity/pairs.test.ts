import type { Parameters, Task } from 'fhir/r4';
import { expect, test } from 'vitest';
import { pairOf, percent } from './pairs';
import { bars } from './Waterfall';

const told: Parameters = {
  resourceType: 'Parameters',
  parameter: [
    { name: 'task', resource: { resourceType: 'Task', id: '7', status: 'requested', intent: 'proposal' } as Task },
    { name: 'record', part: [{ name: 'linked', valueInteger: 0 }] },
    { name: 'record', part: [{ name: 'linked', valueInteger: 2 }] },
    {
      name: 'field',
      part: [
        { name: 'code', valueCode: 'name' },
        { name: 'display', valueString: '姓名' },
        { name: 'agreement', valueCode: 'different' },
        { name: 'first', valueString: '王永红' },
        { name: 'second', valueString: '王永虹' },
      ],
    },
    { name: 'weight', valueDecimal: 4.5 },
    {
      name: 'step',
      part: [
        { name: 'display', valueString: '先验' },
        { name: 'bits', valueDecimal: -15.5 },
      ],
    },
    {
      name: 'step',
      part: [
        { name: 'display', valueString: '电话' },
        { name: 'bits', valueDecimal: 0 },
      ],
    },
    {
      name: 'step',
      part: [
        { name: 'display', valueString: '姓名:同音' },
        { name: 'level', valueCode: 'homophone' },
        { name: 'bits', valueDecimal: 20 },
      ],
    },
  ],
};

test('a pair is read with what differs and how many records each is linked to', () => {
  const pair = pairOf(told);
  expect(pair.linked).toEqual([0, 2]);
  expect(pair.fields).toEqual([
    { code: 'name', title: '姓名', first: '王永红', second: '王永虹', agreement: 'different' },
  ]);
  expect(pair.weight).toBe(4.5);
});

test('bars go on where the one before ended, and what was not compared has none', () => {
  const made = bars(pairOf(told).steps, 4.5, { start: '起点', term: '', sum: '合计' });
  expect(made.map((one) => [one.name, one.from, one.to])).toEqual([
    ['起点', 0, -15.5],
    ['姓名:同音', -15.5, 4.5],
    ['合计', 0, 4.5],
  ]);
});

test('nothing is ever quite certain', () => {
  expect(percent(0.99996)).toBe('>99.9%');
  expect(percent(0.4321)).toBe('43.2%');
});
