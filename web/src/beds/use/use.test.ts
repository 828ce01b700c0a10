import { describe, expect, it } from 'vitest';
import { percent, surgeryOf, usesOf } from './use';

describe('what was used of the beds', () => {
  it('is told by ward and by day', () => {
    const group = (part: object[]) => ({ name: 'group', part: part as never });
    const [ward, day] = usesOf({
      resourceType: 'Parameters',
      parameter: [
        group([
          { name: 'institution', valueReference: { reference: 'Organization/a', display: '一院' } },
          { name: 'ward', valueReference: { reference: 'Location/w', display: '内科病区' } },
          { name: 'beds', valueInteger: 20 },
          { name: 'occupied', valueInteger: 15 },
          { name: 'discharged', valueInteger: 3 },
          { name: 'rate', valueDecimal: 0.75 },
          { name: 'turnover', valueDecimal: 1.5 },
        ]),
        group([{ name: 'day', valueDate: '2026-11-20' }]),
      ],
    });
    expect(ward).toMatchObject({ name: '内科病区', beds: 20, discharged: 3, rate: 0.75, turnover: 1.5 });
    expect(day).toMatchObject({ day: '2026-11-20', beds: 0, rate: undefined });
  });

  it('has no share where nobody was operated on', () => {
    const told = surgeryOf({ resourceType: 'Parameters', parameter: [{ name: 'target', valueDecimal: 0.2 }] });
    expect([percent(told.share), percent(told.target), percent(0.7634)]).toEqual(['—', '20%', '76.3%']);
  });
});
