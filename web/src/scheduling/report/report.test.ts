import { describe, expect, it } from 'vitest';
import { linesOf, monthOf, percent } from './report';

const whole = {
  resourceType: 'Parameters' as const,
  parameter: [
    {
      name: 'institution',
      part: [
        { name: 'reference', valueReference: { reference: 'Organization/first', display: '市一院' } },
        { name: 'tier', valueCoding: { code: 'city' } },
        {
          name: 'kind',
          part: [
            { name: 'code', valueCode: 'expert' },
            { name: 'places', valueInteger: 8 },
          ],
        },
        {
          name: 'all',
          part: [
            { name: 'places', valueInteger: 16 },
            { name: 'by-grassroots', valueInteger: 2 },
          ],
        },
        {
          name: 'reserved',
          part: [
            { name: 'share', valueDecimal: 0.3125 },
            { name: 'reached', valueBoolean: true },
          ],
        },
        { name: 'booking', part: [{ name: 'least', valueDecimal: 0.8 }] },
      ],
    },
  ],
};

describe('the report of the pools', () => {
  it('is read line by line, and what is not there is left out', () => {
    const [line] = linesOf(whole);
    expect(line).toMatchObject({ name: '市一院', tier: 'city', all: { places: 16, byGrassroots: 2, missed: 0 } });
    expect(line?.kinds).toMatchObject([{ kind: 'expert', of: { places: 8 } }]);
    expect(line?.reserved).toEqual({ share: 0.3125, reached: true });
    expect(line?.booking).toEqual({ least: 0.8 });
    expect(line?.released).toEqual({});
  });

  it('knows how long a month is', () => {
    expect(monthOf('2028-02')).toEqual({ start: '2028-02-01', end: '2028-02-29' });
    expect(monthOf('2026-12').end).toBe('2026-12-31');
  });

  it('rounds shares to a tenth of a percent', () => {
    expect(percent(0.3125)).toBe('31.3 %');
    expect(percent(1)).toBe('100 %');
  });
});
