import { describe, expect, test } from 'vitest';
import { chinese } from '../locale/locale';
import { ago, dateTime, day, instant, month, today, untilDeadline, wallClock } from './dates';

describe('dates are shown in the zone of the region', () => {
  test('an instant late in the day of Greenwich is the next day here', () => {
    expect(dateTime('2026-11-22T16:30:00Z')).toBe('2026-11-23 00:30');
    expect(day('2026-11-22T16:30:00Z')).toBe('2026-11-23');
    expect(today(new Date('2026-11-22T16:30:00Z'))).toBe('2026-11-23');
  });

  test('a lower precision stays what it is', () => {
    expect(dateTime('2026-11')).toBe('2026-11');
    expect(day('2026')).toBe('2026');
    expect(month('2026-11-22')).toBe('2026-11');
  });

  test('nothing and nonsense show nothing', () => {
    expect(dateTime(undefined)).toBe('');
    expect(dateTime('Tyesterday')).toBe('');
  });

  test('a chart shows the hour of the region', () => {
    expect(wallClock('2026-11-17T14:02:00Z')).toBe(Date.UTC(2026, 10, 17, 22, 2));
  });

  test('a mere date counts from its first moment here', () => {
    expect(instant('2026-11-22')).toBe(Date.UTC(2026, 10, 21, 16));
    expect(instant('2026')).toBe(Date.UTC(2025, 11, 31, 16));
    expect(instant(undefined)).toBeNaN();
  });
});

describe('relative times', () => {
  const now = new Date('2026-11-22T09:30:00+08:00');

  test('go from minutes to days and then fall silent', () => {
    expect(ago('2026-11-22T09:30:10+08:00', now, chinese)).toBe('刚刚');
    expect(ago('2026-11-22T09:05:00+08:00', now, chinese)).toBe('25 分钟前');
    expect(ago('2026-11-22T06:00:00+08:00', now, chinese)).toBe('3 小时前');
    expect(ago('2026-11-20T09:00:00+08:00', now, chinese)).toBe('2 天前');
    expect(ago('2026-11-22T11:30:00+08:00', now, chinese)).toBe('2 小时后');
    expect(ago('2020-01-01', now, chinese)).toBe('');
  });

  test('a deadline is left or overdue', () => {
    expect(untilDeadline('2026-11-22T11:40:00+08:00', now, chinese)).toEqual({
      overdue: false,
      text: '还剩 2 小时 10 分',
    });
    expect(untilDeadline('2026-11-22T08:55:00+08:00', now, chinese)).toEqual({ overdue: true, text: '超时 35 分' });
    expect(untilDeadline('2026-11-25T10:30:00+08:00', now, chinese)?.text).toBe('还剩 3 天 1 小时');
    expect(untilDeadline(undefined, now, chinese)).toBeNull();
  });
});
