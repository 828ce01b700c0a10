import { describe, expect, test } from 'vitest';
import { inOrder, namedSo, type Receiver, stands } from './receivers';

const receiver = (name: string, tier: string, district = ''): Receiver => ({
  reference: `Organization/${name}`,
  name,
  alias: [],
  tier,
  grade: '',
  district,
  address: '',
  phone: '',
  service: '',
  outside: false,
});

describe('who stands where the direction leads', () => {
  test.each([
    ['up', 'township', 'county', true],
    ['up', 'township', 'township', true],
    ['up', 'city', 'county', false],
    ['down', 'city', 'township', true],
    ['down', 'township', 'township', false],
    ['lateral', 'county', 'county', true],
    ['lateral', 'county', 'city', false],
    ['up', '', 'city', true],
    ['down', 'city', 'village', false],
    ['up', 'township', '', false],
  ] as const)('%s from %s to %s: %s', (direction, own, other, fits) =>
    expect(stands(direction, own, other)).toBe(fits),
  );
});

test('the origin first, then the next tier, the own district before others, equals last', () => {
  const all = [
    receiver('市一院', 'city'),
    receiver('柏川县医院', 'county', '柏川县'),
    receiver('云溪县医院', 'county', '云溪县'),
    receiver('柳河', 'township'),
    receiver('某村', 'village'),
  ];
  const own = { tier: 'township', district: '云溪县' };
  expect(inOrder(all, 'up', own, '').map((one) => one.name)).toEqual(['云溪县医院', '柏川县医院', '市一院', '柳河']);
  const down = inOrder(all, 'down', { tier: 'city', district: '' }, 'Organization/柳河').map((one) => one.name);
  expect(down).toEqual(['柳河', '柏川县医院', '云溪县医院']);
});

test('part of the name or of the short name is enough', () => {
  const one = { ...receiver('云溪市第一人民医院', 'city'), alias: ['市一院'] };
  expect(namedSo(one, '第一')).toBe(true);
  expect(namedSo(one, '市一院')).toBe(true);
  expect(namedSo(one, '中医')).toBe(false);
});
