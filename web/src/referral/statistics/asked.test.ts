import { expect, test } from 'vitest';
import { type Asked, behind, lastDay } from './asked';

const asked: Asked = {
  side: 'sent',
  by: 'month',
  since: '2026-02-10',
  until: '2026-11-23',
  direction: 'up',
  green: '',
};

test('a month has its last day, also in leap years', () => {
  expect([lastDay('2026-02'), lastDay('2028-02'), lastDay('2026-12')]).toEqual([
    '2026-02-28',
    '2028-02-29',
    '2026-12-31',
  ]);
});

test('a line of a month leads to its days within the period', () => {
  const query = new URLSearchParams(behind(asked, '2026-02', 'arrived').split('?')[1]);
  expect([query.get('since'), query.get('until'), query.get('direction')]).toEqual(['2026-02-10', '2026-02-28', 'up']);
});

test('any other line narrows by itself', () => {
  const query = new URLSearchParams(behind({ ...asked, by: 'disease' }, 'I10', 'sent').split('?')[1]);
  expect(query.get('disease')).toBe('I10');
  expect(query.get('until')).toBe('2026-11-23');
});
