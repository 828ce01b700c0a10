import { describe, expect, test } from 'vitest';
import { difference, paramsOf } from './conditions';

const row = (id: string, versionId = '1') => ({ id, meta: { versionId } });

describe('what the server has beside what is on the screen', () => {
  test('nothing', () => expect(difference([row('a')], [row('a')], true)).toEqual({ added: 0, changed: false }));

  test('new ones are counted', () => {
    expect(difference([row('a')], [row('b'), row('a'), row('c')], true)).toEqual({ added: 2, changed: false });
  });

  test('a step of somebody else shows as a change', () => {
    expect(difference([row('a')], [row('a', '2')], true)).toEqual({ added: 0, changed: true });
  });

  test('one that left the list shows only when the whole list is on the screen', () => {
    expect(difference([row('a'), row('b')], [row('a')], true).changed).toBe(true);
    expect(difference([row('a'), row('b')], [row('a')], false).changed).toBe(false);
  });
});

test('filters become parameters of the worklist', () => {
  expect(paramsOf('inbox', { state: 'submitted', priority: '', direction: '', green: 'open', q: '王' }, 1)).toEqual({
    list: 'inbox',
    state: 'submitted',
    priority: '',
    direction: '',
    green: 'open',
    q: '王',
    _count: 1,
  });
});
