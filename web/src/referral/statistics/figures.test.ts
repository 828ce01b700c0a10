import type { MeasureReport } from 'fhir/r4';
import { expect, test } from 'vitest';
import { growthOf, outcomeOf, percent, rateOf, toldOf } from './figures';

const populations = (numbers: Record<string, number>) =>
  Object.entries(numbers).map(([code, count]) => ({ code: { coding: [{ code }] }, count }));

const report = {
  resourceType: 'MeasureReport',
  group: [
    {
      population: populations({ sent: 12, completed: 6, refused: 2, cancelled: 1, 'a-year-before': 10, returned: 3 }),
      measureScore: { value: 2.5 },
      stratifier: [
        {
          stratum: [
            {
              value: { coding: [{ code: '03.04' }], text: '心血管内科专业' },
              population: populations({ sent: 12, accepted: 0, arrived: 0 }),
            },
          ],
        },
      ],
    },
  ],
} as unknown as MeasureReport;

test('lines keep their code, name and numbers; the whole stands beside them', () => {
  const told = toldOf(report);
  expect(told.lines[0]).toMatchObject({ code: '03.04', name: '心血管内科专业', numbers: { sent: 12 } });
  expect(told.whole.hours).toBe(2.5);
  expect(told.more).toBe(0);
});

test('a rate of nobody is none, not zero', () => {
  const { whole, lines } = toldOf(report);
  expect(rateOf(whole, 'returned', 'completed')).toBe(0.5);
  expect(lines[0] && rateOf(lines[0], 'arrived', 'accepted')).toBeUndefined();
  expect(percent(undefined)).toBe('—');
});

test('growth is against the same days of the year before', () => {
  const { whole, lines } = toldOf(report);
  expect(growthOf(whole)).toBeCloseTo(0.2);
  expect(lines[0] && growthOf(lines[0])).toBeUndefined();
});

test('what is neither done, refused nor cancelled is under way', () => {
  expect(outcomeOf(toldOf(report).whole, 'under-way')).toBe(3);
});

test('small rates keep one decimal', () => {
  expect([percent(0.051), percent(0.5), percent(0), percent(1)]).toEqual(['5.1%', '50%', '0%', '100%']);
});
