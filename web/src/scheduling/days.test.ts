import { describe, expect, test } from 'vitest';
import { clock, minutesAndSeconds, monday, plus, secondsUntil } from './days';

describe('days of the calendar', () => {
  test('go over months and years', () => {
    expect(plus('2026-12-31', 1)).toBe('2027-01-01');
    expect(plus('2028-02-29', -1)).toBe('2028-02-28');
  });
  test('belong to the week of their Monday, Sunday to the one before', () => {
    expect(monday('2026-11-23')).toBe('2026-11-23');
    expect(monday('2026-11-29')).toBe('2026-11-23');
  });
});

test('times are those of the region', () => {
  expect(clock('2026-11-23T01:30:00Z')).toBe('09:30');
});

test('a countdown ends at nothing', () => {
  expect(minutesAndSeconds(secondsUntil('2026-11-23T01:30:00Z', Date.parse('2026-11-23T01:28:55Z')))).toBe('01:05');
  expect(secondsUntil('2026-11-23T01:30:00Z', Date.parse('2026-11-23T01:31:00Z'))).toBe(0);
});
