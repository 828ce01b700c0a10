import { describe, expect, test } from 'vitest';
import { around, labelsThatFit, namePlace, projectionOf, roundLength } from './projection';

const areas = [
  {
    name: '云溪县',
    rings: [
      [
        [106, 31],
        [106.5, 31],
        [106.5, 31.5],
        [106, 31],
      ] as const,
    ],
  },
];

describe('the map', () => {
  test('shows everything within the picture, north above and east at the right', () => {
    const made = projectionOf(areas, [{ latitude: 31.7, longitude: 105.9 }], 600, 400);
    for (const [longitude, latitude] of [
      [106, 31],
      [106.5, 31.5],
      [105.9, 31.7],
    ] as const) {
      const { x, y } = made.at({ latitude, longitude });
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(600);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(400);
    }
    const here = made.at({ latitude: 31.2, longitude: 106.2 });
    expect(made.at({ latitude: 31.3, longitude: 106.2 }).y).toBeLessThan(here.y);
    expect(made.at({ latitude: 31.2, longitude: 106.3 }).x).toBeGreaterThan(here.x);
  });

  test('is as long in one direction as in the other', () => {
    const made = projectionOf(areas, [], 600, 400);
    const here = made.at({ latitude: 31.2, longitude: 106.2 });
    const north = made.at({ latitude: 31.2 + 10 / 111.195, longitude: 106.2 });
    expect(here.y - north.y).toBeCloseTo(10 * made.km, 3);
  });

  test('of nothing is empty and breaks nothing', () => {
    expect(projectionOf([], [], 300, 180).at({ latitude: 1, longitude: 1 })).toEqual({ x: 150, y: 90 });
    expect(projectionOf([], [{ latitude: 1, longitude: 1 }], 300, 180).at({ latitude: 1, longitude: 1 })).toEqual({
      x: 150,
      y: 90,
    });
  });

  test('has a bar of a round length', () => {
    expect(roundLength(5, 120)).toBe(20);
    expect(roundLength(30, 120)).toBe(2);
    expect(roundLength(400, 120)).toBeCloseTo(0.2);
  });

  test('names what finds room, and what has to be named in any case', () => {
    const at = (id: string, x: number, always = false) => ({ id, x, y: 10, text: '市一院', always });
    expect([...labelsThatFit([at('a', 0), at('b', 20), at('c', 60)])]).toEqual(['a', 'c']);
    expect([...labelsThatFit([at('a', 0), at('b', 20, true)])]).toEqual(['b']);
  });

  test('has the name of an area inside of it', () => {
    expect(
      namePlace([
        [106, 31],
        [107, 31],
        [107, 32],
        [106, 32],
        [106, 31],
      ]),
    ).toEqual({ latitude: 31.7, longitude: 106.5 });
  });
});

describe('the way from one to the other', () => {
  test('is shown with room for the names, however near they are', () => {
    const near = around([
      { latitude: 31.6, longitude: 106.2 },
      { latitude: 31.6, longitude: 106.2 },
    ]);
    expect(near).toEqual([
      { latitude: 31.55, longitude: 106.15 },
      { latitude: expect.closeTo(31.65), longitude: expect.closeTo(106.25) },
    ]);
    const [southWest, northEast] = around([
      { latitude: 31, longitude: 106 },
      { latitude: 32, longitude: 107 },
    ]);
    expect(southWest).toEqual({ latitude: 30.6, longitude: 105.6 });
    expect(northEast).toEqual({ latitude: 32.4, longitude: 107.4 });
    expect(around([])).toEqual([]);
  });
});
