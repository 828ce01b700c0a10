import { describe, expect, test } from 'vitest';
import { isOver, type ShownCard, spaced, untilRenewal } from './card';

const card: ShownCard = { picture: '', life: 60, number: '1234567890123456', issued: '', opens: 24, endsAt: 60_000 };

describe('a code is replaced before it ends', () => {
  test.each([
    [0, 45],
    [1, 45],
    [44_999, 1],
    [45_000, 0],
    [70_000, 0],
  ])('at %i ms there are %i s left', (now, left) => {
    expect(untilRenewal(card, now)).toBe(left);
  });

  test('and it is over only when it ends', () => {
    expect(isOver(card, 59_999)).toBe(false);
    expect(isOver(card, 60_000)).toBe(true);
  });
});

test('a number is read out in fours', () => {
  expect(spaced(card.number)).toBe('1234 5678 9012 3456');
});
